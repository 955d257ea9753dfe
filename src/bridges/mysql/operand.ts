/** A filter's value as a literal of the column's own type: compared exactly, or known beforehand to be out of reach. */
import { type RawBuilder, sql } from 'kysely';
import type { Scalar } from '../../where/where.ts';
import type { ColumnInfo, Kind } from './column.ts';
import { floorAt, parseDecimal, unitsText } from './decimal.ts';
import { parseTemporal, type TemporalType } from './temporal.ts';

type Piece = RawBuilder<unknown>;

export type Operand =
  /** The column compares with the literal. */
  | { is: 'equal'; literal: Piece }
  /** Greater than the literal, and less than the next value that the column can hold. */
  | { is: 'above'; literal: Piece }
  /** Beyond everything that the column can hold. */
  | { is: 'greater' }
  | { is: 'less' }
  /** No value of the type at all. */
  | { is: 'none' };

/** The operand for a column that is no text. */
export function operandOf(column: ColumnInfo, value: Scalar): Operand {
  const { kind } = column;
  const given = typeof value === 'boolean' ? (value ? '1' : '0') : value;
  switch (kind.is) {
    case 'exact':
      return exactNumber(kind, String(given));
    case 'year':
      return exactNumber(YEARS, String(given));
    case 'float':
    case 'double':
      return floating(kind.is, String(given));
    case 'date':
    case 'datetime':
    case 'timestamp':
    case 'time':
      return typeof value === 'string' ? temporal(kind, value) : { is: 'none' };
    case 'uuid':
      return UUID.test(String(value)) ? { is: 'equal', literal: sql`${value}` } : { is: 'none' };
    case 'binary':
      return binary(String(value));
    default:
      return { is: 'none' };
  }
}

const YEARS: Extract<Kind, { is: 'exact' }> = { is: 'exact', min: 0n, max: 9_999n, scale: 0 };
const UUID = /^[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}$/i;

function exactNumber(kind: Extract<Kind, { is: 'exact' }>, text: string): Operand {
  const number = parseDecimal(text);
  if (!number) return { is: 'none' };
  if ('beyond' in number) return { is: number.negative ? 'less' : 'greater' };
  const { units, exact } = floorAt(number, kind.scale);
  if (units < kind.min) return { is: 'less' };
  if (units > kind.max) return { is: 'greater' };
  return { is: exact ? 'equal' : 'above', literal: sql.raw(unitsText(units, kind.scale)) };
}

/** Doubles are compared as doubles. A FLOAT is found by the short number that it crosses as. */
function floating(type: 'float' | 'double', text: string): Operand {
  if (!parseDecimal(text)) return { is: 'none' };
  const value = Number(text);
  if (!Number.isFinite(value)) return { is: value > 0 ? 'greater' : 'less' };
  const nearest = Math.fround(value);
  const meant =
    type === 'float' && Number.isFinite(nearest) && shortestFloat(nearest) === value ? nearest : value;
  const digits = String(meant);
  return { is: 'equal', literal: sql.raw(digits.includes('e') ? digits : `${digits}e0`) };
}

/** Numbers nearer to zero have fewer digits. */
const LEAST_NORMAL_FLOAT = 2 ** -126;

/** The number with the fewest digits that a single-precision number is nearest to. */
export function shortestFloat(value: number): number {
  for (let digits = Math.abs(value) < LEAST_NORMAL_FLOAT ? 1 : 6; digits < 9; digits++) {
    const short = Number(value.toPrecision(digits));
    if (Math.fround(short) === value) return short;
  }
  return Number(value.toPrecision(9));
}

function temporal(kind: { is: TemporalType; decimals: number }, text: string): Operand {
  const literal = parseTemporal(kind.is, kind.decimals, text);
  if (!literal) return { is: 'none' };
  return { is: literal.exact ? 'equal' : 'above', literal: sql.raw(literal.sql) };
}

/** Binary is given as it crosses, in base64. */
function binary(text: string): Operand {
  const bytes = Buffer.from(text, 'base64');
  return bytes.toString('base64') === text ? { is: 'equal', literal: sql`${bytes}` } : { is: 'none' };
}
