/**
 * Rows as JSON lines, made from the bytes of `DataRow` messages: the hot path of a long read. What is common is copied
 * byte by byte; what is rare goes through strings and `decodeText`, which says the same.
 */
import { isUtf8 } from 'node:buffer';
import type { RowLines } from '../bridge.ts';
import { decodeText, MAX_JSON_LEVELS, OID, type PgType } from './value-decoders.ts';

/** A batch is handed over at about this size: large enough to cost little, small enough to leave early. */
const BATCH_BYTES = 65_536;
/** Behind the mark at which a batch is full, room for one row of the fast path. */
const SLACK_BYTES = 32_768;
const FULL_BYTES = BATCH_BYTES + SLACK_BYTES;
/** A few rows take a few pages: memory outside the heap is what makes the collector run. */
const FIRST_BYTES = 2_048;
const NOTHING = Buffer.alloc(0);
/** Left free in front of the rows, for the header of the message that carries them. */
const HEADROOM_BYTES = 128;
/** A byte of text grows to six at most: `\u00XX`. */
const WORST_GROWTH = 6;

/** How a column's text becomes JSON; numbers, because the loop over fields switches on them. */
const KIND = {
  /** Digits as they are; what is none (`NaN`, `Infinity`) quoted. */
  number: 0,
  bool: 1,
  /** Quoted, and nothing in it ever needs escaping. */
  plain: 2,
  text: 3,
  date: 4,
  timestamp: 5,
  timestampTz: 6,
  json: 7,
  other: 8,
} as const;
type Kind = (typeof KIND)[keyof typeof KIND];

export interface EncodedColumn {
  name: string;
  type: PgType;
}

export interface RowEncoderOptions {
  /** The columns that become keys; columns behind them in a message are left out. */
  columns: readonly EncodedColumn[];
  /** Rows to encode at most; those after are counted and dropped. */
  maxRows: number;
  /** Fields (by position in the message) whose text is kept for the last row that is encoded. */
  keyFields: readonly number[];
}

export class RowEncoder {
  readonly #options: RowEncoderOptions;
  readonly #prefixes: Buffer[];
  readonly #kinds: Kind[];
  /** Bytes of a row beside its values, each null counted as a value of its own. */
  readonly #fixedBytes: number;
  #out = NOTHING;
  /** What the next buffer begins with. */
  #nextBytes = FIRST_BYTES;
  /** Bytes of `#out` in use, the free ones in front included. */
  #length = HEADROOM_BYTES;
  #count = 0;
  /** Rows seen, those dropped included. */
  seen = 0;
  /** Key fields of the last encoded row, where `keyFields` names any. */
  lastKey: (string | null)[] | undefined;

  constructor(options: RowEncoderOptions) {
    this.#options = options;
    this.#prefixes = options.columns.map(({ name }, index) =>
      Buffer.from(`${index === 0 ? '{' : ','}${JSON.stringify(name)}:`),
    );
    this.#kinds = options.columns.map(({ type }) => kindOf(type));
    this.#fixedBytes = this.#prefixes.reduce((sum, prefix) => sum + prefix.length + 6, 4);
  }

  /** Whether a batch is ready to be taken. */
  get full(): boolean {
    return this.#length >= BATCH_BYTES;
  }

  /** Rows encoded and not taken. */
  get pending(): number {
    return this.#count;
  }

  /** The rows encoded since the last batch; undefined when there are none. */
  take(): RowLines | undefined {
    if (this.#count === 0) return undefined;
    const lines = this.#out.subarray(HEADROOM_BYTES, this.#length);
    const batch: RowLines = isUtf8(lines)
      ? { lines, count: this.#count, headroomBytes: HEADROOM_BYTES }
      : { lines: Buffer.from(lines.toString('utf8')), count: this.#count };
    // The batches of one answer are much alike.
    this.#nextBytes = Math.min(FULL_BYTES, this.#length * 2);
    this.#out = NOTHING;
    this.#length = HEADROOM_BYTES;
    this.#count = 0;
    return batch;
  }

  /**
   * One `DataRow` message, without its type and length.
   *
   * @returns a batch that had to make room, to be sent before what is taken next.
   */
  row(source: Buffer, start: number, end: number): RowLines | undefined {
    if (++this.seen > this.#options.maxRows) return undefined;
    if (this.seen === this.#options.maxRows && this.#options.keyFields.length > 0) {
      this.lastKey = fieldTexts(source, start, this.#options.keyFields);
    }
    const worst = this.#fixedBytes + (end - start) * WORST_GROWTH;
    if (worst > SLACK_BYTES) return this.#largeRow(source, start, worst);
    if (this.#length + worst > this.#out.length) this.#grow(worst);
    this.#length = this.#encode(source, start, this.#out, this.#length);
    this.#count++;
    return undefined;
  }

  /** Room for a row that may need so much; twice what there was, to copy little. */
  #grow(worst: number): void {
    const wanted = Math.max(this.#length + worst, this.#out.length * 2, this.#nextBytes);
    const room = Buffer.allocUnsafe(Math.min(FULL_BYTES, wanted));
    this.#out.copy(room);
    this.#out = room;
  }

  /** A row that might not fit the slack gets a buffer of its own; the ones before it leave first. */
  #largeRow(source: Buffer, start: number, worst: number): RowLines | undefined {
    const before = this.take();
    const room = Buffer.allocUnsafeSlow(worst);
    const length = this.#encode(source, start, room, 0);
    // Copied to size: most rows need a sixth of the worst.
    this.#out = Buffer.allocUnsafe(HEADROOM_BYTES + Math.max(length, BATCH_BYTES) + SLACK_BYTES);
    room.copy(this.#out, HEADROOM_BYTES, 0, length);
    this.#length = HEADROOM_BYTES + length;
    this.#count = 1;
    return before;
  }

  #encode(source: Buffer, start: number, out: Buffer, length: number): number {
    const prefixes = this.#prefixes;
    const kinds = this.#kinds;
    let at = start + 2;
    let to = length;
    for (let column = 0; column < prefixes.length; column++) {
      const prefix = prefixes[column] as Buffer;
      for (let index = 0; index < prefix.length; index++) out[to++] = prefix[index] as number;
      const size = source.readInt32BE(at);
      at += 4;
      if (size < 0) {
        out[to++] = 110;
        out[to++] = 117;
        out[to++] = 108;
        out[to++] = 108;
        continue;
      }
      const stop = at + size;
      to = this.#value(column, kinds[column] as Kind, source, at, stop, out, to);
      at = stop;
    }
    if (prefixes.length === 0) out[to++] = 123;
    out[to++] = 125;
    out[to++] = 10;
    return to;
  }

  #value(
    column: number,
    kind: Kind,
    source: Buffer,
    at: number,
    stop: number,
    out: Buffer,
    to: number,
  ): number {
    switch (kind) {
      case KIND.number:
        return isDigits(source, at, stop)
          ? copy(source, at, stop, out, to)
          : quoted(source, at, stop, out, to);
      case KIND.bool:
        return word(source[at] === 116 ? TRUE : FALSE, out, to);
      case KIND.plain:
        return quoted(source, at, stop, out, to);
      case KIND.text:
        return escaped(source, at, stop, out, to);
      case KIND.date:
        if (stop - at === 10 && source[at + 4] === DASH) return quoted(source, at, stop, out, to);
        break;
      case KIND.timestamp:
        if (isUsualTimestamp(source, at, stop)) return timestamp(source, at, stop, out, to);
        break;
      case KIND.timestampTz:
        if (source[stop - 3] === PLUS && isUsualTimestamp(source, at, stop - 3)) {
          const end = timestamp(source, at, stop - 3, out, to);
          // Over the closing quote: the offset is UTC's, because the session's time zone is.
          out[end - 1] = 90;
          out[end] = QUOTE;
          return end + 1;
        }
        break;
      case KIND.json:
        return json(source, at, stop, out, to);
      case KIND.other:
        break;
    }
    const { type } = this.#options.columns[column] as EncodedColumn;
    const value = decodeText(type, source.toString('utf8', at, stop));
    return to + out.write(JSON.stringify(value), to);
  }
}

const QUOTE = 34;
const PLUS = 43;
const DASH = 45;
const BACKSLASH = 92;
const TRUE = Buffer.from('true');
const FALSE = Buffer.from('false');
const HEX = Buffer.from('0123456789abcdef');
/** For control characters, the letter behind the backslash; 0 where there is none. */
const SHORT_ESCAPES = Uint8Array.from({ length: 32 }, (_, code) =>
  '\b\t\n\f\r'.includes(String.fromCharCode(code))
    ? JSON.stringify(String.fromCharCode(code)).charCodeAt(2)
    : 0,
);

function kindOf(type: PgType): Kind {
  if (type.element) return KIND.other;
  switch (type.oid) {
    case OID.int2:
    case OID.int4:
    case OID.oid:
    case OID.float4:
    case OID.float8:
      return KIND.number;
    case OID.bool:
      return KIND.bool;
    case OID.int8:
    case OID.numeric:
    case OID.uuid:
      return KIND.plain;
    case OID.date:
      return KIND.date;
    case OID.timestamp:
      return KIND.timestamp;
    case OID.timestamptz:
      return KIND.timestampTz;
    case OID.json:
    case OID.jsonb:
      return KIND.json;
    case OID.bytea:
      return KIND.other;
    default:
      return KIND.text;
  }
}

function isDigits(source: Buffer, at: number, stop: number): boolean {
  const first = source[at] === DASH && at + 1 < stop ? source[at + 1] : source[at];
  return first !== undefined && first >= 48 && first <= 57;
}

/** A year of four digits after Christ, and no more behind the time. */
function isUsualTimestamp(source: Buffer, at: number, stop: number): boolean {
  return (
    source[at + 10] === 32 && source[at + 4] === DASH && (source[stop - 1] as number) <= 57 && stop - at <= 26
  );
}

function copy(source: Buffer, at: number, stop: number, out: Buffer, start: number): number {
  let to = start;
  for (let index = at; index < stop; index++) out[to++] = source[index] as number;
  return to;
}

function quoted(source: Buffer, at: number, stop: number, out: Buffer, start: number): number {
  out[start] = QUOTE;
  const to = copy(source, at, stop, out, start + 1);
  out[to] = QUOTE;
  return to + 1;
}

function timestamp(source: Buffer, at: number, stop: number, out: Buffer, start: number): number {
  const end = quoted(source, at, stop, out, start);
  out[start + 11] = 84;
  return end;
}

function word(text: Buffer, out: Buffer, to: number): number {
  return to + text.copy(out, to);
}

function escaped(source: Buffer, at: number, stop: number, out: Buffer, start: number): number {
  let to = start;
  out[to++] = QUOTE;
  for (let index = at; index < stop; index++) {
    const byte = source[index] as number;
    if (byte >= 32 && byte !== QUOTE && byte !== BACKSLASH) {
      out[to++] = byte;
      continue;
    }
    out[to++] = BACKSLASH;
    const letter = byte < 32 ? (SHORT_ESCAPES[byte] as number) : byte;
    if (letter !== 0) {
      out[to++] = letter;
      continue;
    }
    out[to++] = 117;
    out[to++] = 48;
    out[to++] = 48;
    out[to++] = HEX[byte >> 4] as number;
    out[to++] = HEX[byte & 15] as number;
  }
  out[to++] = QUOTE;
  return to;
}

/**
 * JSON as the server holds it, without the blanks between its tokens; what nests too deep for a frame crosses as text.
 */
function json(source: Buffer, at: number, stop: number, out: Buffer, start: number): number {
  let to = start;
  let depth = 0;
  let inString = false;
  for (let index = at; index < stop; index++) {
    const byte = source[index] as number;
    if (inString) {
      if (byte === BACKSLASH) {
        out[to++] = byte;
        out[to++] = source[++index] as number;
        continue;
      }
      if (byte === QUOTE) inString = false;
      out[to++] = byte;
      continue;
    }
    if (byte === QUOTE) inString = true;
    else if (byte === 123 || byte === 91) {
      if (++depth > MAX_JSON_LEVELS) return escaped(source, at, stop, out, start);
    } else if (byte === 125 || byte === 93) depth--;
    // Blanks between tokens: `jsonb` prints some, `json` keeps its line breaks.
    if (byte > 32) out[to++] = byte;
  }
  return to;
}

/** The text of some fields of a `DataRow` message. */
function fieldTexts(source: Buffer, start: number, wanted: readonly number[]): (string | null)[] {
  const texts: (string | null)[] = [];
  const count = source.readInt16BE(start);
  let at = start + 2;
  for (let field = 0; field < count; field++) {
    const size = source.readInt32BE(at);
    at += 4;
    if (wanted.includes(field))
      texts[wanted.indexOf(field)] = size < 0 ? null : source.toString('utf8', at, at + size);
    if (size > 0) at += size;
  }
  return texts;
}
