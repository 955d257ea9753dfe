/** What tables and columns a server has, from information_schema; kept a moment, and read again when that may be wrong. */
import { sql } from 'kysely';
import type { Target, TargetSchema } from '../bridge.ts';
import { type ColumnInfo, columnInfo } from './column.ts';
import { isConnectionLoss } from './failures.ts';
import { compile } from './sql-text.ts';
import { formatTargetName, parseTargetName } from './target-name.ts';

export interface TableInfo {
  /** As it was asked for. */
  target: string;
  database: string;
  name: string;
  columns: ColumnInfo[];
  /** Names of the columns that tell rows apart: the primary key, or a unique one without nulls; empty where there is none. */
  key: string[];
  primaryKey: string[];
  /** Whether `*` may be asked for: a user who may read some columns alone must name them. */
  whole: boolean;
}

/** How a question is put on a connection of the caller's, and what stands at its other end. */
export interface Catalog {
  ask(statement: string): Promise<(string | null)[][]>;
  /** What the server says of the columns of an answer, as one text that changes when they do. */
  describe(statement: string): Promise<string>;
  /** The database of the connection, or none. */
  readonly database: string | null;
  /** Whether names of tables match in any letter case. */
  readonly foldsNames: boolean;
}

/** The server's own; nothing in them is anybody's data. */
const SYSTEM = ['information_schema', 'mysql', 'performance_schema', 'sys'];
const TABLE_TYPES = sql`('BASE TABLE', 'VIEW', 'SYSTEM VERSIONED')`;
/** For what an empty answer does not tell of: a collation, a key. */
const FRESH_MS = 60_000;
/** Identifiers are of the basic plane alone. */
const NO_NAME = /[\0\u{10000}-\u{10ffff}]/u;

interface Known {
  table: TableInfo;
  looks: string;
  readAt: number;
}

/**
 * Nothing tells of a table that was changed, and a filter for a column of another type would be answered wrongly. An
 * empty answer from the table is a tenth of the work of looking it up, and shows whether what is known still holds.
 */
export class Schema {
  readonly #known = new Map<string, Known>();

  /** Forgets what may have changed. */
  invalidate(): void {
    this.#known.clear();
  }

  /** @throws Error naming a table that is not there, or that this user may not see. */
  async table(target: string, catalog: Catalog): Promise<TableInfo> {
    const known = this.#known.get(target);
    if (known && performance.now() - known.readAt < FRESH_MS) {
      const looks = await catalog.describe(emptyAnswer(known.table)).catch(refused);
      if (looks === known.looks) return known.table;
    }
    this.#known.delete(target);
    const { table, looks } = await look(await read(target, catalog), catalog);
    this.#known.set(target, { table, looks, readAt: performance.now() });
    return table;
  }
}

async function look(table: TableInfo, catalog: Catalog): Promise<{ table: TableInfo; looks: string }> {
  const looks = await catalog.describe(emptyAnswer(table)).catch(refused);
  if (looks !== undefined) return { table, looks };
  const part = { ...table, whole: false };
  return { table: part, looks: await catalog.describe(emptyAnswer(part)) };
}

function emptyAnswer(table: TableInfo): string {
  const names = sql.join(table.columns.map(column => sql.id(column.name)));
  return compile(
    sql`select ${table.whole ? sql`*` : names} from ${sql.id(table.database, table.name)} limit 0`,
  );
}

/** The server's refusal says that something is no longer as it was; a lost connection says nothing. */
function refused(error: unknown): undefined {
  if (isConnectionLoss(error)) throw error;
}

/** Tables and views: those of the connection's own database by their bare names, and first. */
export async function listTargets({ ask, database }: Catalog): Promise<Target[]> {
  const rows = await ask(
    compile(sql`select table_schema, table_name from information_schema.tables
      where table_type in ${TABLE_TYPES} and table_schema not in (${sql.join(SYSTEM)})
      order by table_schema, table_name`),
  );
  const own = rows.filter(([schema]) => schema === database).map(([, name]) => [name]);
  const others = rows.filter(([schema]) => schema !== database);
  return [...own, ...others].map(parts => ({ name: formatTargetName(parts as string[]) }));
}

/** The columns, and the server's own estimate of the rows. */
export async function introspect(table: TableInfo, { ask }: Catalog): Promise<TargetSchema> {
  const [[rows] = [null]] = await ask(
    compile(sql`select table_rows from information_schema.tables
      where table_schema = ${table.database} and table_name = ${table.name}`),
  );
  return {
    name: table.target,
    columns: table.columns.map(({ name, type, nullable }) => ({
      name,
      type,
      nullable,
      primaryKey: table.primaryKey.includes(name),
    })),
    ...(rows === null || rows === undefined ? {} : { rowCount: Number(rows) }),
  };
}

/** It may have been added since the table was looked at. */
export class UnknownColumnError extends Error {
  override readonly name = 'UnknownColumnError';
}

/** @throws UnknownColumnError naming a column that is not there. */
export function columnOf(table: TableInfo, name: string): ColumnInfo {
  const column = table.columns.find(one => one.name === name);
  if (column) return column;
  throw new UnknownColumnError(
    `there is no column ${JSON.stringify(name.slice(0, 200))} in ${JSON.stringify(table.target)}`,
  );
}

async function read(target: string, catalog: Catalog): Promise<TableInfo> {
  for (const [database, name] of candidates(target, catalog.database)) {
    const table = await find(target, database, name, catalog);
    if (table) return table;
  }
  throw new Error(`there is no table or view ${JSON.stringify(target.slice(0, 200))}`);
}

/** What the name may mean; the whole may be the name of one table, dots and all. */
function candidates(target: string, current: string | null): [database: string, name: string][] {
  if (NO_NAME.test(target)) return [];
  const parts = parseTargetName(target);
  const found: [string, string][] = [];
  if (parts?.length === 2) found.push(parts as [string, string]);
  if (current !== null) {
    if (parts?.length === 1) found.push([current, parts[0] as string]);
    if (target !== '' && parts?.[0] !== target) found.push([current, target]);
  }
  return found.filter(([database]) => !SYSTEM.includes(database.toLowerCase()));
}

async function find(
  target: string,
  database: string,
  name: string,
  { ask, foldsNames }: Catalog,
): Promise<TableInfo | undefined> {
  const rows = await ask(
    compile(sql`select c.table_schema, c.table_name, c.column_name, c.data_type, c.column_type, c.is_nullable,
        c.character_set_name, c.collation_name, c.numeric_precision, c.numeric_scale, c.datetime_precision, c.extra
      from information_schema.columns c where c.table_schema = ${database} and c.table_name = ${name}
      order by c.ordinal_position`),
  );
  // Catalogs compare names more loosely than statements do.
  const same = (a: string | null | undefined, b: string): boolean =>
    a === b || (foldsNames && a?.toLowerCase() === b.toLowerCase());
  const columns = rows.filter(row => same(row[0], database) && same(row[1], name));
  const [first] = columns;
  if (!first) return undefined;
  const [schema, table] = first as [string, string];
  const indexes = await ask(
    compile(sql`select index_name, column_name, nullable from information_schema.statistics
      where table_schema = ${schema} and table_name = ${table} and non_unique = 0
      order by index_name, seq_in_index`),
  );
  const primaryKey = indexes.filter(([index]) => index === 'PRIMARY').map(([, column]) => String(column));
  return {
    target,
    database: schema,
    name: table,
    columns: columns.map(row => columnInfo(row.slice(2))),
    key: primaryKey.length > 0 ? primaryKey : uniqueKey(indexes),
    primaryKey,
    whole: true,
  };
}

/** The narrowest unique index whose columns are never null; an index over an expression has a column without a name. */
function uniqueKey(rows: readonly (string | null)[][]): string[] {
  const indexes = new Map<string, (string | null)[]>();
  for (const [index, column, nullable] of rows) {
    const columns = indexes.get(index as string) ?? [];
    columns.push(nullable === 'YES' ? null : (column ?? null));
    indexes.set(index as string, columns);
  }
  const usable = [...indexes.values()].filter(columns => columns.every(column => column !== null));
  return (usable.sort((a, b) => a.length - b.length)[0] ?? []) as string[];
}
