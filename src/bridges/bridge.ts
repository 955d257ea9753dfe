/** The bridge interface: what a runner needs from a database, whoever wrote the bridge. */

/** A row as JSON can carry it: see docs/bridges.md for the form of each type. */
export type Row = Record<string, unknown>;

export interface OrderBy {
  field: string;
  dir?: 'asc' | 'desc';
}

export interface QueryOptions {
  where?: unknown;
  orderBy?: OrderBy[];
  select?: string[];
  limit?: number;
  offset?: number;
}

export interface ReadOptions {
  /** Rows a page holds at most. */
  limit?: number;
  /** `nextCursor` of the page before. */
  cursor?: string;
  fields?: string[];
  /** Only rows whose `changeTrackingColumn` is later than this instant or value. */
  changedSince?: string | number;
  changeTrackingColumn?: string;
}

export type BatchReadOptions = Omit<QueryOptions, 'offset'>;

export interface CountOptions {
  where?: unknown;
}

export interface Page {
  rows: Row[];
  nextCursor?: string;
  total?: number;
}

export interface Target {
  name: string;
}

export interface TargetSchema {
  name: string;
  columns: { name: string; type: string; nullable: boolean; primaryKey: boolean }[];
  rowCount?: number;
}

export interface BridgeCapabilities {
  /** False when `count` is an estimate. */
  exactCount?: boolean;
  [capability: string]: unknown;
}

/** One page's ending: what a stream of rows knows once it has been read to the end. */
export interface StreamEnd {
  nextCursor?: string;
  total?: number;
}

/** Rows as the JSON text they cross as, made once where the database's bytes are: nobody on the way parses it. */
export interface RowLines {
  /** UTF-8, one JSON object a line, every line ended by `\n`. */
  lines: Buffer;
  /** Rows in it, at least one. */
  count: number;
  /** Bytes in front of `lines`, in the same memory, that whoever gets them may write over: a header fits there. */
  headroomBytes?: number;
}

export type RowBatch = Row[] | RowLines;

/** Rows in batches that the consumer pulls; returning early closes the cursor. */
export type RowBatches = AsyncGenerator<RowBatch, StreamEnd | undefined, undefined>;

/** One bucket of an aggregate. */
export interface AggregateBucket {
  /** Dimension values by the dimension's `as`, else its `field`. */
  dims: Record<string, unknown>;
  /** Measure values by the measure's key. */
  measures: Record<string, unknown>;
  /** Rows in the bucket. */
  count: number;
}

/** What a bridge is told about the job beside its options. */
export interface AggregateContext {
  /** Milliseconds left to the job. */
  timeoutMs?: number;
  /** Ours: aborted when nobody waits for the answer any more. */
  signal?: AbortSignal;
}

/** How far what a bridge can do at once is taken up. */
export interface PoolUse {
  /** Connections, or readers, in the hands of a question. */
  inUse: number;
  /** Questions that wait for one. */
  waiting: number;
  limit: number;
}

/** The public interface of SemiLayer bridges, plus what ours add: streaming and cancellation. */
export interface Bridge {
  readonly capabilities?: BridgeCapabilities;
  connect(signal?: AbortSignal): Promise<void>;
  read(target: string, options: ReadOptions): Promise<Page>;
  count(
    target: string,
    options: CountOptions,
    signal?: AbortSignal,
    timeoutMs?: number,
  ): Promise<number | { total: number; approximate?: boolean }>;
  query(target: string, options: QueryOptions): Promise<Page>;
  batchRead(target: string, options: BatchReadOptions): Promise<Row[]>;
  listTargets(signal?: AbortSignal): Promise<(string | Target)[]>;
  introspectTarget(target: string, signal?: AbortSignal): Promise<TargetSchema>;
  /** Which aggregates the database does itself; false where it does none. */
  aggregateCapabilities?(): Record<string, unknown>;
  /** Buckets in the order of `sort`, `limit` of them at most. Some bridges answer with them all at once. */
  aggregate?(
    options: Record<string, unknown> & { target: string },
    context?: AggregateContext,
  ): AsyncIterable<AggregateBucket> | Promise<unknown>;
  /** Ours: the cheapest question that proves the database answers. */
  ping?(signal?: AbortSignal): Promise<void>;
  /** Ours: for the figures of the runner. */
  readonly poolUse?: PoolUse;
  /**
   * Ours: the same rows as `query`, `read` or `batchRead`, in batches. The signal ends it at once; after `timeoutMs`
   * the database gives up by itself, whether or not anybody is left to tell it.
   */
  stream?(
    kind: 'query' | 'read' | 'batchRead',
    target: string,
    options: Record<string, unknown>,
    signal: AbortSignal,
    timeoutMs?: number,
  ): RowBatches;
  disconnect(): Promise<void>;
}

export interface ManifestField {
  key: string;
  label: string;
  type: 'string' | 'number' | 'boolean' | 'password';
  required?: boolean;
  placeholder?: string;
}

export interface BridgeManifest {
  packageName: string;
  displayName: string;
  supportsUrl: boolean;
  urlPlaceholder?: string;
  fields: ManifestField[];
}

export interface BridgeClass {
  new (config: Record<string, unknown>): Bridge;
  readonly manifest?: BridgeManifest;
}

/** The bridge cannot do that operator; the job fails with UNSUPPORTED_OPERATOR. */
export class UnsupportedOperatorError extends Error {
  override readonly name = 'UnsupportedOperatorError';
  readonly op: string;
  readonly target: string;
  readonly bridge: string;

  constructor(detail: { op: string; target: string; bridge: string }) {
    super(`${detail.bridge} does not support the operator ${detail.op} (target ${detail.target})`);
    this.op = detail.op;
    this.target = detail.target;
    this.bridge = detail.bridge;
  }
}

/** The bridge cannot reach or open the database; the job fails with SOURCE_UNREACHABLE. The message holds no secret. */
export class SourceUnreachableError extends Error {
  override readonly name = 'SourceUnreachableError';
}
