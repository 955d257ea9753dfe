/** One job against its source: judged, connected, answered; what it may not do is refused before the first of these costs anything. */
import type { Clock } from '../platform/clock.ts';
import { traced, tracedInside } from '../platform/tracing.ts';
import type { AssignedSource, ServerJob } from '../protocol/frames.ts';
import type { ChunkWriter } from './chunk-writer.ts';
import { type ExecutionMeta, executeJob } from './execute-job.ts';
import type { JobAbort } from './job-abort.ts';
import { JobError, toJobError } from './job-error.ts';
import type { Policy } from './policy/policy.ts';
import type { SourcePool } from './source-pool.ts';

/** A bridge that has not come back this long after its job was cancelled is not given to other jobs. */
const HUNG_MS = 10_000;

export interface JobRun {
  frame: ServerJob;
  /** As it will be opened; undefined where it is not assigned. */
  source: AssignedSource | undefined;
  writer: ChunkWriter;
  abort: JobAbort;
  /** Filled with what must not appear in a message. */
  secrets: string[];
  clock: Clock;
  pool: SourcePool;
  policy: Policy | undefined;
  /** Monotonic instant at which the job was received. */
  startedAt: number;
}

/** @throws JobError, or whatever the bridge throws. */
export function runJob(run: JobRun): Promise<ExecutionMeta> {
  const { caller, id, params } = run.frame;
  // Most jobs are of nobody's trace: they pay a look at a key that is not there.
  if (caller?.traceparent === undefined) return answer(run);
  const { kind, target } = params.job;
  const attributes = {
    'semilayer.job.id': id,
    'semilayer.job.kind': kind,
    'semilayer.source': params.source.name,
    'semilayer.target': target,
  };
  return traced(caller.traceparent, { name: `semilayer ${kind}`, kind: 'server', attributes }, () =>
    answer(run),
  );
}

async function answer(run: JobRun): Promise<ExecutionMeta> {
  const { frame, source, writer, abort, secrets, clock, pool, policy } = run;
  const { job } = frame.params;
  if (!source) {
    const { name } = frame.params.source;
    throw new JobError('SOURCE_NOT_ASSIGNED', `source "${name}" is not assigned to this runner`);
  }
  if (job.kind === 'search' || job.kind === 'similar') {
    throw new JobError('UNSUPPORTED_JOB', `this runner does not do ${job.kind} jobs`);
  }
  const permit = policy?.permit(source, job);
  if (permit) writer.limit(permit);
  const statementTimeoutMs = permit?.statementTimeoutMs ?? Number.POSITIVE_INFINITY;
  // Opening a source takes its time: what was cancelled meanwhile asks the database nothing.
  const leased = pool.lease(source, abort);
  const lease = leased instanceof Promise ? await leased : leased;
  secrets.push(...lease.secrets);
  const cancelWatch = watchHung(clock, abort, lease.abandon);
  let cancelTimeout = (): void => {};
  try {
    if (statementTimeoutMs < Number.POSITIVE_INFINITY)
      cancelTimeout = clock.after(statementTimeoutMs, () => abort.abort(timedOut(statementTimeoutMs)));
    const execution = {
      job: permit?.job ?? job,
      writer,
      abort,
      timeoutMs: Math.max(
        1,
        Math.min(frame.deadlineMs - (clock.monotonic() - run.startedAt), statementTimeoutMs),
      ),
      clock,
      bridge: permit ? permit.guard(lease.bridge) : lease.bridge,
      openFresh: async () => (await pool.open(source)).bridge,
    };
    const { traceparent } = frame.caller ?? {};
    if (traceparent === undefined) return await executeJob(execution);
    const attributes = { 'db.operation.name': job.kind, 'db.collection.name': job.target };
    const span = { name: `${job.kind} ${job.target}`, kind: 'client', attributes } as const;
    return await tracedInside(traceparent, span, () => executeJob(execution));
  } catch (error) {
    if (toJobError(error, []).code === 'SOURCE_UNREACHABLE') pool.forget(source.id);
    throw error;
  } finally {
    cancelWatch();
    cancelTimeout();
    lease.release();
  }
}

/** Calls `hung` for a bridge that has not come back long after its job was over; until the returned is called. */
function watchHung(clock: Clock, abort: JobAbort, hung: () => void): () => void {
  let cancel = (): void => {};
  const start = (): void => {
    // Every, for it keeps no process alive; once is all it takes.
    cancel = clock.every(HUNG_MS, () => {
      cancel();
      hung();
    });
  };
  const forget = abort.onAbort(start);
  return () => {
    forget();
    cancel();
  };
}

function timedOut(statementTimeoutMs: number): JobError {
  return new JobError(
    'QUERY_TIMEOUT',
    `the policy of this runner ends a question after ${statementTimeoutMs} ms`,
  );
}
