/**
 * A tap on a connection's bytes. The driver turns every field of every row into a string; while a tap is open, `DataRow`
 * messages go to its owner as bytes and everything else to the driver as ever.
 */
import type { Duplex } from 'node:stream';
import { FairReading } from '../../platform/fair-reading.ts';

export interface RowSink {
  /** A `DataRow` message without its type and length, valid until this returns. */
  row(bytes: Buffer, start: number, end: number): void;
  /** The bytes that came in together have been looked at. */
  settled(): void;
}

type Listener = (chunk: Buffer) => void;

const DATA_ROW = 68;
/** Type and length. */
const HEADER_BYTES = 5;
const EMPTY = Buffer.alloc(0);

export class RowTap {
  readonly #reading: FairReading;
  readonly #driver: Listener;
  #sink: RowSink | undefined;
  /** The start of a message whose end has not come. */
  #pieces: Buffer[] = [];
  #piecesBytes = 0;
  #wantedBytes = 0;

  private constructor(stream: Duplex, driver: Listener) {
    this.#reading = new FairReading(stream);
    this.#driver = driver;
    // In this order, so that the stream never stands without a listener.
    stream.on('data', (chunk: Buffer) => this.#received(chunk));
    stream.off('data', driver);
  }

  /** Undefined where the driver does not listen in the one way that this knows: rows then come as strings. */
  static on(stream: Duplex): RowTap | undefined {
    const listeners = stream.listeners('data') as Listener[];
    return listeners.length === 1 ? new RowTap(stream, listeners[0] as Listener) : undefined;
  }

  /** Rows go to the sink from here on. The connection must be idle: the next byte begins a message. */
  open(sink: RowSink): void {
    this.#sink = sink;
  }

  /** From the next message on, everything goes to the driver. */
  close(): void {
    this.#sink = undefined;
  }

  pause(): void {
    this.#reading.pause();
  }

  resume(): void {
    this.#reading.resume();
  }

  #received(chunk: Buffer): void {
    this.#reading.received(chunk.length);
    let bytes = chunk;
    if (this.#piecesBytes > 0) {
      this.#pieces.push(chunk);
      this.#piecesBytes += chunk.length;
      if (this.#piecesBytes < this.#wantedBytes) return;
      bytes = Buffer.concat(this.#pieces, this.#piecesBytes);
      this.#pieces = [];
      this.#piecesBytes = 0;
    }
    const rest = this.#messages(bytes);
    if (rest.length > 0) {
      this.#pieces.push(rest);
      this.#piecesBytes = rest.length;
      this.#wantedBytes = rest.length < HEADER_BYTES ? HEADER_BYTES : rest.readUInt32BE(1) + 1;
    }
    this.#sink?.settled();
  }

  /** @returns the bytes of a message whose end is missing. */
  #messages(bytes: Buffer): Buffer {
    let at = 0;
    // What is not a row is handed over in one piece up to the next row.
    let passed = 0;
    while (this.#sink && at + HEADER_BYTES <= bytes.length) {
      const end = at + 1 + bytes.readUInt32BE(at + 1);
      if (end > bytes.length) break;
      if (bytes[at] === DATA_ROW) {
        if (passed < at) this.#driver(bytes.subarray(passed, at));
        // The driver may have closed the tap in answer: then this row is its own.
        if (!this.#sink) {
          passed = at;
          break;
        }
        this.#sink.row(bytes, at + HEADER_BYTES, end);
        passed = end;
      }
      at = end;
    }
    if (!this.#sink) {
      if (passed < bytes.length) this.#driver(bytes.subarray(passed));
      return EMPTY;
    }
    if (passed < at) this.#driver(bytes.subarray(passed, at));
    if (this.#sink) return bytes.subarray(at);
    if (at < bytes.length) this.#driver(bytes.subarray(at));
    return EMPTY;
  }
}
