/** Postgres values from the text that the server prints, in the forms that docs/bridges.md promises. */
import { parse as parseArray } from 'postgres-array';

/** A type as the catalog has it, domains already replaced by what they stand for. */
export interface PgType {
  oid: number;
  /** The type of an array's elements. */
  element?: PgType;
}

export const OID = {
  bool: 16,
  bytea: 17,
  int8: 20,
  int2: 21,
  int4: 23,
  text: 25,
  oid: 26,
  json: 114,
  float4: 700,
  float8: 701,
  bpchar: 1042,
  varchar: 1043,
  name: 19,
  date: 1082,
  timestamp: 1114,
  timestamptz: 1184,
  numeric: 1700,
  uuid: 2950,
  jsonb: 3802,
} as const;

/** Nested deeper than this a value does not fit a frame, whose own levels come on top (128 in all). */
export const MAX_JSON_LEVELS = 100;

/** What `JSON.stringify` carries for the server's text of a value. */
export function decodeText(type: PgType, text: string): unknown {
  if (type.element) return decodeArray(type.element, text);
  switch (type.oid) {
    case OID.bool:
      return text === 't';
    case OID.int2:
    case OID.int4:
    case OID.oid:
      return Number(text);
    case OID.float4:
    case OID.float8: {
      const value = Number(text);
      return Number.isFinite(value) ? value : text;
    }
    case OID.bytea:
      return Buffer.from(text.slice(2), 'hex').toString('base64');
    case OID.date:
      return isoDate(text);
    case OID.timestamp:
      return isoTimestamp(text, '');
    case OID.timestamptz:
      return isoTimestamp(text, 'Z');
    case OID.json:
    case OID.jsonb:
      return decodeJson(text);
    default:
      return text;
  }
}

function decodeArray(element: PgType, text: string): unknown {
  return parseArray(text, item => decodeText(element, item));
}

function decodeJson(text: string): unknown {
  const value: unknown = JSON.parse(text);
  return isWithin(value, MAX_JSON_LEVELS) ? value : text;
}

function isWithin(value: unknown, levels: number): boolean {
  if (typeof value !== 'object' || value === null) return true;
  return levels > 0 && Object.values(value).every(one => isWithin(one, levels - 1));
}

/** `2024-02-29`, `0044-03-15 BC`, `12345-01-01`, `infinity`. */
function isoDate(text: string): string {
  const [date = text, era] = text.split(' ');
  const [, year, rest] = /^(\d{4,})(-\d\d-\d\d)$/.exec(date) ?? [];
  return year === undefined ? text : `${isoYear(year, era === 'BC')}${rest}`;
}

/** `2024-02-29 12:00:00.5+00`, with `BC` behind it where it is; the offset is always UTC's. */
function isoTimestamp(text: string, zone: '' | 'Z'): string {
  const [, year, day, time, era] = /^(\d{4,})(-\d\d-\d\d) ([\d:.]+)(?:\+00)?( BC)?$/.exec(text) ?? [];
  return year === undefined ? text : `${isoYear(year, era !== undefined)}${day}T${time}${zone}`;
}

/** Four digits, or for years that these cannot say six and a sign: 1 BC is the year 0. */
function isoYear(digits: string, beforeChrist: boolean): string {
  const year = beforeChrist ? 1 - Number(digits) : Number(digits);
  if (year >= 0 && year <= 9999) return String(year).padStart(4, '0');
  return `${year < 0 ? '-' : '+'}${String(Math.abs(year)).padStart(6, '0')}`;
}
