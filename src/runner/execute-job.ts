/** Runs one job on a bridge: a kind of question in, chunks out. */
import { countOf, schemaOf, targetsOf } from '../bridges/answers.ts';
import type { Bridge } from '../bridges/bridge.ts';
import { pagedRows } from '../bridges/paged-rows.ts';
import { assertNever } from '../errors.ts';
import type { Clock } from '../platform/clock.ts';
import type { AggregateRow, DoneMeta, JobInstruction, JobKind } from '../protocol/frames.ts';
import type { ChunkWriter } from './chunk-writer.ts';
import type { JobAbort } from './job-abort.ts';
import { JobError } from './job-error.ts';

export interface Execution {
  job: JobInstruction;
  writer: ChunkWriter;
  abort: JobAbort;
  /** Milliseconds left to the job. */
  timeoutMs: number;
  clock: Clock;
  /** The source's shared bridge. */
  bridge: Bridge;
  /** A bridge of its own, freshly connected, for `test`. */
  openFresh: () => Promise<Bridge>;
}

const BUCKETS_AT_ONCE = 500;

/** Beside the count and duration, which the caller knows. */
export type ExecutionMeta = Pick<DoneMeta, 'nextCursor' | 'total'>;

/** @throws whatever the bridge throws, or JobError. */
export function executeJob(execution: Execution): Promise<ExecutionMeta> {
  const { kind } = execution.job;
  return kind === 'query' || kind === 'read' || kind === 'batchRead'
    ? sendRows(execution, kind)
    : sendAnswer(execution, kind);
}

async function sendAnswer(
  execution: Execution,
  kind: Exclude<JobKind, 'query' | 'read' | 'batchRead'>,
): Promise<ExecutionMeta> {
  const { job, writer, abort, timeoutMs, bridge } = execution;
  switch (kind) {
    case 'count': {
      const counted = await bridge.count(job.target, job.options, abort.signal, timeoutMs);
      const { total, approximate } = countOf(counted);
      await writer.count(
        total,
        approximate ?? (bridge.capabilities?.exactCount === false ? true : undefined),
      );
      return {};
    }
    case 'aggregate': {
      if (!bridge.aggregate) throw new JobError('UNSUPPORTED_JOB', 'this bridge does not aggregate');
      const buckets = bridge.aggregate(
        { ...job.options, target: job.target },
        { signal: abort.signal, timeoutMs },
      );
      for await (const batch of bucketBatches(await buckets)) await writer.aggregate(batch);
      return {};
    }
    case 'listTargets': {
      await writer.rows(targetsOf(await bridge.listTargets(abort.signal)));
      return {};
    }
    case 'introspectTarget':
      await writer.rows([schemaOf(await bridge.introspectTarget(job.target, abort.signal))]);
      return {};
    case 'test':
      await writer.rows([await prove(execution)]);
      return {};
    case 'search':
    case 'similar':
      throw new JobError('UNSUPPORTED_JOB', `this runner does not do ${kind} jobs`);
    default:
      return assertNever(kind);
  }
}

async function sendRows(execution: Execution, kind: 'query' | 'read' | 'batchRead'): Promise<ExecutionMeta> {
  const { job, writer, abort, timeoutMs, bridge } = execution;
  const { target, options } = job;
  const batches = bridge.stream
    ? bridge.stream(kind, target, options, abort.signal, timeoutMs)
    : pagedRows(bridge, kind, target, options, abort);
  let ended = false;
  try {
    for (;;) {
      const step = await batches.next();
      if (step.done) {
        ended = true;
        const { nextCursor, total } = step.value ?? {};
        return {
          ...(nextCursor === undefined ? {} : { nextCursor }),
          ...(total === undefined ? {} : { total }),
        };
      }
      await writer.rows(step.value);
    }
  } finally {
    if (!ended) await batches.return(undefined);
  }
}

/** `test`: a new connection and the cheapest question, each timed. */
async function prove(execution: Execution): Promise<Record<string, unknown>> {
  const { clock, abort } = execution;
  const started = clock.monotonic();
  const bridge = await execution.openFresh();
  try {
    const connected = clock.monotonic();
    if (bridge.ping) await bridge.ping(abort.signal);
    else await bridge.listTargets(abort.signal);
    const answered = clock.monotonic();
    return {
      ok: true,
      durationMs: roundMs(answered - started),
      connectMs: roundMs(connected - started),
      queryMs: roundMs(answered - connected),
    };
  } finally {
    // What it took to prove is proven, whatever closing it says.
    await disconnected(bridge);
  }
}

async function disconnected(bridge: Bridge): Promise<void> {
  try {
    await bridge.disconnect();
  } catch {
    // It cannot be used again either way.
  }
}

/** A tenth of a millisecond: what a clock in a busy process can honestly say. */
function roundMs(durationMs: number): number {
  return Math.round(durationMs * 10) / 10;
}

/** Buckets a few at a time, however the bridge hands them over: as they come, or all at once. */
async function* bucketBatches(answer: unknown): AsyncGenerator<AggregateRow[]> {
  const buckets = isIterable(answer) ? answer : (answer as { rows?: unknown } | null)?.rows;
  if (!isIterable(buckets)) throw new JobError('SOURCE_QUERY_FAILED', 'the bridge returned no buckets');
  let batch: AggregateRow[] = [];
  for await (const bucket of buckets) {
    batch.push(bucket);
    if (batch.length < BUCKETS_AT_ONCE) continue;
    yield batch;
    batch = [];
  }
  if (batch.length > 0) yield batch;
}

function isIterable(value: unknown): value is AsyncIterable<AggregateRow> | Iterable<AggregateRow> {
  return (
    typeof value === 'object' && value !== null && (Symbol.asyncIterator in value || Symbol.iterator in value)
  );
}
