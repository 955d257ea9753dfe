/** Turns batches of rows into frames of a bounded size, and waits where the link or the caller is slow. */
import type { RowLines } from '../bridges/bridge.ts';
import { toJsonValue } from '../bridges/json-value.ts';
import type { AggregateRow } from '../protocol/frames.ts';
import { MAX_FRAME_BYTES } from '../protocol/limits.ts';
import { encodeRows } from '../protocol/raw-rows.ts';
import type { Credit } from './credit.ts';
import { JobError } from './job-error.ts';

/** Large enough that framing costs nothing, small enough that the first rows leave early and jobs share the link. */
const CHUNK_TARGET_BYTES = 65_536;
/** Lines that a bridge made into one batch are split only where they are far larger than that. */
const SPLIT_ABOVE_BYTES = 1_048_576;
/** Room for the frame around the rows. */
const ENVELOPE_BYTES = 2_048;
const NEWLINE = 10;

export interface ChunkSink {
  send(data: string | Buffer): void;
  writable(): Promise<void>;
}

export interface ChunkWriterOptions {
  jobId: string;
  sink: ChunkSink;
  credit: Credit;
  signal: AbortSignal;
  /** Whether the gateway takes rows as lines in binary messages; else they go as `chunk` frames. */
  rawRows: boolean;
  /** Monotonic, in milliseconds. */
  now: () => number;
  /** Whether `columns` is wanted. */
  noteColumns?: boolean;
}

export class ChunkWriter {
  readonly #options: ChunkWriterOptions;
  readonly #head: string;
  #rows = 0;
  #bytes = 0;
  #columns: string[] | null = null;
  #firstAt: number | undefined;
  #limits = { maxRows: Number.POSITIVE_INFINITY, maxBytes: Number.POSITIVE_INFINITY };
  #total: number | undefined;

  constructor(options: ChunkWriterOptions) {
    this.#options = options;
    this.#head = `{"id":${JSON.stringify(options.jobId)},"type":"chunk","rows":[`;
  }

  /** Rows sent so far. */
  get rowsSent(): number {
    return this.#rows;
  }

  /** Bytes of the frames sent so far. */
  get bytesSent(): number {
    return this.#bytes;
  }

  /** When the first frame was sent, by `now`; undefined before. */
  get firstAt(): number | undefined {
    return this.#firstAt;
  }

  /** Names in the first row or bucket that was sent; null where there was none. */
  get columns(): string[] | null {
    return this.#columns;
  }

  /** What would go beyond these is not sent, and fails the job. */
  limit(limits: { maxRows: number; maxBytes: number }): void {
    this.#limits = limits;
  }

  /** What a `count` has sent. */
  get totalSent(): number | undefined {
    return this.#total;
  }

  /** Sends the rows of a batch; resolves when there is room for more. */
  async rows(batch: readonly object[] | RowLines): Promise<void> {
    if (this.#options.noteColumns) this.#columns ??= columnsOf(batch);
    if ('lines' in batch) {
      for (const { lines, count, headroomBytes } of splitLines(batch))
        await this.#sendLines(lines, count, headroomBytes);
      return;
    }
    for (const { texts, count } of pieces(batch)) await this.#sendRows(texts.join('\n'), count);
  }

  async aggregate(buckets: readonly AggregateRow[]): Promise<void> {
    const [first] = buckets;
    this.#columns ??= first ? [...Object.keys(first.dims ?? {}), ...Object.keys(first.measures ?? {})] : null;
    for (const { texts, count } of pieces(buckets))
      await this.#sendText(`],"agg":[${texts.join(',')}]}`, count);
  }

  async count(total: number, approximate: boolean | undefined): Promise<void> {
    await this.#sendText(
      `],"total":${total}${approximate === undefined ? '' : `,"approximate":${approximate}`}}`,
      0,
    );
    this.#total = total;
  }

  /** @param texts rows as JSON, a newline between two. */
  async #sendRows(texts: string, count: number): Promise<void> {
    if (this.#options.rawRows) return await this.#sendLines(Buffer.from(`${texts}\n`), count);
    await this.#sendText(`${texts.replaceAll('\n', ',')}]}`, count);
  }

  async #sendLines(lines: Buffer, count: number, headroomBytes?: number): Promise<void> {
    const { jobId, rawRows } = this.#options;
    if (!rawRows) return await this.#sendRows(lines.toString('utf8', 0, lines.length - 1), count);
    if (lines.length > MAX_FRAME_BYTES - ENVELOPE_BYTES) throw tooLarge(lines.length);
    await this.#ready();
    const frame = encodeRows(jobId, count, lines, headroomBytes);
    this.#put(frame, frame.length, count);
  }

  async #sendText(tail: string, count: number): Promise<void> {
    await this.#ready();
    const frame = this.#head + tail;
    const bytes = Buffer.byteLength(frame);
    if (bytes > MAX_FRAME_BYTES) throw tooLarge(bytes);
    this.#put(frame, bytes, count);
  }

  async #ready(): Promise<void> {
    const { credit, sink, signal } = this.#options;
    const waiting = credit.available(signal);
    if (waiting) await waiting;
    await sink.writable();
    if (signal.aborted) throw signal.reason;
  }

  #put(frame: string | Buffer, bytes: number, count: number): void {
    const { maxRows, maxBytes } = this.#limits;
    if (this.#rows + count > maxRows) throw beyond(`${maxRows} rows`);
    if (this.#bytes + bytes > maxBytes) throw beyond(`${maxBytes} bytes`);
    this.#options.sink.send(frame);
    this.#firstAt ??= this.#options.now();
    this.#options.credit.spend(bytes);
    this.#rows += count;
    this.#bytes += bytes;
  }
}

function columnsOf(batch: readonly object[] | RowLines): string[] | null {
  if (!('lines' in batch)) return batch[0] ? Object.keys(batch[0]) : null;
  if (batch.count === 0) return null;
  return Object.keys(JSON.parse(batch.lines.toString('utf8', 0, batch.lines.indexOf(NEWLINE))));
}

/** Objects as JSON texts, in pieces of about one chunk. */
function* pieces(items: readonly unknown[]): Generator<{ texts: string[]; count: number }> {
  let texts: string[] = [];
  let size = 0;
  for (const item of items) {
    const text = rowText(item);
    if (texts.length > 0 && size + text.length > CHUNK_TARGET_BYTES) {
      yield { texts, count: texts.length };
      texts = [];
      size = 0;
    }
    texts.push(text);
    size += text.length + 1;
  }
  if (texts.length > 0) yield { texts, count: texts.length };
}

/** Lines as they are, or where they are too many for one frame, in pieces of about one chunk. */
function* splitLines(batch: RowLines): Generator<RowLines> {
  const { lines, count } = batch;
  if (count === 0) return;
  if (lines.length <= SPLIT_ABOVE_BYTES) {
    yield batch;
    return;
  }
  let start = 0;
  let rows = 0;
  for (let at = 0; at < lines.length; ) {
    const end = lines.indexOf(NEWLINE, at) + 1;
    if (end === 0) throw new JobError('SOURCE_QUERY_FAILED', 'the bridge returned a row without its end');
    if (rows > 0 && end - start > CHUNK_TARGET_BYTES) {
      yield { lines: lines.subarray(start, at), count: rows };
      start = at;
      rows = 0;
    }
    at = end;
    rows++;
  }
  yield { lines: lines.subarray(start), count: rows };
}

function rowText(row: unknown): string {
  let json: string | undefined;
  try {
    json = JSON.stringify(row);
  } catch {
    // A bigint or a cycle from a bridge that does not encode its values: the slow way names or converts them.
    json = JSON.stringify(toJsonValue(row));
  }
  if (json === undefined || json[0] !== '{') {
    throw new JobError('SOURCE_QUERY_FAILED', 'the bridge returned something that is not a row');
  }
  if (json.length > MAX_FRAME_BYTES - ENVELOPE_BYTES) throw tooLarge(json.length);
  return json;
}

function beyond(limit: string): JobError {
  return new JobError(
    'SOURCE_QUERY_FAILED',
    `the policy of this runner lets an answer have at most ${limit}`,
  );
}

function tooLarge(bytes: number): JobError {
  return new JobError(
    'ROW_TOO_LARGE',
    `a row of ${bytes} bytes does not fit a frame of ${MAX_FRAME_BYTES}: select fewer or shorter fields`,
  );
}
