/** One job on its way: batches queued for the caller, one winning attempt, one ending. */
import { AppError } from '../errors.ts';
import type { Clock } from '../platform/clock.ts';
import type { ClientChunk, DoneMeta } from '../protocol/frames.ts';
import type { ClientRows } from '../protocol/raw-rows.ts';
import {
  batchSize,
  type ChunkBatch,
  type Job,
  type JobBatch,
  type JobMeta,
  type JobRequest,
  type JobState,
  type JobSummary,
} from './job.ts';
import type { EndedJob } from './metrics.ts';
import type { RunnerSession } from './runner-session.ts';

/** Rows a caller has not taken: above the first a version 1 runner's socket is left unread until below the second. */
const STALL_BYTES = 4 * 1_048_576;
const UNSTALL_BYTES = 1_048_576;

interface QueuedBatch {
  batch: JobBatch;
  bytes: number;
}

interface Attempt {
  session: RunnerSession;
  wireId: string;
}

export interface DispatchedJobOptions {
  id: string;
  request: JobRequest;
  createdAt: number;
  /** Monotonic: a clock that is set takes nothing from the deadline. */
  submittedAt: number;
  clock: Clock;
  /** The job changed state: the log and the event stream look again. */
  onChange: (job: DispatchedJob) => void;
}

export class DispatchedJob implements Job {
  readonly id: string;
  readonly request: JobRequest;
  readonly createdAt: number;
  readonly submittedAt: number;
  /** Undefined until the job has ended, then its error or null. */
  failure: AppError | null | undefined;
  meta: JobMeta | undefined;
  attempts = 0;
  /** How often it was taken from one session to be given to another. */
  moves = 0;
  /** Whether a batch has been handed to the caller: from then on the job cannot be moved. */
  delivered = false;
  cancelDeadline: () => void = () => {};
  readonly #options: DispatchedJobOptions;
  readonly #queue: QueuedBatch[] = [];
  #queuedBytes = 0;
  #attempt: Attempt | undefined;
  #lastRunnerId: string | null = null;
  #rows = 0;
  #bytes = 0;
  #deliveredAt: number | null = null;
  #startedAt: number | null = null;
  #endedAt: number | null = null;
  #cancelled = false;
  #wake: (() => void) | undefined;
  /** Since when a runner's socket is left unread for this job. */
  #stalledAt: number | undefined;
  #batchAttempt = 0;

  constructor(options: DispatchedJobOptions) {
    this.#options = options;
    this.id = options.id;
    this.request = options.request;
    this.createdAt = options.createdAt;
    this.submittedAt = options.submittedAt;
  }

  get ended(): boolean {
    return this.failure !== undefined;
  }

  get session(): RunnerSession | undefined {
    return this.#attempt?.session;
  }

  async next(): Promise<JobBatch | undefined> {
    for (;;) {
      if (this.failure) throw this.failure;
      const queued = this.#queue.shift();
      if (queued) {
        this.delivered ||= this.request.whole !== true;
        this.#deliveredAt ??= this.#options.clock.now();
        this.#batchAttempt = this.attempts;
        this.#taken(queued.bytes);
        return queued.batch;
      }
      if (this.failure === null) return undefined;
      await new Promise<void>(resolve => {
        this.#wake = resolve;
      });
    }
  }

  get batchAttempt(): number {
    return this.#batchAttempt;
  }

  /** Milliseconds since the caller last took anything, while a runner's socket is left unread for it; else 0. */
  get stalledMs(): number {
    return this.#stalledAt === undefined ? 0 : this.#options.clock.monotonic() - this.#stalledAt;
  }

  /** Whether the session that has the job did not take it in time. */
  get isOverdue(): boolean {
    return this.#attempt?.session.isOverdue(this.#attempt.wireId) ?? false;
  }

  cancel(): void {
    if (this.ended) return;
    this.#cancelled = true;
    this.fail(new AppError('CANCELLED', { message: 'cancelled by the caller' }));
  }

  /** A new attempt owns the job; what an earlier one sent and the caller has not seen is gone. */
  attach(session: RunnerSession, wireId: string): void {
    this.#attempt = { session, wireId };
    this.#lastRunnerId = session.runnerId;
    this.attempts++;
    this.#rows = 0;
    this.#bytes = 0;
    this.#startedAt ??= this.#options.clock.now();
    this.#clear();
    this.#options.onChange(this);
  }

  /** The attempt is over without an ending: the dispatcher looks for another. */
  detach(): void {
    this.#attempt = undefined;
    this.#clear();
  }

  /** As `detach`, of an attempt that may still be going on: its session is told that nobody waits for it. */
  abandon(): void {
    const attempt = this.#attempt;
    this.detach();
    attempt?.session.cancel(attempt.wireId);
  }

  accept(frame: ClientChunk | ClientRows, bytes: number): void {
    const batch = frame.type === 'rows' ? { lines: frame.lines, count: frame.count } : chunkBatch(frame);
    const attempt = this.#attempt;
    this.#bytes += bytes;
    if (this.#isEmpty(batch)) {
      // Nothing that a caller could have seen: it gives its credit back, and the job can still be moved.
      attempt?.session.drained(attempt.wireId, bytes);
      return;
    }
    this.#rows += batchSize(batch);
    this.#queue.push({ batch, bytes });
    this.#queuedBytes += bytes;
    if (attempt && this.#queuedBytes > STALL_BYTES && attempt.session.setStalled(attempt.wireId, true))
      this.#stalledAt ??= this.#options.clock.monotonic();
    this.#poke();
  }

  succeed(meta: DoneMeta | undefined, runnerId: string): void {
    if (this.ended) return;
    this.meta = {
      count: this.#rows,
      durationMs:
        meta?.durationMs ?? this.#options.clock.now() - (this.#startedAt ?? this.#options.clock.now()),
      runnerId,
      ...(meta?.nextCursor === undefined ? {} : { nextCursor: meta.nextCursor }),
      ...(meta?.total === undefined ? {} : { total: meta.total }),
    };
    this.#attempt = undefined;
    this.#end(null);
  }

  /** The one ending of a job that failed. Rows the caller has not taken are dropped: the error comes first. */
  fail(error: AppError): void {
    if (this.ended) return;
    const attempt = this.#attempt;
    this.detach();
    this.#end(error);
    attempt?.session.cancel(attempt.wireId);
  }

  summary(): JobSummary {
    const { request } = this;
    return {
      id: this.id,
      source: request.source.name,
      kind: request.kind,
      target: request.target,
      state: this.state,
      runnerId: this.#lastRunnerId,
      rows: this.#rows,
      attempts: this.attempts,
      error: this.failure ? { code: this.failure.code, message: this.failure.message } : null,
      createdAt: this.createdAt,
      startedAt: this.#startedAt,
      endedAt: this.#endedAt,
    };
  }

  /** The job as the figures have it, once it has ended. */
  counted(): EndedJob {
    const { request, createdAt, failure } = this;
    const since = (at: number | null): number => Math.max(0, (at ?? createdAt) - createdAt);
    return {
      kind: request.kind,
      source: request.source.name,
      ending: failure?.code ?? 'done',
      rows: this.#rows,
      bytes: this.#bytes,
      durationMs: since(this.#endedAt),
      firstRowsMs: this.#deliveredAt === null ? null : since(this.#deliveredAt),
    };
  }

  /** A count has no rows, and its total is the answer. */
  #isEmpty(batch: JobBatch): boolean {
    if (batchSize(batch) > 0) return false;
    return this.request.kind !== 'count' || !('total' in batch);
  }

  get state(): JobState {
    if (this.#cancelled) return 'cancelled';
    if (this.failure === null) return 'succeeded';
    if (this.failure) return 'failed';
    return this.#attempt ? 'running' : 'queued';
  }

  #end(failure: AppError | null): void {
    this.failure = failure;
    this.#endedAt = this.#options.clock.now();
    this.cancelDeadline();
    this.#options.onChange(this);
    this.#poke();
  }

  #taken(bytes: number): void {
    this.#queuedBytes -= bytes;
    const attempt = this.#attempt;
    if (!attempt) return;
    attempt.session.drained(attempt.wireId, bytes);
    if (this.#queuedBytes < UNSTALL_BYTES) {
      attempt.session.setStalled(attempt.wireId, false);
      this.#stalledAt = undefined;
    } else if (this.#stalledAt !== undefined) this.#stalledAt = this.#options.clock.monotonic();
  }

  #clear(): void {
    this.#queue.length = 0;
    this.#queuedBytes = 0;
    this.#stalledAt = undefined;
  }

  #poke(): void {
    const wake = this.#wake;
    this.#wake = undefined;
    wake?.();
  }
}

function chunkBatch({ rows, agg, total, approximate }: ClientChunk): ChunkBatch {
  const batch: ChunkBatch = { rows };
  if (agg !== undefined) batch.agg = agg;
  if (total !== undefined) batch.total = total;
  if (approximate !== undefined) batch.approximate = approximate;
  return batch;
}
