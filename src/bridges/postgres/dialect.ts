/** Postgres' own way of saying what the filters mean, by the type of each column; the compiler that quotes and numbers. */
import {
  type CompiledQuery,
  DummyDriver,
  Kysely,
  PostgresAdapter,
  PostgresIntrospector,
  PostgresQueryCompiler,
  type RawBuilder,
  sql,
} from 'kysely';
import type { Scalar } from '../../where/where.ts';
import { likePattern, type PatternPart, SIGNS, type WhereDialect } from '../compile-where.ts';
import { type ColumnInfo, columnOf, type TableInfo } from './schema.ts';
import { OID } from './value-decoders.ts';

/** Compiles only: rows are read through our own portal. */
const compiler = new Kysely<unknown>({
  dialect: {
    createAdapter: () => new PostgresAdapter(),
    createDriver: () => new DummyDriver(),
    createIntrospector: database => new PostgresIntrospector(database),
    createQueryCompiler: () => new PostgresQueryCompiler(),
  },
});

export function compile(query: RawBuilder<unknown>): CompiledQuery {
  return query.compile(compiler);
}

export function postgresDialect(table: TableInfo): WhereDialect {
  const column = (field: string): RawBuilder<unknown> => sql`${sql.id(columnOf(table, field).name)}`;
  return {
    column,
    compare: (field, op, value) => {
      const info = columnOf(table, field);
      const bound = bind(info, [value], '');
      return sql`${comparable(info)} ${sql.raw(SIGNS[op])} ${bound}`;
    },
    isIn: (field, values, negated) => {
      const info = columnOf(table, field);
      const list = bind(info, values, '[]');
      // One parameter whatever the length: the statement stays the same, and no list is too long for the protocol.
      return negated ? sql`${comparable(info)} <> all (${list})` : sql`${comparable(info)} = any (${list})`;
    },
    matches: (field, pattern, caseSensitive) => matches(columnOf(table, field), pattern, caseSensitive),
  };
}

function matches(
  info: ColumnInfo,
  pattern: readonly PatternPart[],
  caseSensitive: boolean,
): RawBuilder<unknown> {
  // `char(n)` is padded, and what is no text has none to match: both mean their text as it is printed.
  const text =
    isText(info) && info.type.oid !== OID.bpchar
      ? sql`${sql.id(info.name)}`
      : sql`${sql.id(info.name)}::text`;
  const like = param(withoutNul(likePattern(pattern)));
  return caseSensitive ? sql`${text} like ${like}` : sql`${text} ilike ${like}`;
}

/** A value of a key or a change marker, as text of the column's own type. */
export function keyParam(text: string | null): RawBuilder<unknown> {
  return param(text);
}

const RANGES: ReadonlyMap<number, [bigint, bigint]> = new Map([
  [OID.int2, [-32_768n, 32_767n]],
  [OID.int4, [-2_147_483_648n, 2_147_483_647n]],
  [OID.int8, [-9_223_372_036_854_775_808n, 9_223_372_036_854_775_807n]],
]);

/** The column as it can be compared: `json` has no equality, `jsonb` has. */
function comparable(info: ColumnInfo): RawBuilder<unknown> {
  return info.type.oid === OID.json ? sql`${sql.id(info.name)}::jsonb` : sql`${sql.id(info.name)}`;
}

/**
 * The values as one parameter, a scalar or an array. The server takes a parameter for the column's type; a number that
 * this type cannot hold is compared as a wider one, so that it is a value like any other and no error.
 */
function bind(info: ColumnInfo, values: readonly (Scalar | null)[], suffix: '' | '[]'): RawBuilder<unknown> {
  const texts = values.map(value => (value === null ? null : textOf(info, value)));
  const bound = param(suffix === '' ? (texts[0] as string) : arrayLiteral(texts));
  const type = widerType(info, texts);
  return type === undefined ? bound : sql`${bound}::${sql.raw(`${type}${suffix}`)}`;
}

function widerType(info: ColumnInfo, texts: readonly (string | null)[]): string | undefined {
  if (info.type.oid === OID.json) return 'jsonb';
  const range = RANGES.get(info.type.oid);
  if (!range) return undefined;
  let type: string | undefined;
  for (const text of texts) {
    if (text === null || !DECIMAL.test(text)) continue;
    if (!INTEGER.test(text)) return 'numeric';
    const value = BigInt(text);
    if (value >= range[0] && value <= range[1]) continue;
    const [least, most] = RANGES.get(OID.int8) as [bigint, bigint];
    if (value < least || value > most) return 'numeric';
    type = 'bigint';
  }
  return type;
}

const INTEGER = /^-?\d+$/;
const DECIMAL = /^-?(?:\d+\.?\d*|\.\d+)(?:e[+-]?\d+)?$/i;

function textOf(info: ColumnInfo, value: Scalar): string {
  if (typeof value === 'string') return withoutNul(value);
  // A flag in a column of numbers is the number that other databases keep for it.
  if (typeof value === 'boolean' && info.category === 'N') return value ? '1' : '0';
  return String(value);
}

/** @throws Error, because the server would refuse the whole question in words about bytes. */
function withoutNul(text: string): string {
  if (text.includes('\0')) throw new Error('Postgres texts hold no NUL, and the filter has one');
  return text;
}

function isText(info: ColumnInfo): boolean {
  return info.category === 'S';
}

function param(value: string | null): RawBuilder<unknown> {
  return sql`${value}`;
}

/** Every item quoted: braces, commas and the word NULL in it are its own. */
function arrayLiteral(texts: readonly (string | null)[]): string {
  const items = texts.map(text => (text === null ? 'NULL' : `"${text.replace(/["\\]/g, '\\$&')}"`));
  return `{${items.join(',')}}`;
}
