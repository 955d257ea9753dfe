/** SQLite values on their way to JSON. */
import { type RawBuilder, sql } from 'kysely';
import type { SqliteValue } from '../../platform/sqlite.ts';
import { isSafe } from '../json-value.ts';
import type { LineOf } from './row-lines.ts';
import type { ColumnInfo } from './schema.ts';
import { type TextEncoding, textDecoder } from './text.ts';

/**
 * A column as it is selected. Text comes as bytes, because the driver ends the process at text that is not valid
 * UTF-8, and any program can have written such; binary comes as hexadecimal, so that the two stay apart.
 */
export function selected(column: string): RawBuilder<unknown> {
  return selectedValue(sql`${sql.id(column)}`);
}

/** The same of a value that was computed. */
export function selectedValue(value: RawBuilder<unknown>): RawBuilder<unknown> {
  return sql`case typeof(${value}) when 'text' then cast(${value} as blob) when 'blob' then hex(${value}) else ${value} end`;
}

type Encode = (value: SqliteValue) => string;

/** Turns the values of a row into its line; made once for a whole result. Values after the columns are left out. */
export function lineWriter(columns: readonly ColumnInfo[], encoding: TextEncoding): LineOf {
  const heads = columns.map(({ name }, index) => `${index === 0 ? '' : ','}${JSON.stringify(name)}:`);
  const encoders = columns.map(column => encoderOf(column, encoding));
  return values => {
    let line = '{';
    for (let index = 0; index < heads.length; index++) {
      line += (heads[index] as string) + (encoders[index] as Encode)(values[index] as SqliteValue);
    }
    return `${line}}\n`;
  };
}

/** Of one column's values, as they were selected: what JSON makes of them. */
export function decoderOf(column: ColumnInfo, encoding: TextEncoding): (value: SqliteValue) => unknown {
  const encode = encoderOf(column, encoding);
  return value => JSON.parse(encode(value));
}

function encoderOf(column: ColumnInfo, encoding: TextEncoding): Encode {
  const decode = textDecoder(encoding);
  const isJson = /json/i.test(column.type);
  return value => {
    if (value === null) return 'null';
    if (typeof value === 'bigint') return isSafe(value) ? value.toString() : `"${value}"`;
    // Adding zero makes the negative zero, which JSON would have, the one that JavaScript writes.
    if (typeof value === 'number') return Number.isFinite(value) ? String(value + 0) : `"${value}"`;
    if (typeof value === 'string') return `"${Buffer.from(value, 'hex').toString('base64')}"`;
    const text = decode(value);
    return isJson && isFitJson(text) ? onOneLine(text) : quoted(text);
  };
}

/** What JSON escapes. */
const UNSAFE = /["\\\u0000-\u001f\ud800-\udfff]/;

/** Most texts hold nothing to escape: a look at them costs less than writing them character by character. */
function quoted(text: string): string {
  return UNSAFE.test(text) ? JSON.stringify(text) : `"${text}"`;
}

/** Nested deeper than this a value does not fit a frame, whose own levels come on top (128 in all). */
const MAX_JSON_LEVELS = 100;

/** Declared JSON is a name without a check in SQLite: what is not JSON, or nests too deep, stays the text it is. */
function isFitJson(text: string): boolean {
  try {
    return isWithin(JSON.parse(text), MAX_JSON_LEVELS);
  } catch {
    return false;
  }
}

function isWithin(value: unknown, levels: number): boolean {
  if (typeof value !== 'object' || value === null) return true;
  return levels > 0 && Object.values(value).every(one => isWithin(one, levels - 1));
}

/** Inside a string JSON has no raw line break, so each one in valid JSON is mere space; numbers keep every digit. */
function onOneLine(text: string): string {
  return text.replace(/[\r\n]+/g, ' ').trim();
}
