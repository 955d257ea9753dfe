/** Tables, columns and types from the server's catalog, read when first asked about and again when they have changed. */
import type pg from 'pg';
import type { Target, TargetSchema } from '../bridge.ts';
import { formatTargetName, parseTargetName } from './target-name.ts';
import type { PgType } from './value-decoders.ts';

export interface ColumnInfo {
  name: string;
  type: PgType;
  /** Letter of `pg_type.typcategory`: `N` numeric, `S` text, … */
  category: string;
  /** As SQL spells it, e.g. `character varying(40)`. */
  typeName: string;
  nullable: boolean;
}

export interface TableInfo {
  /** As it was asked for. */
  target: string;
  schema: string;
  name: string;
  columns: ColumnInfo[];
  primaryKey: string[];
  /** Columns that tell rows apart, the primary key or another unique one; empty where there are none. */
  key: string[];
  /** The planner's estimate; undefined where it has none. */
  rowCount: number | undefined;
}

/** How a query is put: on a connection of the caller's. */
export type Ask = <R extends pg.QueryResultRow>(text: string, values?: unknown[]) => Promise<R[]>;

/** What is readable: tables, partitioned ones, views, materialised views, foreign tables. */
const KINDS = `('r', 'p', 'v', 'm', 'f')`;
/** The server's own tables are nobody's data, but its statistics hold values of everybody's. */
const NOT_OF_THE_SYSTEM = `n.nspname not in ('pg_catalog', 'information_schema') and n.nspname !~ '^pg_(?:toast|temp)'`;
/** A schema that was read this long ago is read again: nothing tells of a column that was added. */
const FRESH_MS = 60_000;
const TYPE_DEPTH = 8;

interface TypeRow {
  oid: string;
  kind: string;
  category: string;
  element: string;
  base: string;
}

/** Vectors of the catalog print their elements with blanks between, unlike every array. */
const NO_ARRAYS = new Set([22, 30]);

export class Schema {
  readonly #tables = new Map<string, { table: TableInfo; readAt: number }>();
  readonly #types = new Map<number, PgType & { category: string }>();
  /** Counts up whenever what was read is thrown away. */
  generation = 0;

  /** Forgets everything that may have changed. */
  invalidate(): void {
    this.#tables.clear();
    this.#types.clear();
    this.generation++;
  }

  /** The type of that number, where a table that was read has it. */
  type(oid: number): PgType | undefined {
    return this.#types.get(oid);
  }

  /** The table as it was read lately. */
  known(target: string): TableInfo | undefined {
    const entry = this.#tables.get(target);
    return entry && performance.now() - entry.readAt < FRESH_MS ? entry.table : undefined;
  }

  /** @throws Error naming a table that is not there, or may not be seen. */
  async table(target: string, ask: Ask): Promise<TableInfo> {
    const known = this.known(target);
    if (known) return known;
    const table = await this.#read(target, ask);
    this.#tables.set(target, { table, readAt: performance.now() });
    return table;
  }

  /** What this user may read, those in the search path by their bare names first. */
  async targets(ask: Ask): Promise<Target[]> {
    const rows = await ask<{ schema: string; name: string; visible: boolean }>(
      `select n.nspname as schema, c.relname as name, pg_catalog.pg_table_is_visible(c.oid) as visible
         from pg_catalog.pg_class c join pg_catalog.pg_namespace n on n.oid = c.relnamespace
        where c.relkind in ${KINDS} and not c.relispartition
          and ${NOT_OF_THE_SYSTEM}
          and pg_catalog.has_schema_privilege(n.oid, 'usage')
          and pg_catalog.has_any_column_privilege(c.oid, 'select')
        order by not pg_catalog.pg_table_is_visible(c.oid), n.nspname, c.relname`,
    );
    return rows.map(row => ({ name: formatTargetName(row.visible ? [row.name] : [row.schema, row.name]) }));
  }

  async #read(target: string, ask: Ask): Promise<TableInfo> {
    const found = await find(target, ask);
    const columns = await ask<{
      name: string;
      oid: string;
      type_name: string;
      not_null: boolean;
      primary_position: number | null;
    }>(
      `select a.attname as name, a.atttypid::bigint as oid, pg_catalog.format_type(a.atttypid, a.atttypmod) as type_name,
              a.attnotnull as not_null,
              (select k.position from pg_catalog.pg_index i,
                 lateral unnest(i.indkey::int2[]) with ordinality as k (attnum, position)
               where i.indrelid = a.attrelid and i.indisprimary and k.attnum = a.attnum
                  and k.position <= i.indnkeyatts)::int as primary_position
         from pg_catalog.pg_attribute a
        where a.attrelid = $1::oid and a.attnum > 0 and not a.attisdropped
        order by a.attnum`,
      [found.oid],
    );
    await this.#readTypes(
      columns.map(column => Number(column.oid)),
      ask,
    );
    const primaryKey = columns
      .filter(column => column.primary_position !== null)
      .sort((a, b) => Number(a.primary_position) - Number(b.primary_position))
      .map(column => column.name);
    return {
      target,
      schema: found.schema,
      name: found.name,
      columns: columns.map(column => {
        const type = this.#types.get(Number(column.oid)) ?? { oid: Number(column.oid), category: 'X' };
        return {
          name: column.name,
          type,
          category: type.category,
          typeName: column.type_name,
          nullable: !column.not_null,
        };
      }),
      primaryKey,
      key: primaryKey.length > 0 ? primaryKey : await uniqueKey(found.oid, ask),
      rowCount: found.rows < 0 ? undefined : Math.round(found.rows),
    };
  }

  /** Types by number: domains down to what they stand for, arrays with their elements. */
  async #readTypes(oids: readonly number[], ask: Ask): Promise<void> {
    const rows = new Map<number, TypeRow>();
    let wanted = [...new Set(oids)].filter(oid => !this.#types.has(oid));
    for (let depth = 0; wanted.length > 0 && depth < TYPE_DEPTH; depth++) {
      const found = await ask<TypeRow>(
        `select oid::bigint, typtype as kind, typcategory as category, typelem::bigint as element, typbasetype::bigint as base
           from pg_catalog.pg_type where oid = any($1::oid[])`,
        [`{${wanted.join(',')}}`],
      );
      for (const row of found) rows.set(Number(row.oid), row);
      wanted = [...new Set(found.flatMap(row => [Number(row.base), Number(row.element)]))].filter(
        oid => oid !== 0 && !rows.has(oid) && !this.#types.has(oid),
      );
    }
    const resolve = (oid: number): PgType & { category: string } => {
      const row = rows.get(oid);
      const known = this.#types.get(oid);
      if (known) return known;
      if (!row) return { oid, category: 'X' };
      if (row.kind === 'd') return resolve(Number(row.base));
      const isArray = row.category === 'A' && Number(row.element) !== 0 && !NO_ARRAYS.has(oid);
      return { oid, category: row.category, ...(isArray ? { element: resolve(Number(row.element)) } : {}) };
    };
    for (const oid of rows.keys()) {
      const type = resolve(oid);
      this.#types.set(oid, type);
      // The server describes a domain's values as those of its base.
      this.#types.set(type.oid, type);
    }
  }
}

export function targetSchemaOf(table: TableInfo): TargetSchema {
  return {
    name: table.target,
    columns: table.columns.map(({ name, typeName, nullable }) => ({
      name,
      type: typeName,
      nullable,
      primaryKey: table.primaryKey.includes(name),
    })),
    ...(table.rowCount === undefined ? {} : { rowCount: table.rowCount }),
  };
}

/** @throws Error naming a column that is not there. */
export function columnOf(table: TableInfo, name: string): ColumnInfo {
  const column = table.columns.find(one => one.name === name);
  if (column) return column;
  throw new UnknownColumnError(
    `there is no column ${JSON.stringify(name.slice(0, 200))} in ${JSON.stringify(table.target)}`,
  );
}

/** It may have been added since the table was looked at. */
export class UnknownColumnError extends Error {
  override readonly name = 'UnknownColumnError';
}

interface Found {
  oid: string;
  schema: string;
  name: string;
  rows: number;
}

async function find(target: string, ask: Ask): Promise<Found> {
  if (target.includes('\0')) throw new Error('there is no table whose name holds a NUL');
  const parts = parseTargetName(target);
  const visible = (name: string): Promise<Found[]> =>
    ask<Found>(`${FIND} and c.relname = $1 and pg_catalog.pg_table_is_visible(c.oid)`, [name]);
  const [schema, name] = parts;
  const found =
    parts.length === 2
      ? await ask<Found>(`${FIND} and n.nspname = $1 and c.relname = $2`, [schema, name])
      : await visible(parts[0] as string);
  // The whole may be the name of one table, dots and all.
  const [table] = found.length === 0 && parts.length > 1 ? await visible(target) : found;
  if (table) return { ...table, rows: Number(table.rows) };
  throw new Error(`there is no table or view ${JSON.stringify(target.slice(0, 200))}`);
}

const FIND = `select c.oid::bigint, n.nspname as schema, c.relname as name, c.reltuples::float8 as rows
  from pg_catalog.pg_class c join pg_catalog.pg_namespace n on n.oid = c.relnamespace
  where c.relkind in ${KINDS} and ${NOT_OF_THE_SYSTEM}`;

/** A unique index over columns that are never null tells rows apart as well as a primary key does; the narrowest is taken. */
async function uniqueKey(oid: string, ask: Ask): Promise<string[]> {
  const [index] = await ask<{ names: string }>(
    `select json_agg(a.attname order by k.position)::text as names
       from pg_catalog.pg_index i
       cross join lateral unnest(i.indkey::int2[]) with ordinality as k (attnum, position)
       left join pg_catalog.pg_attribute a on a.attrelid = i.indrelid and a.attnum = k.attnum and k.attnum > 0
      where i.indrelid = $1::oid and i.indisunique and i.indisvalid and i.indpred is null and i.indexprs is null
        and k.position <= i.indnkeyatts
      group by i.indexrelid, i.indnkeyatts having bool_and(a.attnotnull)
      order by i.indnkeyatts, i.indexrelid limit 1`,
    [oid],
  );
  return index ? (JSON.parse(index.names) as string[]) : [];
}
