/** What a reader process and the runner say to each other: requests as JSON lines in, frames with a length out. */
import type { RowLines } from '../../bridge.ts';
import type { Answer, Question } from '../question.ts';

/** Changes with every change of this file: a runner may still run when another version was installed over it. */
export const READER_PROTOCOL = 2;

/** A reader takes one question at a time; `stop` ends the one under way at its next batch. */
export type Request = { type: 'open'; file: string } | { type: 'ask'; question: Question } | { type: 'stop' };

export type Frame =
  | { type: 'ready'; protocol: number }
  | ({ type: 'lines' } & RowLines)
  | { type: 'answer'; answer: Answer }
  | { type: 'failure'; failure: Failure };

/** An error as it crosses: whether the file or the question is at fault, and the message. */
export interface Failure {
  unreachable: boolean;
  /** An operator that SQLite has not, by name. */
  unsupported?: { op: string; target: string };
  /** SQLite's own, where it was SQLite that failed. */
  code?: string;
  message: string;
}

/** Type, rows, bytes that follow. */
const HEAD_BYTES = 9;
const LINES = 1;
const MESSAGE = 2;

export function encodeRequest(request: Request): string {
  return `${JSON.stringify(request)}\n`;
}

export function encodeFrame(frame: Frame): Buffer[] {
  if (frame.type === 'lines') return [head(LINES, frame.count, frame.lines.length), frame.lines];
  const body = Buffer.from(JSON.stringify(frame));
  return [head(MESSAGE, 0, body.length), body];
}

function head(type: number, count: number, length: number): Buffer {
  const bytes = Buffer.allocUnsafe(HEAD_BYTES);
  bytes.writeUInt8(type, 0);
  bytes.writeUInt32LE(count, 1);
  bytes.writeUInt32LE(length, 5);
  return bytes;
}

/** Puts frames together again, however the pipe cut them. */
export class FrameDecoder {
  #chunks: Buffer[] = [];
  #bytes = 0;

  push(chunk: Buffer): void {
    this.#chunks.push(chunk);
    this.#bytes += chunk.length;
  }

  /** The next whole frame; undefined while some of it is missing. */
  next(): Frame | undefined {
    if (this.#bytes < HEAD_BYTES) return undefined;
    const start = this.#first(HEAD_BYTES);
    const length = start.readUInt32LE(5);
    if (this.#bytes < HEAD_BYTES + length) return undefined;
    const frame = this.#first(HEAD_BYTES + length);
    const body = frame.subarray(HEAD_BYTES, HEAD_BYTES + length);
    const rest = frame.subarray(HEAD_BYTES + length);
    this.#chunks[0] = rest;
    if (rest.length === 0) this.#chunks.shift();
    this.#bytes -= HEAD_BYTES + length;
    if (frame.readUInt8(0) === LINES) return { type: 'lines', lines: body, count: frame.readUInt32LE(1) };
    return JSON.parse(body.toString()) as Frame;
  }

  /** The first chunk, joined with others where it is shorter than that. */
  #first(bytes: number): Buffer {
    const [first] = this.#chunks as [Buffer];
    if (first.length >= bytes) return first;
    let joined = 0;
    let size = 0;
    while (size < bytes) size += (this.#chunks[joined++] as Buffer).length;
    const whole = Buffer.concat(this.#chunks.splice(0, joined), size);
    this.#chunks.unshift(whole);
    return whole;
  }
}
