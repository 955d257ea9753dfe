/** `semilayer ledger show|verify`: the local record of what a runner let out. */
import { stat } from 'node:fs/promises';
import { resolve } from 'node:path';
import type { Context } from '../cli/context.ts';
import { AppError } from '../errors.ts';
import type { Column } from '../output/output.ts';
import { formatPosition, type LedgerEntry, parsePosition } from '../runner/ledger/chain.ts';
import { ledgerLines, verifyLedger } from '../runner/ledger/verify-ledger.ts';
import { integer } from './run-settings.ts';

export interface LedgerFlags {
  ledger?: string;
  limit?: string;
  holds?: string;
}

/** A job as its two lines tell it; one that has not ended has no second. */
interface RecordedJob {
  line: number;
  startedAt: string;
  endedAt: string | null;
  jobId: string;
  caller: string | null;
  requestId: string | null;
  source: string;
  kind: string;
  target: string;
  columns: string[] | null;
  rows: number | null;
  bytes: number | null;
  durationMs: number | null;
  ending: string | null;
}

const COLUMNS: readonly Column<RecordedJob>[] = [
  { header: 'LINE', value: one => one.line, format: 'number' },
  { header: 'STARTED', value: one => one.startedAt, format: 'time' },
  { header: 'CALLER', value: one => one.caller },
  { header: 'KIND', value: one => one.kind },
  { header: 'SOURCE', value: one => one.source },
  { header: 'TARGET', value: one => one.target },
  { header: 'COLUMNS', value: one => one.columns, format: 'list' },
  { header: 'ROWS', value: one => one.rows, format: 'number' },
  { header: 'BYTES', value: one => one.bytes, format: 'number' },
  { header: 'ENDING', value: one => one.ending ?? 'not ended' },
];

export async function showLedger(flags: LedgerFlags, ctx: Context): Promise<void> {
  const limit = integer(flags.limit ?? '100', '--limit', 1, 1_000_000);
  const jobs = new Map<number, RecordedJob>();
  for await (const { entry } of ledgerLines(await directoryOf(flags, ctx))) {
    if (entry?.type !== 'started' && entry?.type !== 'ended') continue;
    note(entry, jobs);
    const [oldest] = jobs.keys();
    if (jobs.size > limit && oldest !== undefined) jobs.delete(oldest);
  }
  ctx.output.list([...jobs.values()], COLUMNS, 'no jobs yet');
}

/** @throws AppError `ledger_broken` (exit 1) naming each place that is not as it was written. */
export async function verifyLedgerCommand(flags: LedgerFlags, ctx: Context): Promise<void> {
  const directory = await directoryOf(flags, ctx);
  const holds = flags.holds === undefined ? undefined : parsePosition(flags.holds);
  if (flags.holds !== undefined && !holds) {
    throw new AppError('usage', { message: '--holds is not LINE:HASH, as a runner logs it' });
  }
  const { faults, notes, ...verdict } = await verifyLedger(directory, holds);
  const end = formatPosition(verdict.end);
  if (ctx.global.json) ctx.output.document({ ok: faults.length === 0, ...verdict, end, faults, notes });
  else {
    for (const note of notes) ctx.output.finding('warning', note);
    for (const fault of faults) ctx.output.finding('failed', fault);
    if (faults.length === 0)
      ctx.output.finding(
        'ok',
        `${verdict.lines} lines in ${verdict.files === 1 ? '1 file' : `${verdict.files} files`}, up to ${end}`,
      );
  }
  if (faults.length > 0) {
    throw new AppError('ledger_broken', {
      message: `the ledger in ${directory} is not as it was written`,
      hint: 'keep the files as they are, and give the runner an empty directory',
    });
  }
}

function note(entry: LedgerEntry & { type: 'started' | 'ended' }, jobs: Map<number, RecordedJob>): void {
  const { job } = entry;
  const started = entry.type === 'started' ? undefined : jobs.get(entry.started ?? -1);
  const record: RecordedJob = started ?? {
    line: entry.seq,
    startedAt: entry.at,
    endedAt: null,
    jobId: job.id,
    caller: null,
    requestId: null,
    source: job.source,
    kind: job.kind,
    target: job.target,
    columns: entry.columns,
    rows: null,
    bytes: null,
    durationMs: null,
    ending: null,
  };
  if (entry.type === 'started') {
    record.caller = entry.caller?.name ?? null;
    record.requestId = entry.caller?.requestId ?? null;
  } else {
    const { at, columns, rows, bytes, durationMs, ending } = entry;
    Object.assign(record, {
      endedAt: at,
      columns: columns ?? record.columns,
      rows,
      bytes,
      durationMs,
      ending,
    });
  }
  jobs.set(record.line, record);
}

async function directoryOf(flags: LedgerFlags, ctx: Context): Promise<string> {
  const named = flags.ledger ?? ctx.env.SEMILAYER_LEDGER_DIR ?? '';
  if (named === '') {
    throw new AppError('usage', {
      message: 'no ledger to read',
      hint: 'give --ledger or set SEMILAYER_LEDGER_DIR, as for `semilayer run`',
    });
  }
  const directory = resolve(ctx.cwd, named);
  const found = await stat(directory).catch(() => undefined);
  if (!found?.isDirectory())
    throw new AppError('not_found', { message: `there is no ledger in ${directory}` });
  return directory;
}
