/** Aggregates as Postgres says them, by the types of its columns. */
import { sql } from 'kysely';
import type { TimeUnit } from '../../aggregate/plan.ts';
import type { WhereDialect } from '../compile-where.ts';
import { postgresDialect } from '../postgres/dialect.ts';
import { type ColumnInfo, columnOf, type TableInfo } from '../postgres/schema.ts';
import { OID, type PgType } from '../postgres/value-decoders.ts';
import { readDecimal, readInteger, readReal } from './cells.ts';
import {
  type AggregateDialect,
  type AggregateTable,
  type ColumnKind,
  type Computation,
  type Grouping,
  type Operand,
  requireTimes,
  type Sql,
  type ValueType,
} from './dialect.ts';

type Value = Operand<ColumnInfo>;

export function postgresAggregates(
  bridge: string,
  base: TableInfo,
  joined: (target: string) => TableInfo,
): AggregateDialect<ColumnInfo> {
  return {
    bridge,
    base: tableOf(base),
    joined: target => tableOf(joined(target)),
    selected: reference => reference,
    timeBucket,
    stepBucket,
    compared: (operand, limit) => {
      const type = sql.raw(operand.column.kind === 'real' ? 'float8' : 'numeric');
      // The server sorts what is no number above all numbers.
      const value =
        operand.column.kind === 'integer' ? operand.sql : sql`nullif(${operand.sql}::${type}, 'NaN')`;
      return { value, limit: sql`${String(limit)}::${type}` };
    },
    numeric: ({ sql: value, column }) => (column.kind === 'real' ? sql`${value}::float8` : value),
    sum,
    average: ({ sql: value }) => sql`avg(${value})::float8`,
    extreme,
    percentile: ({ sql: value }, p) =>
      sql`percentile_cont(${String(p)}::float8) within group (order by ${value}::float8)`,
    pick,
    real: value => sql`${String(value)}::float8`,
    asReal: value => sql`(${value})::float8`,
    floor: value => sql`floor(${value})`,
    having,
  };
}

function tableOf(table: TableInfo): AggregateTable<ColumnInfo> {
  const key = table.primaryKey.length === 1 ? table.primaryKey[0] : undefined;
  return {
    target: table.target,
    from: sql`${sql.id(table.schema, table.name)}`,
    column: field => {
      const info = columnOf(table, field);
      return { name: info.name, kind: kindOf(info.type), info };
    },
    where: postgresDialect(table),
    key,
    isUnique: field => table.key.length === 1 && table.key[0] === field,
  };
}

function kindOf({ oid, element }: PgType): ColumnKind {
  return element ? 'array' : (KINDS.get(oid) ?? 'other');
}

const KINDS: ReadonlyMap<number, ColumnKind> = new Map([
  [OID.int2, 'integer'],
  [OID.int4, 'integer'],
  [OID.int8, 'integer'],
  [OID.numeric, 'decimal'],
  [OID.float4, 'real'],
  [OID.float8, 'real'],
  [OID.date, 'date'],
  [OID.timestamp, 'local'],
  [OID.timestamptz, 'instant'],
  [OID.text, 'text'],
  [OID.varchar, 'text'],
  [OID.bpchar, 'text'],
  [OID.name, 'text'],
]);

/** Of the column's own type, so that a bucket crosses as every date or time of the column does. */
function timeBucket({ sql: value, column }: Value, unit: TimeUnit): Grouping<ColumnInfo> {
  requireTimes(column);
  const name = sql.lit(unit);
  return {
    sql:
      column.kind === 'instant'
        ? sql`date_trunc(${name}, ${value} at time zone 'UTC') at time zone 'UTC'`
        : column.kind === 'date'
          ? sql`date_trunc(${name}, ${value}::timestamp)::date`
          : sql`date_trunc(${name}, ${value})`,
    selected: reference => reference,
    read: (cell, decode) => decode(cell, column.info),
  };
}

/** In decimal arithmetic, which has 0.3 in the third bucket of 0.1. What is no finite number is in the bucket null. */
function stepBucket({ sql: value, column }: Value, step: number): Grouping<ColumnInfo> {
  const finite =
    column.kind === 'integer' ? value : sql`case when abs(${value}::float8) < 'Infinity' then ${value} end`;
  const number = sql`(${finite})::numeric`;
  const size = sql`${String(step)}::numeric`;
  const rest = sql`mod(${number}, ${size})`;
  return {
    sql: sql`${number} - ${rest} - case when ${rest} < 0 then ${size} else 0 end`,
    selected: reference => reference,
    read: readReal,
  };
}

function sum({ sql: value, column: { kind } }: Value): Computation<ColumnInfo> {
  if (kind === 'real')
    return { cells: [sql`sum(${value})`], type: { kind: 'real' }, read: ([cell]) => readReal(cell) };
  return {
    cells: [sql`sum(${value})::numeric`],
    type: { kind: 'decimal' },
    read: ([cell]) => (kind === 'integer' ? readInteger(cell) : readDecimal(cell)),
  };
}

/** Types that have an order have not all a least and a greatest: booleans, UUIDs and more. */
function extreme(which: 'min' | 'max', { sql: value, column: { kind } }: Value): Sql {
  if (kind !== 'other') return sql`${sql.raw(which)}(${value})`;
  return picked(value, sql`${value} ${sql.raw(which === 'min' ? 'asc' : 'desc')}`, sql`${value} is not null`);
}

function pick({ sql: value, column }: Value, order: Sql, dir: 'asc' | 'desc'): Sql {
  if (column.kind === 'array') {
    throw new Error(
      `first and last of a column of arrays, as ${JSON.stringify(column.name)} is, are not to be had`,
    );
  }
  return picked(value, sql`${order} ${sql.raw(dir)}`, sql`${order} is not null`);
}

function picked(value: Sql, order: Sql, condition: Sql): Sql {
  return sql`(array_agg(${value} order by ${order}) filter (where ${condition}))[1]`;
}

/** As the filters of a table whose columns are the computed values. */
function having(types: ReadonlyMap<string, ValueType<ColumnInfo>>): WhereDialect {
  const columns = [...types].map(([name, type]): ColumnInfo => {
    if (type.kind === 'column') return { ...type.column.info, name };
    const typeName = COMPUTED[type.kind];
    return { name, type: { oid: OID[typeName] }, category: 'N', typeName, nullable: true };
  });
  return postgresDialect({
    target: 'having',
    schema: '',
    name: '',
    columns,
    primaryKey: [],
    key: [],
    rowCount: undefined,
  });
}

const COMPUTED = { integer: 'int8', decimal: 'numeric', real: 'float8' } as const;
