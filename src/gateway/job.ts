/** A job as the HTTP side sees it: one stream of row batches and one ending. */
import type { AggregateRow, JobCaller, JobKind, JobRow } from '../protocol/frames.ts';
import type { SourceRecord } from '../store/store.ts';

export interface JobRequest {
  source: SourceRecord;
  kind: JobKind;
  target: string;
  options: Record<string, unknown>;
  /** Milliseconds the whole job may take, queueing and moving included. */
  deadlineMs: number;
  /** Only this session may run it (`sources test` asks each one in turn). */
  sessionId?: string;
  /** Whether the answer goes out only when it is complete: until then the job may begin again elsewhere. */
  whole?: boolean;
  /** Who asked, for the runner's own records. */
  caller?: JobCaller;
}

/** Some of a job's answer: rows as lines that nobody parsed, or what a `chunk` frame held. */
export type JobBatch = LineBatch | ChunkBatch;

export interface LineBatch {
  /** UTF-8: one JSON object a line, every line ended by a newline. */
  lines: Buffer;
  count: number;
}

export interface ChunkBatch {
  rows: JobRow[];
  agg?: AggregateRow[];
  total?: number;
  approximate?: boolean;
}

/** Rows or buckets in a batch. */
export function batchSize(batch: JobBatch): number {
  return 'lines' in batch ? batch.count : (batch.agg ?? batch.rows).length;
}

export interface JobMeta {
  /** Rows of the whole job. */
  count: number;
  /** Milliseconds the runner took. */
  durationMs: number;
  runnerId: string;
  nextCursor?: string;
  total?: number;
}

export type JobState = 'queued' | 'running' | 'succeeded' | 'failed' | 'cancelled';

export interface Job {
  readonly id: string;
  /**
   * The next batch, or undefined at the end, after which `meta` is set. Pulling is what lets the runner go on.
   *
   * @throws AppError the one ending of a job that failed; its code is of the contract's section 4.
   */
  next(): Promise<JobBatch | undefined>;
  readonly meta: JobMeta | undefined;
  /** Sessions it was given to, one after the other. */
  readonly attempts: number;
  /** Which attempt the last batch was of: a `whole` job that began again repeats what it gave before. */
  readonly batchAttempt: number;
  /** The caller has gone: the runner is told, the database query ends. Idempotent; after an ending it does nothing. */
  cancel(): void;
}

/** One line of `GET /v1/jobs`. */
export interface JobSummary {
  id: string;
  source: string;
  kind: JobKind;
  target: string;
  state: JobState;
  runnerId: string | null;
  rows: number;
  attempts: number;
  error: { code: string; message: string } | null;
  createdAt: number;
  startedAt: number | null;
  endedAt: number | null;
}
