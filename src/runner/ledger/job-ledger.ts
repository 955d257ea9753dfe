/** The two lines of a job: before its first row may leave, and when it has ended. */
import { AppError } from '../../errors.ts';
import type { ServerJob } from '../../protocol/frames.ts';
import type { JobIdentity } from '../events.ts';
import { JobError } from '../job-error.ts';
import { digestOf } from './chain.ts';
import type { Ledger } from './ledger.ts';

/** Longest name that is written down; a job may hold one of megabytes. */
const MAX_NAME = 256;
const MAX_COLUMNS = 200;

export interface JobEnding {
  rows: number;
  bytes: number;
  durationMs: number;
  columns: string[] | null;
  ending: string;
}

export class JobLedger {
  readonly #ledger: Ledger;
  readonly #job: JobIdentity;
  #started: number | null = null;
  #ended = false;

  constructor(ledger: Ledger, job: JobIdentity) {
    this.#ledger = ledger;
    this.#job = { ...job, target: job.target.slice(0, MAX_NAME) };
  }

  /** @throws JobError `INTERNAL` where a job that cannot be recorded may not run. */
  async start(frame: ServerJob): Promise<void> {
    const { options } = frame.params.job;
    const asked = options.select ?? options.fields;
    const columns = Array.isArray(asked) ? named(asked.filter(one => typeof one === 'string')) : null;
    const caller = frame.caller ?? null;
    const record = { type: 'started', job: this.#job, caller, options: digestOf(options), columns } as const;
    this.#started = await recorded(this.#ledger.append(record));
  }

  /**
   * The first ending is the one: a connection that is lost while a job's last line is written changes nothing of it.
   *
   * @throws JobError as `start` does.
   */
  async end({ columns, ...ending }: JobEnding): Promise<void> {
    if (this.#ended) return;
    this.#ended = true;
    const record = { type: 'ended', started: this.#started, job: this.#job, ...ending } as const;
    await recorded(this.#ledger.append({ ...record, columns: columns && named(columns) }));
  }
}

function named(columns: readonly string[]): string[] {
  return columns.slice(0, MAX_COLUMNS).map(column => column.slice(0, MAX_NAME));
}

async function recorded(line: Promise<number | null>): Promise<number | null> {
  try {
    return await line;
  } catch (error) {
    if (error instanceof AppError) throw new JobError('INTERNAL', error.message, error);
    throw error;
  }
}
