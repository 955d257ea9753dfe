/** Aggregates as MySQL and MariaDB say them. The session's time zone is UTC. */
import { sql } from 'kysely';
import type { TimeUnit } from '../../aggregate/plan.ts';
import type { WhereDialect } from '../compile-where.ts';
import type { ColumnInfo } from '../mysql/column.ts';
import { mysqlDialect } from '../mysql/dialect.ts';
import { shortestFloat } from '../mysql/operand.ts';
import { columnOf, type TableInfo } from '../mysql/schema.ts';
import { readDecimal, readInteger, readReal } from './cells.ts';
import {
  type AggregateColumn,
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

/** As many digits as the server has, enough of them behind the point for every step that people write. */
const DECIMAL = sql.raw('decimal(65, 20)');

/**
 * Values are bound as texts and whole numbers, the rest being made of them by the server: neither a literal nor a
 * parameter says of a fraction whether it is a decimal.
 */
export function mysqlAggregates(
  bridge: string,
  base: TableInfo,
  joined: (target: string) => TableInfo,
): AggregateDialect<ColumnInfo> {
  return {
    bridge,
    base: tableOf(base),
    joined: target => tableOf(joined(target)),
    selected,
    timeBucket,
    stepBucket,
    compared: ({ sql: value, column }, limit) => ({
      value,
      limit: column.kind === 'real' ? real(limit) : sql`cast(${plain(limit)} as ${DECIMAL})`,
    }),
    numeric: ({ sql: value }) => value,
    sum,
    // The server's own keeps four decimals more than the column has.
    average: ({ sql: value }) => sql`(sum(${value}) + 0e0) / count(${value})`,
    extreme: (which, { sql: value }) => sql`${sql.raw(which)}(${value})`,
    percentile: undefined,
    pick: undefined,
    real,
    asReal: value => sql`(${value} + 0e0)`,
    floor: value => sql`floor(${value})`,
    having,
  };
}

/** A FLOAT is printed with six digits, a double with all it has; JSON that was computed with is text to the server. */
function selected(reference: Sql, { kind, info }: AggregateColumn<ColumnInfo>): Sql {
  if (kind === 'real') return sql`(${reference} + 0e0)`;
  return info.kind.is === 'json' ? sql`concat(${reference})` : reference;
}

/** A cell that was selected so, in the form that rows have it in; the others have it already. */
export function decodeMysql(cell: unknown, { kind }: ColumnInfo): unknown {
  if (kind.is === 'float' && typeof cell === 'number') return shortestFloat(cell);
  return kind.is === 'json' && typeof cell === 'string' ? parsed(cell) : cell;
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}

function tableOf(table: TableInfo): AggregateTable<ColumnInfo> {
  return {
    target: table.target,
    from: sql`${sql.id(table.database, table.name)}`,
    column: field => {
      const info = columnOf(table, field);
      return { name: info.name, kind: kindOf(info), info };
    },
    where: mysqlDialect(table),
    key: table.primaryKey.length === 1 ? table.primaryKey[0] : undefined,
    isUnique: field => table.key.length === 1 && table.key[0] === field,
  };
}

function kindOf({ type }: ColumnInfo): ColumnKind {
  return KINDS.get(/^\w+/.exec(type.toLowerCase())?.[0] ?? '') ?? 'other';
}

const KINDS: ReadonlyMap<string, ColumnKind> = new Map([
  ['tinyint', 'integer'],
  ['smallint', 'integer'],
  ['mediumint', 'integer'],
  ['int', 'integer'],
  ['bigint', 'integer'],
  ['year', 'integer'],
  ['decimal', 'decimal'],
  ['float', 'real'],
  ['double', 'real'],
  ['date', 'date'],
  ['datetime', 'local'],
  ['timestamp', 'instant'],
  ['char', 'text'],
  ['varchar', 'text'],
  ['tinytext', 'text'],
  ['text', 'text'],
  ['mediumtext', 'text'],
  ['longtext', 'text'],
  ['enum', 'text'],
  ['set', 'text'],
]);

function real(value: number): Sql {
  return sql`(${String(value)} + 0e0)`;
}

/** Without an exponent, up to the decimals that are kept. */
function plain(value: number): string {
  const text = String(value);
  if (!text.includes('e')) return text;
  return Math.abs(value) < 1 ? value.toFixed(20) : BigInt(value).toString();
}

/** As text, in the form that the server gives a date and time; a date with no month or day is in the bucket null. */
function timeBucket({ sql: value, column }: Operand<ColumnInfo>, unit: TimeUnit): Grouping<ColumnInfo> {
  requireTimes(column);
  return {
    sql: sql`case when month(${value}) > 0 and dayofmonth(${value}) > 0 then ${startOf(value, unit)} end`,
    selected: reference => reference,
    read: cell => (cell === null ? null : isoTime(String(cell), column.kind)),
  };
}

function startOf(value: Sql, unit: TimeUnit): Sql {
  switch (unit) {
    case 'minute':
      return sql`date_format(${value}, '%Y-%m-%dT%H:%i:00')`;
    case 'hour':
      return sql`date_format(${value}, '%Y-%m-%dT%H:00:00')`;
    case 'day':
      return sql`date_format(${value}, '%Y-%m-%dT00:00:00')`;
    case 'week':
      // Counted from Monday, which is 0.
      return sql`date_format(date_sub(date(${value}), interval weekday(${value}) day), '%Y-%m-%dT00:00:00')`;
    case 'month':
      return sql`date_format(${value}, '%Y-%m-01T00:00:00')`;
    case 'quarter':
      return sql`concat(date_format(${value}, '%Y-'), lpad(quarter(${value}) * 3 - 2, 2, '0'), '-01T00:00:00')`;
    case 'year':
      return sql`date_format(${value}, '%Y-01-01T00:00:00')`;
  }
}

function isoTime(text: string, kind: ColumnKind): string {
  if (kind === 'date') return text.slice(0, 10);
  return kind === 'instant' ? `${text}Z` : text;
}

/** In decimal arithmetic, which has 0.3 in the third bucket of 0.1. */
function stepBucket({ sql: value, column }: Operand<ColumnInfo>, step: number): Grouping<ColumnInfo> {
  // By way of its text, which is the short number that the column's values cross as; larger ones are no decimals.
  const short = sql`case when abs(${value}) < 1e45 then concat(${value}) end`;
  const number = sql`cast(${column.kind === 'real' ? short : value} as ${DECIMAL})`;
  const size = sql`cast(${plain(step)} as ${DECIMAL})`;
  // The multiple next to the value on the side of zero. Not by the sign of what is left: MariaDB has a decimal -0 < 0.
  const inward = sql`${number} - mod(${number}, ${size})`;
  return {
    sql: sql`${inward} - case when ${inward} > ${number} then ${size} else 0 end`,
    selected: reference => reference,
    read: readReal,
  };
}

/** Exact for integers and decimals, whose sums are decimals here. */
function sum({ sql: value, column: { kind } }: Operand<ColumnInfo>): Computation<ColumnInfo> {
  return {
    cells: [sql`sum(${value})`],
    type: { kind: kind === 'real' ? 'real' : 'decimal' },
    read: ([cell]) =>
      kind === 'real' ? readReal(cell) : kind === 'integer' ? readInteger(cell) : readDecimal(cell),
  };
}

/** As the filters of a table whose columns are the computed values. */
function having(types: ReadonlyMap<string, ValueType<ColumnInfo>>): WhereDialect {
  const columns = [...types].map(([name, type]): ColumnInfo => {
    if (type.kind === 'column') return { ...type.column.info, name };
    return {
      name,
      type: type.kind === 'real' ? 'double' : 'decimal',
      nullable: true,
      kind: type.kind === 'real' ? { is: 'double' } : DIGITS,
      hidden: false,
      charset: null,
      collation: null,
    };
  });
  return mysqlDialect({
    target: 'having',
    database: '',
    name: '',
    columns,
    key: [],
    primaryKey: [],
    whole: true,
  });
}

const DIGITS = { is: 'exact' as const, min: 1n - 10n ** 65n, max: 10n ** 65n - 1n, scale: 20 };
