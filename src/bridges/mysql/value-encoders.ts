/** From a value as the server's text protocol sends it to its JSON, byte to byte: see docs/bridges.md for the forms. */
import type { FieldPacket } from 'mysql2';
import { isSafe } from '../json-value.ts';
import { isJson } from './json-bytes.ts';
import { shortestFloat } from './operand.ts';

/**
 * Writes the JSON of a value.
 *
 * @param at where in `out`, which has room for `roomFor(value)` from there.
 * @returns where the JSON ends.
 */
export type Encoder = (out: Buffer, at: number, value: Buffer) => number;

/** Numbers of the protocol for the types of columns. */
const TYPE = {
  decimal: 0,
  tiny: 1,
  short: 2,
  long: 3,
  float: 4,
  double: 5,
  timestamp: 7,
  longlong: 8,
  int24: 9,
  date: 10,
  time: 11,
  datetime: 12,
  year: 13,
  bit: 16,
  vector: 242,
  json: 245,
  newDecimal: 246,
  geometry: 255,
} as const;

/** The character set number of what is no text. */
const BINARY = 63;
const ZEROFILL = 64;
const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const ZERO = 0x30;
const DIGITS = Buffer.from('0123456789abcdef');
/** Integers of so many digits are safe whatever they are. */
const SAFE_DIGITS = 15;
/** Around the value: quotes, the letter of a zone, the digits of a number that is spelled anew. */
const MARGIN_BYTES = 40;
/** Text longer than this is looked through before room is made for it: only a control character takes six bytes. */
const LONG_TEXT_BYTES = 4_096;
/** Copying fewer bytes than this one by one is faster than asking for it. */
const SHORT_RUN_BYTES = 48;
/** Nested deeper than this a value does not fit a frame, whose own levels come on top (128 in all). */
const MAX_JSON_LEVELS = 100;

/** How each byte stands in a JSON text: 0 as itself, else behind a backslash, `u` meaning by its number. */
const ESCAPES = new Uint8Array(256);
ESCAPES.fill('u'.charCodeAt(0), 0, 32);
for (const [character, letter] of Object.entries({
  '\b': 'b',
  '\f': 'f',
  '\n': 'n',
  '\r': 'r',
  '\t': 't',
  '"': '"',
  '\\': '\\',
})) {
  ESCAPES[character.charCodeAt(0)] = letter.charCodeAt(0);
}

/** Bytes that the JSON of a value takes at most. */
export function roomFor(value: Buffer): number {
  if (value.length <= LONG_TEXT_BYTES) return value.length * 6 + MARGIN_BYTES;
  let extra = 0;
  for (let at = 0; at < value.length; at++) if (ESCAPES[value[at] as number] !== 0) extra += 5;
  return value.length + Math.max(extra, Math.ceil(value.length / 2)) + MARGIN_BYTES;
}

/** @param isFloat whether the column is a FLOAT, which is read as a double. */
export function encoderOf(field: FieldPacket, isFloat: boolean): Encoder {
  if (field.extendedFormat === 'json') return json;
  switch (field.columnType) {
    case TYPE.tiny:
    case TYPE.short:
    case TYPE.long:
    case TYPE.longlong:
    case TYPE.int24:
    case TYPE.year:
      return integer;
    case TYPE.float:
    case TYPE.double:
      return isFloat || field.columnType === TYPE.float ? float : isZerofill(field) ? paddedNumber : bare;
    case TYPE.decimal:
    case TYPE.newDecimal:
      return decimal;
    case TYPE.date:
    case TYPE.time:
      return quoted;
    case TYPE.datetime:
      return datetime;
    case TYPE.timestamp:
      return timestamp;
    case TYPE.bit:
      return bits;
    case TYPE.json:
      return json;
    case TYPE.geometry:
      return wkb;
    case TYPE.vector:
      return base64;
    default:
      return field.characterSet === BINARY ? base64 : text;
  }
}

function isZerofill(field: FieldPacket): boolean {
  return typeof field.flags === 'number' && (field.flags & ZEROFILL) !== 0;
}

/** Bytes that are JSON already. */
function bare(out: Buffer, at: number, value: Buffer): number {
  return copied(out, at, value, 0, value.length);
}

/** Bytes that need no escaping. */
function quoted(out: Buffer, at: number, value: Buffer): number {
  out[at++] = QUOTE;
  at = copied(out, at, value, 0, value.length);
  out[at++] = QUOTE;
  return at;
}

/** Padding zeros dropped; a string where a JavaScript number would not hold it. */
function integer(out: Buffer, at: number, value: Buffer): number {
  const first = firstDigit(value);
  const length = value.length - first;
  const safe = length <= SAFE_DIGITS || isSafe(BigInt(value.toString('latin1')));
  if (!safe) out[at++] = QUOTE;
  at = copied(out, at, value, first, value.length);
  if (!safe) out[at++] = QUOTE;
  return at;
}

function decimal(out: Buffer, at: number, value: Buffer): number {
  out[at++] = QUOTE;
  at = copied(out, at, value, firstDigit(value), value.length);
  out[at++] = QUOTE;
  return at;
}

/** Where the value begins behind the zeros that pad it: the last before a decimal point stays. */
function firstDigit(value: Buffer): number {
  let at = 0;
  while (at + 1 < value.length && value[at] === ZERO && (value[at + 1] as number) >= ZERO) at++;
  return at;
}

function float(out: Buffer, at: number, value: Buffer): number {
  return at + out.write(String(shortestFloat(Number(value.toString('latin1')))), at, 'latin1');
}

function paddedNumber(out: Buffer, at: number, value: Buffer): number {
  return at + out.write(String(Number(value.toString('latin1'))), at, 'latin1');
}

/** `2026-01-31 10:00:00` with the letter between. */
function datetime(out: Buffer, at: number, value: Buffer): number {
  const start = at;
  at = quoted(out, at, value);
  if (out[start + 11] === 0x20) out[start + 11] = 0x54;
  return at;
}

/** An instant: the session is in UTC. */
function timestamp(out: Buffer, at: number, value: Buffer): number {
  at = datetime(out, at, value);
  out[at - 1] = 0x5a;
  out[at++] = QUOTE;
  return at;
}

/** Bits are a number, the most significant byte first. */
function bits(out: Buffer, at: number, value: Buffer): number {
  const number = BigInt(`0x${value.toString('hex') || '0'}`);
  return at + out.write(isSafe(number) ? String(number) : `"${number}"`, at, 'latin1');
}

function base64(out: Buffer, at: number, value: Buffer): number {
  out[at++] = QUOTE;
  at += out.write(value.toString('base64'), at, 'latin1');
  out[at++] = QUOTE;
  return at;
}

/** Four bytes of reference system stand before the shape. */
function wkb(out: Buffer, at: number, value: Buffer): number {
  return base64(out, at, value.subarray(4));
}

export function text(out: Buffer, at: number, value: Buffer): number {
  const end = value.length;
  out[at++] = QUOTE;
  let start = 0;
  for (;;) {
    let stop = start;
    while (stop < end && ESCAPES[value[stop] as number] === 0) stop++;
    at = copied(out, at, value, start, stop);
    if (stop === end) break;
    at = escaped(out, at, value[stop] as number);
    start = stop + 1;
  }
  out[at++] = QUOTE;
  return at;
}

function escaped(out: Buffer, at: number, byte: number): number {
  const letter = ESCAPES[byte] as number;
  out[at++] = BACKSLASH;
  out[at++] = letter;
  if (letter !== 0x75) return at;
  out[at++] = ZERO;
  out[at++] = ZERO;
  out[at++] = DIGITS[byte >> 4] as number;
  out[at++] = DIGITS[byte & 15] as number;
  return at;
}

function copied(out: Buffer, at: number, value: Buffer, start: number, stop: number): number {
  if (stop - start > SHORT_RUN_BYTES) return at + value.copy(out, at, start, stop);
  for (let from = start; from < stop; from++) out[at++] = value[from] as number;
  return at;
}

/**
 * MariaDB keeps JSON as the text it was given: what a check let through that is none, or nests too deep, stays a
 * text. Digits stay as they are: a number in it may be longer than JavaScript's.
 */
function json(out: Buffer, at: number, value: Buffer): number {
  if (!isJson(value, MAX_JSON_LEVELS)) return text(out, at, value);
  const end = copied(out, at, value, 0, value.length);
  // A line break in JSON is blank space, and here it would end the row.
  for (let place = at; place < end; place++) if (out[place] === 10 || out[place] === 13) out[place] = 0x20;
  return end;
}
