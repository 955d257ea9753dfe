/** The rows of one question: written as they come, taken as the caller asks, the server held up in between. */
import type { FieldPacket } from 'mysql2';
import type { RowLines } from '../bridge.ts';
import { RowWriter } from './row-writer.ts';
import type { Receiver, Session } from './session.ts';

export interface FeedOptions {
  /** Names of the columns that are FLOAT, read as doubles. */
  floats: ReadonlySet<string>;
  /** Values behind those of the columns: the row's key. */
  keyLength: number;
  /** Rows past so many are counted, not written. */
  maxRows: number;
}

/** Batches that wait for the caller: one to take, one to fill meanwhile. */
const MAX_WAITING = 2;

export class RowFeed implements Receiver {
  readonly #session: Session;
  readonly #options: FeedOptions;
  readonly #batches: RowLines[] = [];
  #writer: RowWriter | undefined;
  #wake: (() => void) | undefined;
  #paused = false;
  #over = false;
  #error: { reason: unknown } | undefined;
  /** Rows the server sent. */
  seen = 0;
  /** The key of the last row that was written, where `maxRows` of them were. */
  lastKey: Buffer[] | undefined;

  constructor(session: Session, options: FeedOptions) {
    this.#session = session;
    this.#options = options;
  }

  /** The next batch; undefined behind the last. @throws what ended the question early. */
  async next(): Promise<RowLines | undefined> {
    for (;;) {
      if (this.#error) throw this.#error.reason;
      const batch = this.#batches.shift();
      if (this.#paused && this.#batches.length < MAX_WAITING) {
        this.#paused = false;
        this.#session.resume();
      }
      if (batch) return batch;
      if (this.#writer && !this.#writer.empty) return this.#writer.take();
      if (this.#over) return undefined;
      await new Promise<void>(resolve => {
        this.#wake = resolve;
      });
    }
  }

  fields(fields: FieldPacket[]): void {
    const { keyLength, floats } = this.#options;
    this.#writer = new RowWriter(fields.slice(0, fields.length - keyLength), floats);
  }

  row(values: (Buffer | null)[]): void {
    const { keyLength, maxRows } = this.#options;
    this.seen++;
    if (this.seen > maxRows || !this.#writer) return;
    this.#writer.write(values);
    if (this.seen === maxRows && keyLength > 0) {
      this.lastKey = values.slice(-keyLength).map(value => Buffer.from(value ?? []));
    }
    if (this.#writer.full) {
      this.#batches.push(this.#writer.take());
      if (this.#batches.length >= MAX_WAITING && !this.#paused) {
        this.#paused = true;
        this.#session.pause();
      }
    }
    // Rows that came with this one are written first: whoever waits gets them all.
    if (this.#wake) setImmediate(() => this.#awake());
  }

  end(): void {
    this.#over = true;
    this.#awake();
  }

  fail(reason: unknown): void {
    this.#error ??= { reason };
    this.#awake();
  }

  #awake(): void {
    const wake = this.#wake;
    this.#wake = undefined;
    wake?.();
  }
}
