/** The SELECT of each question, over columns that are known to be there. */
import { type CompiledQuery, type RawBuilder, sql } from 'kysely';
import type { ParsedQuery, ParsedRead } from '../../where/options.ts';
import type { Condition } from '../../where/where.ts';
import { compileWhere } from '../compile-where.ts';
import { compile, keyParam, postgresDialect } from './dialect.ts';
import type { Position } from './read-cursor.ts';
import { type ColumnInfo, columnOf, type TableInfo } from './schema.ts';
import { OID } from './value-decoders.ts';

export interface Select {
  query: CompiledQuery;
  /** What the fields of each row are; those behind the shown ones are there for the cursor. */
  columns: ColumnInfo[];
  shown: number;
  /** Fields that hold the key, by position. */
  keyFields: number[];
  /** Rows there can be at most, where that is known. */
  limit: number | undefined;
}

export function selectRows(table: TableInfo, options: ParsedQuery): Select {
  const columns = options.select?.map(name => columnOf(table, name)) ?? table.columns;
  const order = options.orderBy.map(
    ({ field, dir }) => sql`${sql.id(columnOf(table, field).name)} ${sql.raw(dir)}`,
  );
  const query = sql`select ${list(options.select === undefined ? undefined : columns)} from ${from(table)}${filter(table, options.where)}${
    order.length > 0 ? sql` order by ${sql.join(order)}` : sql``
  }${limit(options.limit)}${options.offset ? sql` offset ${String(options.offset)}` : sql``}`;
  return {
    query: compile(query),
    columns,
    shown: columns.length,
    keyFields: [],
    limit: options.limit ?? (namesOneRow(table, options.where) ? 1 : undefined),
  };
}

/** Whether every column of the key is held to one value: there is one such row, or none. */
function namesOneRow({ key }: TableInfo, where: Condition): boolean {
  const held = heldFields(where);
  return key.length > 0 && key.every(name => held.includes(name));
}

/** Fields that every row that passes has one given value of. */
function heldFields(where: Condition): string[] {
  if (where.kind === 'and') return where.of.flatMap(heldFields);
  return where.kind === 'compare' && where.op === '$eq' ? [where.field] : [];
}

export function selectCount(table: TableInfo, where: Condition): CompiledQuery {
  return compile(sql`select count(*) from ${from(table)}${filter(table, where)}`);
}

/**
 * One page of the whole table in the order of its key. Without a key, rows are told apart by all they hold, and pages
 * by their distance from the first.
 */
export function selectPage(table: TableInfo, options: ParsedRead, position: Position, rows: number): Select {
  const shown = options.fields?.map(name => columnOf(table, name)) ?? table.columns;
  const key = table.key.map(name => columnOf(table, name));
  const columns = [...shown, ...key.filter(column => !shown.includes(column))];
  const conditions: RawBuilder<unknown>[] = [];
  const { changedSince, changeTrackingColumn } = options;
  if (changedSince !== undefined && changeTrackingColumn !== undefined) {
    conditions.push(changedAfter(columnOf(table, changeTrackingColumn), changedSince));
  }
  if ('after' in position) {
    if (position.after.length !== key.length)
      throw new Error('the cursor is of another key than the table has now');
    const names = key.map(column => sql.id(column.name));
    conditions.push(sql`(${sql.join(names)}) > (${sql.join(position.after.map(keyParam))})`);
  }
  const where = conditions.length > 0 ? sql` where ${sql.join(conditions, sql` and `)}` : sql``;
  const order = key.length > 0 ? key.map(column => sql`${sql.id(column.name)}`) : table.columns.map(sortable);
  const offset =
    'offset' in position && position.offset > 0 ? sql` offset ${String(position.offset)}` : sql``;
  const query = sql`select ${list(columns)} from ${from(table)}${where}${
    order.length > 0 ? sql` order by ${sql.join(order)}` : sql``
  }${limit(rows)}${offset}`;
  return {
    query: compile(query),
    columns,
    shown: shown.length,
    keyFields: key.map(column => columns.indexOf(column)),
    limit: rows,
  };
}

/** A number for an instant is milliseconds since 1970, as JavaScript counts. */
function changedAfter(column: ColumnInfo, since: string | number): RawBuilder<unknown> {
  const isTime = column.category === 'D';
  const text = typeof since === 'number' && isTime ? new Date(since).toISOString() : String(since);
  return sql`${sql.id(column.name)} > ${text}`;
}

/** `*`, unless columns were asked for: a column that was added shows in the next answer. */
function list(columns: readonly ColumnInfo[] | undefined): RawBuilder<unknown> {
  return columns === undefined ? sql`*` : sql.join(columns.map(column => sql.id(column.name)));
}

function from(table: TableInfo): RawBuilder<unknown> {
  return sql`${sql.id(table.schema, table.name)}`;
}

/** Written into the text, not bound: planners choose by it, and whole numbers of ours are safe to write. */
function limit(rows: number | undefined): RawBuilder<unknown> {
  return rows === undefined ? sql`` : sql` limit ${sql.raw(String(rows))}`;
}

function filter(table: TableInfo, where: Condition): RawBuilder<unknown> {
  return where.kind === 'and' && where.of.length === 0
    ? sql``
    : sql` where ${compileWhere(where, postgresDialect(table))}`;
}

/** Types without an order of their own are sorted by their text. */
function sortable(column: ColumnInfo): RawBuilder<unknown> {
  const isSorted = /^[NSDBTIE]$/.test(column.category) || SORTED.has(column.type.oid);
  return isSorted ? sql`${sql.id(column.name)}` : sql`${sql.id(column.name)}::text`;
}

const SORTED: ReadonlySet<number> = new Set([OID.uuid, OID.bytea, OID.jsonb]);
