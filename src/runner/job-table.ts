/** The jobs of one connection: each begins once, ends in exactly one frame, and dies with the connection. */
import { messageOf } from '../errors.ts';
import type { Clock } from '../platform/clock.ts';
import type { AssignedSource, ServerJob } from '../protocol/frames.ts';
import { ChunkWriter } from './chunk-writer.ts';
import { Credit } from './credit.ts';
import type { JobIdentity, RunnerEvent } from './events.ts';
import { executeJob } from './execute-job.ts';
import { JobError, type JobErrorCode, toJobError } from './job-error.ts';
import type { SourcePool } from './source-pool.ts';

/** A bridge that has not come back this long after its job was cancelled is not given to other jobs. */
const HUNG_MS = 10_000;

export interface JobWire {
  send(data: string | Buffer): void;
  writable(): Promise<void>;
}

export interface JobTableOptions {
  wire: JobWire;
  pool: SourcePool;
  clock: Clock;
  concurrency: number;
  /** Bytes each job may send before its first credit; undefined where credit was not negotiated. */
  creditWindowBytes: number | undefined;
  /** Whether rows go as lines in binary messages. */
  rawRows: boolean;
  onEvent: (event: RunnerEvent) => void;
}

interface ActiveJob {
  identity: JobIdentity;
  frame: ServerJob;
  credit: Credit;
  writer: ChunkWriter;
  abort: AbortController;
  startedAt: number;
  cancelDeadline: () => void;
}

export class JobTable {
  readonly #options: JobTableOptions;
  readonly #active = new Map<string, ActiveJob>();
  /** Accepted beyond our concurrency: a version 1 gateway does not know of it. */
  readonly #waiting: ActiveJob[] = [];
  #assigned: readonly AssignedSource[] = [];
  #running = 0;
  #draining = false;
  #closed = false;
  #idle: (() => void)[] = [];

  constructor(options: JobTableOptions) {
    this.#options = options;
  }

  get activeJobs(): number {
    return this.#active.size;
  }

  assign(sources: readonly AssignedSource[]): void {
    this.#assigned = sources;
  }

  begin(frame: ServerJob): void {
    const { id, params, deadlineMs } = frame;
    // A second job frame for a job under way has nothing of its own to end.
    if (this.#closed || this.#active.has(id)) return;
    const { clock, wire, creditWindowBytes, rawRows } = this.#options;
    const abort = new AbortController();
    const credit = new Credit(creditWindowBytes);
    const job: ActiveJob = {
      identity: { id, kind: params.job.kind, source: params.source.name, target: params.job.target },
      frame,
      credit,
      writer: new ChunkWriter({ jobId: id, sink: wire, credit, signal: abort.signal, rawRows }),
      abort,
      startedAt: clock.monotonic(),
      cancelDeadline: () => {},
    };
    this.#active.set(id, job);
    if (this.#draining)
      return this.#end(job, 0, new JobError('CANCELLED', 'this runner is leaving and takes no job'));
    if (!(deadlineMs > 0)) return this.#end(job, 0, timeout(deadlineMs));
    job.cancelDeadline = clock.after(deadlineMs, () => abort.abort(timeout(deadlineMs)));
    abort.signal.addEventListener('abort', () => this.#aborted(job), { once: true });
    if (this.#running >= this.#options.concurrency) this.#waiting.push(job);
    else void this.#run(job);
  }

  /** Idempotent; a job that is not here has ended already. */
  cancel(id: string): void {
    this.#active.get(id)?.abort.abort(new JobError('CANCELLED', 'cancelled by the caller'));
  }

  grant(id: string, bytes: number): void {
    this.#active.get(id)?.credit.grant(bytes);
  }

  /** Takes no further job. */
  drain(): void {
    this.#draining = true;
  }

  /** Resolves when no job is left. */
  idle(): Promise<void> {
    return this.#active.size === 0 ? Promise.resolve() : new Promise(resolve => this.#idle.push(resolve));
  }

  cancelAll(reason: string): void {
    for (const job of [...this.#active.values()]) job.abort.abort(new JobError('CANCELLED', reason));
  }

  /** The connection is gone: every job stops, and nothing more is sent. */
  close(): void {
    this.#closed = true;
    this.cancelAll('the connection to the gateway was lost');
  }

  async #run(job: ActiveJob): Promise<void> {
    const { clock, pool, onEvent } = this.#options;
    const { abort, frame, identity, writer } = job;
    this.#running++;
    onEvent({ type: 'job-started', job: identity });
    let secrets: readonly string[] = [];
    const work = async (): Promise<void> => {
      const source = this.#assigned.find(assigned => assigned.id === frame.params.source.id);
      if (!source) {
        throw new JobError(
          'SOURCE_NOT_ASSIGNED',
          `source "${identity.source}" is not assigned to this runner`,
        );
      }
      // The job's own copy of a managed config is the freshest.
      const current = source.credentialsLocation === 'managed' ? frame.params.source : source;
      if (frame.params.job.kind === 'search' || frame.params.job.kind === 'similar') {
        throw new JobError('UNSUPPORTED_JOB', `this runner does not do ${frame.params.job.kind} jobs`);
      }
      // Opening a source takes its time: what was cancelled meanwhile asks the database nothing.
      const lease = await pool.lease(current, abort.signal);
      secrets = lease.secrets;
      const cancelWatch = this.#watch(job, lease.abandon);
      try {
        const openFresh = async () => (await pool.open(current)).bridge;
        const meta = await executeJob({
          job: frame.params.job,
          writer,
          signal: abort.signal,
          timeoutMs: Math.max(1, frame.deadlineMs - (clock.monotonic() - job.startedAt)),
          clock,
          bridge: lease.bridge,
          openFresh,
        });
        if (abort.signal.aborted) throw abort.signal.reason;
        this.#end(job, writer.rowsSent, meta);
      } catch (error) {
        if (toJobError(error, []).code === 'SOURCE_UNREACHABLE') pool.forget(current.id);
        throw error;
      } finally {
        cancelWatch();
        lease.release();
      }
    };
    // A bridge that hangs must not hold the ending back: whichever comes first ends the job, the other finds it gone.
    const aborted = new Promise<never>((_, reject) => {
      if (abort.signal.aborted) reject(abort.signal.reason);
      abort.signal.addEventListener('abort', () => reject(abort.signal.reason), { once: true });
    });
    try {
      await Promise.race([work(), aborted]);
    } catch (error) {
      const cause = abort.signal.aborted ? abort.signal.reason : error;
      const { code, message } = toJobError(cause, secrets);
      this.#end(job, writer.rowsSent, new JobError(code, message));
    } finally {
      this.#running--;
      const next = this.#waiting.shift();
      if (next) void this.#run(next);
    }
  }

  /** Calls `hung` for a bridge that has not come back long after its job was over; until the returned is called. */
  #watch({ abort: { signal } }: ActiveJob, hung: () => void): () => void {
    let cancel = (): void => {};
    const start = (): void => {
      // Every, for it keeps no process alive; once is all it takes.
      cancel = this.#options.clock.every(HUNG_MS, () => {
        cancel();
        hung();
      });
    };
    signal.addEventListener('abort', start, { once: true });
    return () => {
      signal.removeEventListener('abort', start);
      cancel();
    };
  }

  /** The one place where a job leaves the table and its one ending is sent. */
  #end(job: ActiveJob, rows: number, outcome: JobError | { nextCursor?: string; total?: number }): void {
    const { id } = job.identity;
    if (this.#active.get(id) !== job) return;
    this.#active.delete(id);
    job.cancelDeadline();
    const durationMs = Math.round(this.#options.clock.monotonic() - job.startedAt);
    const error =
      outcome instanceof JobError
        ? { code: outcome.code as JobErrorCode, message: messageOf(outcome) }
        : null;
    if (!this.#closed) {
      this.#options.wire.send(
        JSON.stringify(
          error === null
            ? { id, type: 'done', meta: { count: rows, durationMs, ...outcome } }
            : { id, type: 'error', ...error },
        ),
      );
    }
    const total = job.writer.totalSent;
    this.#options.onEvent({
      type: 'job-ended',
      job: job.identity,
      rows,
      ...(total === undefined ? {} : { total }),
      bytes: job.writer.bytesSent,
      durationMs,
      error,
    });
    if (this.#active.size === 0) for (const resolve of this.#idle.splice(0)) resolve();
  }

  /** Ends the job at once, not when its bridge gets round to it: what leaves next may be the close frame. */
  #aborted(job: ActiveJob): void {
    const index = this.#waiting.indexOf(job);
    if (index >= 0) this.#waiting.splice(index, 1);
    this.#end(job, job.writer.rowsSent, job.abort.signal.reason as JobError);
  }
}

function timeout(deadlineMs: number): JobError {
  return new JobError('QUERY_TIMEOUT', `the job did not end within ${deadlineMs} ms`);
}
