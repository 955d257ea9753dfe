/** Feature `rawRows`: rows as lines of JSON behind a short header, in one binary message that nobody need parse. */
import { isUtf8 } from 'node:buffer';
import { FrameError } from './frame-fields.ts';
import { MAX_FRAME_BYTES, MAX_ID_LENGTH } from './limits.ts';

/** Rows of one job: what a `chunk` frame says, without its array. */
export interface ClientRows {
  type: 'rows';
  id: string;
  /** Rows in `lines`, at least one. */
  count: number;
  /** UTF-8: one JSON object a line, every line ended by a newline. */
  lines: Buffer;
}

const NEWLINE = 10;
const BRACE_OPEN = 123;
const BRACE_CLOSE = 125;
/** An identifier of the longest kind, each character escaped, and the keys around it. */
const MAX_HEADER_BYTES = MAX_ID_LENGTH * 6 + 128;

/**
 * The message: a line of JSON that says whose rows follow and how many, then the rows.
 *
 * @param headroomBytes bytes in front of `lines`, in the same memory, that may be written over: where the header fits,
 * nothing is copied.
 */
export function encodeRows(id: string, count: number, lines: Buffer, headroomBytes = 0): Buffer {
  const header = Buffer.from(headerOf(id, count));
  if (header.length <= headroomBytes) {
    const start = lines.byteOffset - header.length;
    const message = Buffer.from(lines.buffer, start, header.length + lines.length);
    message.set(header);
    return message;
  }
  return Buffer.concat([header, lines], header.length + lines.length);
}

/** As `encodeRows`, of rows that are texts yet, each ended by a newline. */
export function encodeRowTexts(id: string, count: number, texts: string): Buffer {
  return Buffer.from(`${headerOf(id, count)}${texts}`);
}

/**
 * A binary message from a runner. Its rows are held to be rows — a line each, as many as it says, an object by its
 * first and last character, UTF-8 — so that one row can never be taken for two; what a row says is the runner's word,
 * as it is in a `chunk`.
 *
 * @throws FrameError when it is not such a message.
 */
export function decodeRows(message: Buffer): ClientRows {
  if (message.length > MAX_FRAME_BYTES) throw new FrameError('larger than 16 MiB');
  const end = message.subarray(0, MAX_HEADER_BYTES).indexOf(NEWLINE);
  if (end < 0) throw new FrameError('binary message without a header line');
  const { id, count } = header(message.toString('utf8', 0, end));
  const lines = message.subarray(end + 1);
  if (!isUtf8(lines)) throw new FrameError('rows are not UTF-8');
  let rows = 0;
  for (let start = 0; start < lines.length; rows++) {
    const stop = lines.indexOf(NEWLINE, start);
    if (stop < 0 || lines[start] !== BRACE_OPEN || lines[stop - 1] !== BRACE_CLOSE || stop - start < 2) {
      throw new FrameError(`rows[${rows}] is not an object on a line of its own`);
    }
    start = stop + 1;
  }
  if (rows !== count) throw new FrameError(`rows.count is ${count} and there are ${rows}`);
  return { type: 'rows', id, count, lines };
}

function headerOf(id: string, count: number): string {
  return `{"type":"rows","id":${JSON.stringify(id)},"count":${count}}\n`;
}

function header(text: string): { id: string; count: number } {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw new FrameError('the header of a binary message is not JSON');
  }
  const { type, id, count } = (typeof value === 'object' && value !== null ? value : {}) as Record<
    string,
    unknown
  >;
  if (type !== 'rows') throw new FrameError('a binary message that is not rows');
  if (typeof id !== 'string' || id.length === 0 || id.length > MAX_ID_LENGTH) {
    throw new FrameError(`rows.id is not 1 to ${MAX_ID_LENGTH} characters long`);
  }
  if (typeof count !== 'number' || !Number.isSafeInteger(count) || count < 1) {
    throw new FrameError('rows.count is not an integer of 1 or more');
  }
  return { id, count };
}
