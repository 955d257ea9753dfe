/** Figures of the gateway for Prometheus: counted once a job and once a connection, the state of things at each scrape. */
import { ERROR_CODES } from '../errors.ts';
import { type Figures, openFigures } from '../platform/metrics.ts';
import { CLOSE } from '../protocol/close-codes.ts';
import type { JobKind } from '../protocol/frames.ts';

/** A job that has ended, as it is counted. */
export interface EndedJob {
  kind: JobKind;
  /** Name of the source. */
  source: string;
  /** `done`, or the code of its error. */
  ending: string;
  rows: number;
  /** Of the messages in which its answer came. */
  bytes: number;
  /** Since the job was asked for, in milliseconds. */
  durationMs: number;
  /** Until its caller had the first rows, since it was asked for; null where there were none. */
  firstRowsMs: number | null;
}

export interface SourceJobs {
  running: number;
  queued: number;
}

/** What is looked at for a scrape. */
export interface GatewayState {
  sessions: number;
  activeJobs: number;
  queuedJobs: number;
  jobsBySource: () => ReadonlyMap<string, SourceJobs>;
}

export interface GatewayMetricsOptions {
  version: string;
  state: () => GatewayState;
}

/** What a runner or a peer says is a label only where it is a word of ours: there is no end of others. */
const OTHER = 'other';
const ENDINGS: ReadonlySet<string> = new Set(ERROR_CODES);
const CLOSE_CODES: ReadonlySet<number> = new Set(Object.values(CLOSE));

/**
 * The library is loaded when there is something to count: whoever starts a gateway does not wait for it. Sources are
 * named, for who may read these figures wants to know of which database; targets and callers are not.
 */
export class GatewayMetrics {
  readonly #options: GatewayMetricsOptions;
  #loading: Promise<GatewayFigures> | undefined;
  #loaded: GatewayFigures | undefined;

  constructor(options: GatewayMetricsOptions) {
    this.#options = options;
  }

  jobEnded(job: EndedJob): void {
    this.#count(({ jobs, rows, bytes, duration, firstRows }) => {
      const { kind, source } = job;
      const ending = job.ending === 'done' || ENDINGS.has(job.ending) ? job.ending : OTHER;
      jobs.inc({ kind, source, ending });
      rows.inc({ kind, source }, job.rows);
      bytes.inc({ kind, source }, job.bytes);
      duration.observe({ kind, source }, job.durationMs / 1000);
      if (job.firstRowsMs !== null) firstRows.observe({ kind, source }, job.firstRowsMs / 1000);
    });
  }

  sessionEnded(code: number): void {
    this.#count(({ ended }) => ended.inc({ cause: CLOSE_CODES.has(code) ? `close_${code}` : OTHER }));
  }

  connectionRefused(status: number): void {
    this.#count(({ refused }) => refused.inc({ cause: `http_${status}` }));
  }

  roundTrip(durationMs: number): void {
    this.#count(({ link }) => link.observe(durationMs / 1000));
  }

  async text(): Promise<{ contentType: string; text: string }> {
    const { figures } = await this.#load();
    return { contentType: figures.contentType, text: await figures.text() };
  }

  #count(work: (figures: GatewayFigures) => void): void {
    if (this.#loaded) return work(this.#loaded);
    // Whoever asks for the figures learns of what keeps the library from being loaded.
    this.#load().then(work, () => {});
  }

  #load(): Promise<GatewayFigures> {
    this.#loading ??= load(this.#options).then(loaded => {
      this.#loaded = loaded;
      return loaded;
    });
    return this.#loading;
  }
}

type GatewayFigures = Awaited<ReturnType<typeof load>>;

const JOB = ['kind', 'source'] as const;

async function load({ version, state }: GatewayMetricsOptions) {
  const figures = await openFigures();
  figures.info('semilayer_gateway_info', version);
  showState(figures, state);
  return {
    figures,
    jobs: figures.counter(
      'semilayer_gateway_jobs_total',
      'Jobs that have ended: done, or with the code of their error.',
      [...JOB, 'ending'],
    ),
    rows: figures.counter('semilayer_gateway_rows_total', 'Rows received from runners.', JOB),
    bytes: figures.counter('semilayer_gateway_bytes_total', 'Bytes of rows received from runners.', JOB),
    duration: figures.jobSeconds(
      'semilayer_gateway_job_duration_seconds',
      'How long jobs took, waiting and moving included.',
      JOB,
    ),
    firstRows: figures.jobSeconds(
      'semilayer_gateway_job_first_rows_seconds',
      'How long callers waited for the first rows.',
      JOB,
    ),
    ended: figures.counter('semilayer_gateway_sessions_ended_total', 'Connections of runners that ended.', [
      'cause',
    ]),
    refused: figures.counter('semilayer_gateway_connections_refused_total', 'Runners that were not let in.', [
      'cause',
    ]),
    link: figures.linkSeconds(
      'semilayer_gateway_link_round_trip_seconds',
      'To a runner and back, behind whatever was on its way already.',
    ),
  };
}

function showState(figures: Figures, state: () => GatewayState): void {
  figures.gauge('semilayer_gateway_sessions', 'Connected runner processes.', () => state().sessions);
  figures.gauge('semilayer_gateway_jobs_active', 'Jobs that have not ended.', () => state().activeJobs);
  figures.gauge(
    'semilayer_gateway_jobs_queued',
    'Jobs that wait for a free runner.',
    () => state().queuedJobs,
  );
  const bySource = (count: (jobs: SourceJobs) => number) =>
    function* (): Generator<[string, number]> {
      for (const [source, jobs] of state().jobsBySource()) yield [source, count(jobs)];
    };
  figures.gauges(
    'semilayer_gateway_source_jobs_running',
    'Jobs of a source that a runner has; a source without jobs is not there.',
    'source',
    bySource(jobs => jobs.running),
  );
  figures.gauges(
    'semilayer_gateway_source_jobs_queued',
    'Jobs of a source that wait for a free runner.',
    'source',
    bySource(jobs => jobs.queued),
  );
}
