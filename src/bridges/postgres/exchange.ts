/**
 * One question on one connection, in the extended query protocol: a portal read a few rows at a time as the consumer
 * drains, its rows encoded as they arrive.
 */
import type { Connection, Submittable } from 'pg';
import type { RowLines } from '../bridge.ts';
import type { RowEncoder } from './row-encoder.ts';
import type { RowSink, RowTap } from './row-tap.ts';

/** Rows of the first request; what they weigh decides on the next. */
const FIRST_ROWS = 128;
const MAX_ROWS = 20_000;
/** What one request for rows is meant to bring. */
const REQUEST_BYTES = 1_048_576;
/** Above the first the connection is not read, below the second it is, and more rows are asked for. */
const HIGH_WATER_BYTES = 2_097_152;
const LOW_WATER_BYTES = 524_288;

/** A column of an answer, as the server describes it. */
export interface AnswerField {
  name: string;
  dataTypeID: number;
}

export interface Statement {
  /** Empty is the unnamed statement, parsed for this question alone. */
  name: string;
  /** What the connection already knows of the statement: nothing is parsed or described again. */
  fields: readonly AnswerField[] | undefined;
}

export interface ExchangeOptions {
  text: string;
  /** Parameters in the server's text form. */
  values: readonly (string | null)[];
  statement: Statement;
  /** Statements of this connection to be given up first. */
  closing: readonly string[];
  /** Whether all rows are few enough to be asked for at once: the whole question is one round trip. */
  short: boolean;
  tap: RowTap | undefined;
  /** @throws when the fields are not those expected: the question ends with that error. */
  encoderFor: (fields: readonly AnswerField[]) => RowEncoder;
  /** The statement was parsed and described: another question may skip both. */
  onDescribed: (fields: readonly AnswerField[]) => void;
}

/** What the driver's own types leave out of its messages. */
interface DriverConnection {
  parse(message: { name: string; text: string; types: number[] }): void;
  bind(message: { portal: string; statement: string; values: readonly (string | null)[] }): void;
  describe(message: { type: 'P' | 'S'; name: string }): void;
  execute(message: { portal: string; rows: number }): void;
  close(message: { type: 'P' | 'S'; name: string }): void;
  flush(): void;
  sync(): void;
  readonly stream: { cork(): void; uncork(): void };
}

type State = 'waiting' | 'running' | 'suspended' | 'synced' | 'over';

export class Exchange implements Submittable, RowSink {
  readonly #options: ExchangeOptions;
  readonly #queue: RowLines[] = [];
  /** Resolves when the connection answers no more of this question: it may be given back, or is dead. */
  readonly over: Promise<void>;
  #settle!: () => void;
  #connection: DriverConnection | undefined;
  #encoder: RowEncoder | undefined;
  #state: State = 'waiting';
  #complete = false;
  #abandoned = false;
  #failure: Error | undefined;
  #queuedBytes = 0;
  #paused = false;
  #requestedRows: number;
  #encodedBytes = 0;
  #wake: (() => void) | undefined;

  constructor(options: ExchangeOptions) {
    this.#options = options;
    this.#requestedRows = options.short ? 0 : FIRST_ROWS;
    this.over = new Promise(resolve => {
      this.#settle = resolve;
    });
  }

  /** Key fields of the last row, once all rows were read. */
  get lastKey(): (string | null)[] | undefined {
    return this.#encoder?.lastKey;
  }

  get rowsSeen(): number {
    return this.#encoder?.seen ?? 0;
  }

  /** Whether the connection answers no more of this question. */
  get isOver(): boolean {
    return this.#state === 'over';
  }

  /** Whether the server is at work on it now, so that ending it early takes a cancel request. */
  get running(): boolean {
    return this.#state === 'running' || (this.#state === 'synced' && !this.#complete);
  }

  /** The next batch, or undefined at the end. @throws the server's error. */
  async next(): Promise<RowLines | undefined> {
    for (;;) {
      if (this.#queue.length === 0 && !this.#failure) this.#flush();
      const batch = this.#queue.shift();
      if (batch) {
        this.#queuedBytes -= batch.lines.length;
        this.#pull();
        return batch;
      }
      if (this.#failure) throw this.#failure;
      if (this.#complete) return undefined;
      await new Promise<void>(resolve => {
        this.#wake = resolve;
      });
    }
  }

  /**
   * Nobody wants the rest: what still comes is dropped, and a portal that waits is closed.
   *
   * @param reason what a consumer that still waits is told.
   */
  abandon(reason?: Error): void {
    if (!this.#complete) this.#failure ??= reason;
    this.#abandoned = true;
    this.#notify();
    this.#queue.length = 0;
    this.#queuedBytes = 0;
    if (this.#paused) this.#resume();
    if (this.#state === 'suspended') this.#sync();
  }

  submit(connection: Connection): void {
    const { text, values, statement, closing, short, tap } = this.#options;
    const driver = connection as unknown as DriverConnection;
    this.#connection = driver;
    this.#state = 'running';
    tap?.open(this);
    driver.stream.cork();
    for (const name of closing) driver.close({ type: 'S', name });
    if (statement.fields === undefined) driver.parse({ name: statement.name, text, types: [] });
    driver.bind({ portal: '', statement: statement.name, values });
    if (statement.fields === undefined) driver.describe({ type: 'P', name: '' });
    else this.#described(statement.fields);
    driver.execute({ portal: '', rows: this.#requestedRows });
    if (short) this.#sync();
    else driver.flush();
    driver.stream.uncork();
  }

  handleRowDescription(message: { fields: readonly AnswerField[] }): void {
    this.#options.onDescribed(message.fields);
    this.#described(message.fields);
  }

  /** Rows as strings, where there is no tap: the same bytes again for the same encoder. */
  handleDataRow(message: { fields: readonly (string | null)[] }): void {
    const body = dataRow(message.fields);
    this.row(body, 0, body.length);
    this.settled();
  }

  row(bytes: Buffer, start: number, end: number): void {
    if (this.#abandoned || !this.#encoder) return;
    const before = this.#encoder.row(bytes, start, end);
    if (before) this.#enqueue(before);
    if (this.#encoder.full) this.#flush();
  }

  settled(): void {
    if (this.#wake && this.#encoder?.pending) this.#flush();
    if (!this.#paused && this.#queuedBytes > HIGH_WATER_BYTES && this.#options.tap) {
      this.#paused = true;
      this.#options.tap.pause();
    }
  }

  handlePortalSuspended(): void {
    if (this.#state !== 'running') return;
    this.#state = 'suspended';
    this.#flush();
    if (this.#abandoned) this.#sync();
    else this.#pull();
  }

  handleCommandComplete(): void {
    this.#complete = true;
    this.#flush();
    if (this.#state !== 'synced') this.#sync();
    this.#notify();
  }

  handleEmptyQuery(): void {
    this.handleCommandComplete();
  }

  /** The driver forgets this question at its first error, and waits for the server's readiness itself. */
  handleError(error: Error): void {
    this.#failure ??= error;
    if (this.#state !== 'synced' && this.#state !== 'over') this.#connection?.sync();
    this.#finish();
  }

  handleReadyForQuery(): void {
    this.#finish();
  }

  #described(fields: readonly AnswerField[]): void {
    try {
      this.#encoder = this.#options.encoderFor(fields);
    } catch (error) {
      this.#failure = error as Error;
      this.#abandoned = true;
      this.#notify();
    }
  }

  #flush(): void {
    const batch = this.#abandoned ? undefined : this.#encoder?.take();
    if (batch) this.#enqueue(batch);
  }

  #enqueue(batch: RowLines): void {
    this.#encodedBytes += batch.lines.length;
    this.#queuedBytes += batch.lines.length;
    this.#queue.push(batch);
    this.#notify();
  }

  /** Asks for more rows, or reads on, when little is left. */
  #pull(): void {
    if (this.#queuedBytes > LOW_WATER_BYTES) return;
    if (this.#paused) this.#resume();
    if (this.#state !== 'suspended' || this.#abandoned) return;
    const rowBytes = Math.max(1, this.#encodedBytes / Math.max(1, this.rowsSeen));
    this.#requestedRows = Math.min(MAX_ROWS, Math.max(1, Math.round(REQUEST_BYTES / rowBytes)));
    this.#state = 'running';
    const connection = this.#connection as DriverConnection;
    connection.execute({ portal: '', rows: this.#requestedRows });
    connection.flush();
  }

  #resume(): void {
    this.#paused = false;
    this.#options.tap?.resume();
  }

  #sync(): void {
    this.#state = 'synced';
    this.#connection?.sync();
  }

  #finish(): void {
    if (this.#state === 'over') return;
    this.#state = 'over';
    this.#options.tap?.close();
    if (this.#paused) this.#resume();
    this.#notify();
    this.#settle();
  }

  #notify(): void {
    const wake = this.#wake;
    this.#wake = undefined;
    wake?.();
  }
}

function dataRow(fields: readonly (string | null)[]): Buffer {
  const parts: Buffer[] = [Buffer.alloc(2)];
  (parts[0] as Buffer).writeInt16BE(fields.length);
  for (const field of fields) {
    const text = field === null ? undefined : Buffer.from(field);
    const size = Buffer.alloc(4);
    size.writeInt32BE(text ? text.length : -1);
    parts.push(size);
    if (text) parts.push(text);
  }
  return Buffer.concat(parts);
}
