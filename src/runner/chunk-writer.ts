/** Turns batches of rows into frames of a bounded size, and waits where the link or the caller is slow. */
import type { RowLines } from '../bridges/bridge.ts';
import { toJsonValue } from '../bridges/json-value.ts';
import type { AggregateRow } from '../protocol/frames.ts';
import { MAX_FRAME_BYTES } from '../protocol/limits.ts';
import { encodeRows, encodeRowTexts } from '../protocol/raw-rows.ts';
import type { Credit } from './credit.ts';
import type { JobAbort } from './job-abort.ts';
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
  /** Resolves when there is room to send more; undefined when there is. */
  writable(): Promise<void> | undefined;
}

export interface ChunkWriterOptions {
  jobId: string;
  sink: ChunkSink;
  credit: Credit;
  abort: JobAbort;
  /** Whether the gateway takes rows as lines in binary messages; else they go as `chunk` frames. */
  rawRows: boolean;
  /** Monotonic, in milliseconds. */
  now: () => number;
  /** Whether `columns` is wanted. */
  noteColumns?: boolean;
}

export class ChunkWriter {
  readonly #options: ChunkWriterOptions;
  #rows = 0;
  #bytes = 0;
  #columns: string[] | null = null;
  #firstAt: number | undefined;
  #limits = { maxRows: Number.POSITIVE_INFINITY, maxBytes: Number.POSITIVE_INFINITY };
  #total: number | undefined;

  constructor(options: ChunkWriterOptions) {
    this.#options = options;
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
    if (!('lines' in batch)) return await this.#inPieces(batch, this.#sendRows);
    for (const { lines, count, headroomBytes } of splitLines(batch)) {
      for (let wait = this.#room(); wait; wait = this.#room()) await wait;
      this.#sendLines(lines, count, headroomBytes);
    }
  }

  async aggregate(buckets: readonly AggregateRow[]): Promise<void> {
    const [first] = buckets;
    this.#columns ??= first ? [...Object.keys(first.dims ?? {}), ...Object.keys(first.measures ?? {})] : null;
    await this.#inPieces(buckets, (texts, count) => this.#sendText(`],"agg":[${listed(texts)}]}`, count));
  }

  async count(total: number, approximate: boolean | undefined): Promise<void> {
    for (let wait = this.#room(); wait; wait = this.#room()) await wait;
    this.#sendText(
      `],"total":${total}${approximate === undefined ? '' : `,"approximate":${approximate}`}}`,
      0,
    );
    this.#total = total;
  }

  /** Objects as lines of JSON, sent in pieces of about one chunk. */
  async #inPieces(items: readonly unknown[], send: (texts: string, count: number) => void): Promise<void> {
    let texts = '';
    let count = 0;
    for (const item of items) {
      const text = rowText(item);
      if (count > 0 && texts.length + text.length > CHUNK_TARGET_BYTES) {
        for (let wait = this.#room(); wait; wait = this.#room()) await wait;
        send(texts, count);
        texts = '';
        count = 0;
      }
      texts += `${text}\n`;
      count++;
    }
    if (count === 0) return;
    for (let wait = this.#room(); wait; wait = this.#room()) await wait;
    send(texts, count);
  }

  readonly #sendRows = (texts: string, count: number): void => {
    const { jobId, rawRows } = this.#options;
    if (!rawRows) return this.#sendText(`${listed(texts)}]}`, count);
    const frame = encodeRowTexts(jobId, count, texts);
    if (frame.length > MAX_FRAME_BYTES) throw tooLarge(frame.length);
    this.#put(frame, frame.length, count);
  };

  #sendLines(lines: Buffer, count: number, headroomBytes?: number): void {
    const { jobId, rawRows } = this.#options;
    if (!rawRows) return this.#sendRows(lines.toString(), count);
    if (lines.length > MAX_FRAME_BYTES - ENVELOPE_BYTES) throw tooLarge(lines.length);
    const frame = encodeRows(jobId, count, lines, headroomBytes);
    this.#put(frame, frame.length, count);
  }

  #sendText(tail: string, count: number): void {
    const frame = `{"id":${JSON.stringify(this.#options.jobId)},"type":"chunk","rows":[${tail}`;
    const bytes = Buffer.byteLength(frame);
    if (bytes > MAX_FRAME_BYTES) throw tooLarge(bytes);
    this.#put(frame, bytes, count);
  }

  /** What is to be waited for before something may be sent; undefined where there is nothing. @throws the job's abort. */
  #room(): Promise<void> | undefined {
    const { credit, sink, abort } = this.#options;
    abort.throwIfAborted();
    return credit.available(abort) ?? sink.writable();
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

/** Lines of JSON, in which no newline can be, as the items of a list. */
function listed(texts: string): string {
  return texts.slice(0, -1).replaceAll('\n', ',');
}

/** Lines as they are, or where they are too many for one frame, in pieces of about one chunk. */
function splitLines(batch: RowLines): Iterable<RowLines> {
  if (batch.count === 0) return [];
  return batch.lines.length <= SPLIT_ABOVE_BYTES ? [batch] : split(batch);
}

function* split({ lines }: RowLines): Generator<RowLines> {
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
