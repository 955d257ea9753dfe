/** The SELECT of each question, over columns that are known to be there. */
import { type RawBuilder, sql } from 'kysely';
import type { ParsedQuery, ParsedRead } from '../../where/options.ts';
import type { Condition } from '../../where/where.ts';
import { compileWhere } from '../compile-where.ts';
import type { ColumnInfo } from './column.ts';
import { mysqlDialect } from './dialect.ts';
import { keyColumn, keyLiteral } from './key.ts';
import type { Position } from './read-cursor.ts';
import { columnOf, type TableInfo } from './schema.ts';
import { compile } from './sql-text.ts';

type Piece = RawBuilder<unknown>;

/** MySQL has no word for "from there to the end". */
const NO_LIMIT = 2n ** 63n - 1n;

export function selectRows(table: TableInfo, options: ParsedQuery): string {
  const order = options.orderBy.map(
    ({ field, dir }) => sql`${sql.id(columnOf(table, field).name)} ${sql.raw(dir)}`,
  );
  return compile(
    sql`select ${list(table, options.select)} from ${from(table)}${filter(table, options.where)}${
      order.length > 0 ? sql` order by ${sql.join(order)}` : sql``
    }${limit(options.limit, options.offset)}`,
  );
}

export function selectCount(table: TableInfo, where: Condition): string {
  return compile(sql`select count(*) as total from ${from(table)}${filter(table, where)}`);
}

/**
 * One page of the whole table in the order of its key, whose values follow the columns of each row. Without a key,
 * rows are told apart by all they hold, and pages by their distance from the first.
 */
export function selectPage(table: TableInfo, options: ParsedRead, position: Position, rows: number): string {
  const conditions: Piece[] = [];
  const { changedSince, changeTrackingColumn } = options;
  if (changedSince !== undefined && changeTrackingColumn !== undefined) {
    conditions.push(changedAfter(table, changeTrackingColumn, changedSince));
  }
  const key = table.key.map(name => columnOf(table, name));
  if ('after' in position && key.length > 0) conditions.push(after(key, position.after));
  const where = conditions.length > 0 ? sql` where ${sql.join(conditions, sql` and `)}` : sql``;
  const order = key.length > 0 ? key : table.columns;
  const columns = list(table, options.fields);
  const wanted = key.length > 0 ? sql`${columns}, ${sql.join(key.map(keyColumn))}` : columns;
  const offset = 'offset' in position ? position.offset : 0;
  return compile(
    sql`select ${wanted} from ${from(table)}${where} order by ${sql.join(order.map(one => sql.id(one.name)))}${limit(
      rows,
      offset,
    )}`,
  );
}

/**
 * Rows past the position: past it in the first column, or there and past it in the rest. A comparison of whole lists
 * would say the same, but no index answers that.
 */
function after(key: readonly ColumnInfo[], values: readonly Buffer[]): Piece {
  const pieces = key.map((column, index) => ({
    column: keyColumn(column),
    value: keyLiteral(column, values[index] as Buffer),
  }));
  return pieces.reduceRight<Piece | undefined>((rest, { column, value }) => {
    const past = sql`${column} > ${value}`;
    return rest === undefined ? past : sql`(${past} or (${column} = ${value} and ${rest}))`;
  }, undefined) as Piece;
}

/** A number for an instant is milliseconds since 1970, as JavaScript counts. */
function changedAfter(table: TableInfo, field: string, since: string | number): Piece {
  const { kind } = columnOf(table, field);
  const isTime = kind.is === 'date' || kind.is === 'datetime' || kind.is === 'timestamp';
  const instant = typeof since === 'number' && isTime ? new Date(since) : undefined;
  const value = instant && !Number.isNaN(instant.getTime()) ? instant.toISOString() : since;
  return mysqlDialect(table).compare(field, '$gt', value);
}

/**
 * `*`, unless columns were asked for: a column that was added shows in the next answer. A FLOAT is read as a double,
 * for its own text has six digits.
 */
function list(table: TableInfo, names: readonly string[] | undefined): Piece {
  if (names === undefined && table.whole && !table.columns.some(column => column.kind.is === 'float'))
    return sql`${sql.id(table.name)}.*`;
  const columns =
    names === undefined
      ? table.columns.filter(column => !column.hidden)
      : names.map(name => columnOf(table, name));
  return sql.join(
    columns.map(({ name, kind }) =>
      kind.is === 'float' ? sql`${sql.id(name)} + 0e0 as ${sql.id(name)}` : sql.id(name),
    ),
  );
}

function from(table: TableInfo): Piece {
  return sql`${sql.id(table.database, table.name)}`;
}

function filter(table: TableInfo, where: Condition): Piece {
  return where.kind === 'and' && where.of.length === 0
    ? sql``
    : sql` where ${compileWhere(where, mysqlDialect(table))}`;
}

function limit(rows: number | undefined, offset = 0): Piece {
  if (rows === undefined && offset === 0) return sql``;
  return sql` limit ${rows ?? NO_LIMIT}${offset > 0 ? sql` offset ${offset}` : sql``}`;
}
