/** Turns batches of rows into chunk frames of a bounded size, and waits where the link or the caller is slow. */
import { toJsonValue } from '../bridges/json-value.ts';
import type { AggregateRow } from '../protocol/frames.ts';
import { MAX_FRAME_BYTES } from '../protocol/limits.ts';
import type { Credit } from './credit.ts';
import { JobError } from './job-error.ts';

/** Large enough that framing costs nothing, small enough that the first rows leave early and jobs share the link. */
const CHUNK_TARGET_CHARS = 65_536;
/** Room for the frame around the rows. */
const ENVELOPE_BYTES = 1_024;

export interface ChunkSink {
  send(text: string): void;
  writable(): Promise<void>;
}

export class ChunkWriter {
  readonly #head: string;
  readonly #sink: ChunkSink;
  readonly #credit: Credit;
  readonly #signal: AbortSignal;
  #rows = 0;

  constructor(jobId: string, sink: ChunkSink, credit: Credit, signal: AbortSignal) {
    this.#head = `{"id":${JSON.stringify(jobId)},"type":"chunk","rows":[`;
    this.#sink = sink;
    this.#credit = credit;
    this.#signal = signal;
  }

  /** Rows sent so far. */
  get rows(): number {
    return this.#rows;
  }

  /** Sends the rows of a batch; resolves when there is room for more. */
  async rowsBatch(batch: readonly unknown[]): Promise<void> {
    let text = '';
    let count = 0;
    for (const row of batch) {
      const json = rowText(row);
      if (count > 0 && text.length + json.length > CHUNK_TARGET_CHARS) {
        await this.#send(text, count, ']}');
        text = '';
        count = 0;
      }
      text += count === 0 ? json : `,${json}`;
      count++;
    }
    if (count > 0) await this.#send(text, count, ']}');
  }

  async aggregate(buckets: readonly AggregateRow[]): Promise<void> {
    let text = '';
    let count = 0;
    const tail = (): string => `],"agg":[${text}]}`;
    for (const bucket of buckets) {
      const json = rowText(bucket);
      if (count > 0 && text.length + json.length > CHUNK_TARGET_CHARS) {
        await this.#send('', count, tail());
        text = '';
        count = 0;
      }
      text += count === 0 ? json : `,${json}`;
      count++;
    }
    if (count > 0) await this.#send('', count, tail());
  }

  async count(total: number, approximate: boolean | undefined): Promise<void> {
    const tail = `],"total":${total}${approximate === undefined ? '' : `,"approximate":${approximate}`}}`;
    await this.#send('', 0, tail);
  }

  async #send(rows: string, count: number, tail: string): Promise<void> {
    const waiting = this.#credit.available(this.#signal);
    if (waiting) await waiting;
    await this.#sink.writable();
    if (this.#signal.aborted) throw this.#signal.reason;
    const frame = this.#head + rows + tail;
    const bytes = Buffer.byteLength(frame);
    if (bytes > MAX_FRAME_BYTES) {
      throw new JobError(
        'ROW_TOO_LARGE',
        `a row of ${bytes} bytes does not fit a frame of ${MAX_FRAME_BYTES}`,
      );
    }
    this.#sink.send(frame);
    this.#credit.spend(bytes);
    this.#rows += count;
  }
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
  if (json.length > MAX_FRAME_BYTES - ENVELOPE_BYTES) {
    throw new JobError(
      'ROW_TOO_LARGE',
      `a row of ${json.length} characters does not fit a frame of ${MAX_FRAME_BYTES}`,
    );
  }
  return json;
}
