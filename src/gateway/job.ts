/** A job as the HTTP side sees it: one stream of row batches and one ending. */
import type { AggregateRow, JobKind, JobRow } from '../protocol/frames.ts';
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
}

export interface RowBatch {
  rows: JobRow[];
  agg?: AggregateRow[];
  total?: number;
  approximate?: boolean;
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
  next(): Promise<RowBatch | undefined>;
  readonly meta: JobMeta | undefined;
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
