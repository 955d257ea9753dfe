/** The SELECT of each question, over columns that are known to be there. */
import { type CompiledQuery, type RawBuilder, sql } from 'kysely';
import type { SqliteValue } from '../../platform/sqlite.ts';
import type { ParsedQuery, ParsedRead } from '../../where/options.ts';
import type { Condition } from '../../where/where.ts';
import { compileWhere } from '../compile-where.ts';
import { bound, compile, sqliteDialect } from './dialect.ts';
import type { Position } from './read-cursor.ts';
import { type ColumnInfo, columnOf, type TableInfo } from './schema.ts';
import { selected } from './values.ts';

export interface Select {
  query: CompiledQuery;
  /** What the first values of each row are. */
  columns: ColumnInfo[];
}

export function selectRows(table: TableInfo, options: ParsedQuery): Select {
  const columns = columnsOf(table, options.select);
  const order = options.orderBy.map(
    ({ field, dir }) => sql`${sql.id(columnOf(table, field).name)} ${sql.raw(dir)}`,
  );
  const query = sql`select ${list(columns)} from ${sql.id(table.name)} where ${filter(table, options.where)}
    ${order.length > 0 ? sql`order by ${sql.join(order)}` : sql``}
    limit ${bound(BigInt(options.limit ?? -1))} offset ${bound(BigInt(options.offset ?? 0))}`;
  return { query: compile(query), columns };
}

export function selectCount(table: TableInfo, where: Condition): CompiledQuery {
  return compile(sql`select count(*) from ${sql.id(table.name)} where ${filter(table, where)}`);
}

/** One page of the whole table in the order of its key; the key's values follow those of the columns. */
export function selectPage(table: TableInfo, options: ParsedRead, position: Position, rows: number): Select {
  const columns = columnsOf(table, options.fields);
  const conditions: RawBuilder<unknown>[] = [];
  const { changedSince, changeTrackingColumn } = options;
  if (changedSince !== undefined && changeTrackingColumn !== undefined) {
    conditions.push(sql`${sql.id(columnOf(table, changeTrackingColumn).name)} > ${bound(changedSince)}`);
  }
  const key = keyNames(table);
  if ('after' in position && position.after.length > 0) {
    const names = key.map(name => sql.id(name));
    conditions.push(sql`(${sql.join(names)}) > (${sql.join(position.after.map(keyValue))})`);
  }
  const where = conditions.length > 0 ? sql`where ${sql.join(conditions, sql` and `)}` : sql``;
  const order = key.length > 0 ? sql`order by ${sql.join(key.map(name => sql.id(name)))}` : sql``;
  const offset = 'offset' in position ? position.offset : 0;
  const wanted = key.length > 0 ? sql`${list(columns)}, ${sql.join(key.map(selected))}` : list(columns);
  const query = sql`select ${wanted} from ${sql.id(table.name)} ${where} ${order}
    limit ${bound(BigInt(rows))} offset ${bound(BigInt(offset))}`;
  return { query: compile(query), columns };
}

function keyNames(table: TableInfo): string[] {
  switch (table.key.by) {
    case 'rowid':
      return [table.key.name];
    case 'columns':
      return table.key.names;
    case 'none':
      return [];
  }
}

/**
 * As `selected` gave it: bytes are text, a text is binary in hexadecimal. The plus takes from the cast its affinity,
 * which would have numbers in an untyped column compared as texts.
 */
function keyValue(value: SqliteValue): RawBuilder<unknown> {
  if (value === null) return sql`null`;
  if (Buffer.isBuffer(value)) return sql`+cast(${value} as text)`;
  return bound(typeof value === 'string' ? Buffer.from(value, 'hex') : value);
}

function columnsOf(table: TableInfo, names: readonly string[] | undefined): ColumnInfo[] {
  return names === undefined ? table.columns : names.map(name => columnOf(table, name));
}

function list(columns: readonly ColumnInfo[]): RawBuilder<unknown> {
  return sql.join(columns.map(column => selected(column.name)));
}

function filter(table: TableInfo, where: Condition): RawBuilder<unknown> {
  return compileWhere(
    where,
    sqliteDialect(name => columnOf(table, name)),
  );
}
