/** SQLite values on their way to JSON. */
import { type RawBuilder, sql } from 'kysely';
import type { SqliteValue } from '../../platform/sqlite.ts';
import type { Row } from '../bridge.ts';
import { isSafe } from '../json-value.ts';
import type { ColumnInfo, TextEncoding } from './schema.ts';

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

export type Decode = (value: SqliteValue) => unknown;

/** Turns the values of one row into an object; made once for a whole result. */
export function rowReader(
  columns: readonly ColumnInfo[],
  encoding: TextEncoding,
): (values: SqliteValue[]) => Row {
  const names = columns.map(column => column.name);
  const decoders = columns.map(column => decoderOf(column, encoding));
  const unusual = names.includes('__proto__');
  return values => {
    const row: Row = {};
    for (let index = 0; index < names.length; index++) {
      const name = names[index] as string;
      const value = (decoders[index] as Decode)(values[index] as SqliteValue);
      if (unusual)
        Object.defineProperty(row, name, { value, enumerable: true, configurable: true, writable: true });
      else row[name] = value;
    }
    return row;
  };
}

/** Of one column's values, as they were selected. */
export function decoderOf(column: ColumnInfo, encoding: TextEncoding): Decode {
  const decodeText = textDecoder(encoding);
  const isJson = /json/i.test(column.type);
  return value => {
    if (value === null) return null;
    if (typeof value === 'bigint') return isSafe(value) ? Number(value) : value.toString();
    if (typeof value === 'number') return Number.isFinite(value) ? value : String(value);
    if (typeof value === 'string') return Buffer.from(value, 'hex').toString('base64');
    const text = decodeText(value);
    return isJson ? parsed(text) : text;
  };
}

function textDecoder(encoding: TextEncoding): (bytes: Buffer) => string {
  if (encoding === 'UTF-8') return bytes => bytes.toString('utf8');
  const decoder = new TextDecoder(encoding === 'UTF-16le' ? 'utf-16le' : 'utf-16be', { ignoreBOM: true });
  return bytes => decoder.decode(bytes);
}

/** Nested deeper than this a value does not fit a frame, whose own levels come on top (128 in all). */
const MAX_JSON_LEVELS = 100;

/** Declared JSON is a name without a check in SQLite: what is not JSON, or nests too deep, stays the text it is. */
function parsed(text: string): unknown {
  try {
    const value: unknown = JSON.parse(text);
    return isWithin(value, MAX_JSON_LEVELS) ? value : text;
  } catch {
    return text;
  }
}

function isWithin(value: unknown, levels: number): boolean {
  if (typeof value !== 'object' || value === null) return true;
  return levels > 0 && Object.values(value).every(one => isWithin(one, levels - 1));
}

/** Roughly what a row takes on the wire: enough to keep batches of wide rows small. */
export function sizeOf(values: readonly SqliteValue[]): number {
  let size = 0;
  for (const value of values) {
    size += Buffer.isBuffer(value) || typeof value === 'string' ? value.length + 8 : 16;
  }
  return size;
}
