/** MySQL's own way of saying what the filters mean, by the type of each column, so that no value is ever coerced. */
import { type RawBuilder, sql } from 'kysely';
import type { Comparison, Scalar } from '../../where/where.ts';
import { type PatternPart, SIGNS, type WhereDialect } from '../compile-where.ts';
import type { ColumnInfo } from './column.ts';
import { operandOf } from './operand.ts';
import { columnOf, type TableInfo } from './schema.ts';
import { comparableText, equalText, inUtf8, textOf } from './text.ts';

type Piece = RawBuilder<unknown>;

export function mysqlDialect(table: TableInfo): WhereDialect {
  return {
    column: field => sql.id(columnOf(table, field).name),
    compare: (field, op, value) => compare(comparable(table, field), op, value),
    isIn: (field, values, negated) => isIn(comparable(table, field), values, negated),
    matches: (field, pattern, caseSensitive) => matches(comparable(table, field), pattern, caseSensitive),
  };
}

/** @throws Error for a column of shapes, which compare with nothing that a filter can hold. */
function comparable(table: TableInfo, field: string): ColumnInfo {
  const column = columnOf(table, field);
  if (column.kind.is !== 'geometry') return column;
  throw new Error(
    `the column ${JSON.stringify(column.name)} is ${column.type}, which filters can only ask to be there or not`,
  );
}

function compare(column: ColumnInfo, op: Comparison, value: Scalar): Piece {
  if (isTextual(column)) return compareText(column, op, textFor(value));
  const operand = operandOf(column, value);
  const left = numberOf(column);
  switch (operand.is) {
    case 'equal':
      return sql`${left} ${sql.raw(SIGNS[op])} ${operand.literal}`;
    case 'above':
      // Between what the column can hold, just above the literal.
      if (op === '$eq' || op === '$ne') return op === '$eq' ? never(column) : always(column);
      return op === '$gt' || op === '$gte'
        ? sql`${left} > ${operand.literal}`
        : sql`${left} <= ${operand.literal}`;
    case 'greater':
      return op === '$lt' || op === '$lte' || op === '$ne' ? always(column) : never(column);
    case 'less':
      return op === '$gt' || op === '$gte' || op === '$ne' ? always(column) : never(column);
    case 'none':
      if (op === '$eq') return never(column);
      if (op === '$ne') return always(column);
      throw new Error(
        `the column ${JSON.stringify(column.name)} is ${column.type}, and the filter's ${op} gives no value of that type`,
      );
  }
}

function isIn(column: ColumnInfo, values: readonly (Scalar | null)[], negated: boolean): Piece {
  const hasNull = values.includes(null);
  const present = values.filter(value => value !== null);
  if (isTextual(column)) return textIsIn(column, present.map(textFor), hasNull, negated);
  // What the column cannot hold is in no list; the null, which may be in it, decides the rest.
  const list = present.flatMap(value => {
    const operand = operandOf(column, value);
    return operand.is === 'equal' ? [operand.literal] : [];
  });
  if (hasNull) list.push(sql`null`);
  const found = list.length === 0 ? never(column) : sql`${numberOf(column)} in (${sql.join(list)})`;
  return negated ? sql`not (${found})` : found;
}

function textIsIn(column: ColumnInfo, texts: readonly string[], hasNull: boolean, negated: boolean): Piece {
  const nulls = hasNull ? [sql`null`] : [];
  const bytes = sql.join([...texts.map(text => sql`${Buffer.from(text)}`), ...nulls]);
  if (negated) return sql`${exactly(column)} not in (${bytes})`;
  const likely = sql.join([...texts.map(text => equalText(column, text)), ...nulls]);
  return sql`(${textOf(column)} in (${likely}) and ${exactly(column)} in (${bytes}))`;
}

/**
 * A collation may hold different texts for equal, so equality is of bytes; the comparison under the collation stands
 * beside it, because that is the one an index answers.
 */
function compareText(column: ColumnInfo, op: Comparison, text: string): Piece {
  if (op === '$ne') return sql`${exactly(column)} <> ${Buffer.from(text)}`;
  if (op === '$eq') {
    return sql`(${textOf(column)} = ${equalText(column, text)} and ${exactly(column)} = ${Buffer.from(text)})`;
  }
  const { left, right } = comparableText(column, text);
  return sql`${left} ${sql.raw(SIGNS[op])} ${right}`;
}

/** Letter by letter under a collation that folds nothing: accents always count, letter case where it is asked for. */
function matches(column: ColumnInfo, pattern: readonly PatternPart[], caseSensitive: boolean): Piece {
  if (column.kind.is === 'binary') {
    throw new Error(
      `the column ${JSON.stringify(column.name)} is ${column.type}, which has no text to match`,
    );
  }
  const fold = (text: Piece): Piece => {
    const binary = sql`${text} collate utf8mb4_bin`;
    return caseSensitive ? binary : sql`lower(${binary})`;
  };
  // Not `\`: what that means in a statement depends on the session.
  return sql`${fold(inUtf8(column))} like ${fold(sql`${likePattern(pattern)}`)} escape '|'`;
}

function likePattern(parts: readonly PatternPart[]): string {
  return parts
    .map(part => ('text' in part ? part.text.replace(/[|%_]/g, '|$&') : part.wildcard === 'any' ? '%' : '_'))
    .join('');
}

/**
 * The bytes of the text in UTF-8, converted even from there: should the column's character set have changed since the
 * table was looked at, this stays right, and every other comparison of texts is refused by the server and tried again.
 */
function exactly(column: ColumnInfo): Piece {
  return sql`cast(convert(${textOf(column)} using utf8mb4) as binary)`;
}

/** A YEAR takes small numbers for years of this century or the last, so they are kept from meeting it as one. */
function numberOf({ name, kind }: ColumnInfo): Piece {
  return kind.is === 'year' ? sql`${sql.id(name)} + 0` : sql.id(name);
}

function isTextual({ kind }: ColumnInfo): boolean {
  return kind.is === 'text' || kind.is === 'enum' || kind.is === 'json' || kind.is === 'other';
}

/** Numbers compare with texts as their digits; a flag is the number it is kept as. */
function textFor(value: Scalar): string {
  return typeof value === 'boolean' ? (value ? '1' : '0') : String(value);
}

/** False, or unknown where the column is null. */
function never(column: ColumnInfo): Piece {
  return sql`(${sql.id(column.name)} is null and null)`;
}

/** True, or unknown where the column is null. */
function always(column: ColumnInfo): Piece {
  return sql`(${sql.id(column.name)} is not null or null)`;
}
