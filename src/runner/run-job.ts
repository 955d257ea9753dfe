/** One job against its source: judged, connected, answered; what it may not do is refused before the first of these costs anything. */
import type { Clock } from '../platform/clock.ts';
import type { AssignedSource, ServerJob } from '../protocol/frames.ts';
import type { ChunkWriter } from './chunk-writer.ts';
import { type ExecutionMeta, executeJob } from './execute-job.ts';
import { JobError, toJobError } from './job-error.ts';
import type { Policy } from './policy/policy.ts';
import type { SourcePool } from './source-pool.ts';

export interface JobRun {
  frame: ServerJob;
  /** As it will be opened; undefined where it is not assigned. */
  source: AssignedSource | undefined;
  writer: ChunkWriter;
  abort: AbortController;
  /** Filled with what must not appear in a message. */
  secrets: string[];
  clock: Clock;
  pool: SourcePool;
  policy?: Policy | undefined;
  /** Monotonic instant at which the job was received. */
  startedAt: number;
}

/** @throws JobError, or whatever the bridge throws. */
export async function runJob(run: JobRun): Promise<ExecutionMeta> {
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
  const lease = await pool.lease(source);
  secrets.push(...lease.secrets);
  let cancelTimeout = (): void => {};
  try {
    // Opening a source takes its time: what was cancelled meanwhile asks the database nothing.
    abort.signal.throwIfAborted();
    if (statementTimeoutMs < Number.POSITIVE_INFINITY)
      cancelTimeout = clock.after(statementTimeoutMs, () => abort.abort(timedOut(statementTimeoutMs)));
    return await executeJob({
      job: permit?.job ?? job,
      writer,
      signal: abort.signal,
      timeoutMs: Math.max(
        1,
        Math.min(frame.deadlineMs - (clock.monotonic() - run.startedAt), statementTimeoutMs),
      ),
      clock,
      bridge: permit ? permit.guard(lease.bridge) : lease.bridge,
      openFresh: async () => (await pool.open(source)).bridge,
    });
  } catch (error) {
    if (toJobError(error, []).code === 'SOURCE_UNREACHABLE') pool.forget(source.id);
    throw error;
  } finally {
    cancelTimeout();
    lease.release();
  }
}

function timedOut(statementTimeoutMs: number): JobError {
  return new JobError(
    'QUERY_TIMEOUT',
    `the policy of this runner ends a question after ${statementTimeoutMs} ms`,
  );
}
