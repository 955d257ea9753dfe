/** Aggregates as SQLite says them: any column may hold values of every type, and what is no number is left out. */
import { sql } from 'kysely';
import type { TimeUnit } from '../../aggregate/plan.ts';
import type { Scalar } from '../../where/where.ts';
import { SIGNS, type WhereDialect } from '../compile-where.ts';
import { bound, sqliteDialect } from '../sqlite/dialect.ts';
import { type ColumnInfo, columnOf, type TableInfo } from '../sqlite/schema.ts';
import { selectedValue } from '../sqlite/values.ts';
import { boundOf, readInteger, readReal } from './cells.ts';
import type {
  AggregateDialect,
  AggregateTable,
  ColumnKind,
  Computation,
  Grouping,
  Operand,
  Sql,
  ValueType,
} from './dialect.ts';

/** Numbers of this size and more are milliseconds since 1970, smaller ones seconds: 1973 in the one, 5138 in the other. */
const MILLISECONDS_FROM = 100_000_000_000;

export function sqliteAggregates(
  bridge: string,
  base: TableInfo,
  joined: (target: string) => TableInfo,
): AggregateDialect<ColumnInfo> {
  return {
    bridge,
    base: tableOf(base),
    joined: target => tableOf(joined(target)),
    selected: reference => selectedValue(reference),
    timeBucket,
    stepBucket,
    compared: (operand, limit) => ({ value: numeric(operand), limit: bound(limit) }),
    numeric,
    sum,
    average: ({ sql: value }) => sql`avg(${value})`,
    extreme: (which, { sql: value }) => sql`${sql.raw(which)}(${value})`,
    percentile: undefined,
    pick: undefined,
    real,
    asReal: value => sql`(${value} * 1.0)`,
    floor: value => sql`cast(${value} as integer)`,
    having,
  };
}

function tableOf(table: TableInfo): AggregateTable<ColumnInfo> {
  const key = table.columns.filter(column => column.keyPosition > 0);
  const only = key.length === 1 ? key[0]?.name : undefined;
  return {
    target: table.name,
    from: sql`${sql.id('main', table.name)}`,
    column: field => {
      const info = columnOf(table, field);
      return { name: info.name, kind: kindOf(info), info };
    },
    where: sqliteDialect(name => columnOf(table, name)),
    key: only,
    isUnique: field => field === only,
  };
}

/** A column declared as text keeps numbers as text; in every other, numbers are numbers. */
function kindOf({ type }: ColumnInfo): ColumnKind {
  return !/int/i.test(type) && /char|clob|text/i.test(type) ? 'text' : 'any';
}

function numeric({ sql: value }: Operand<ColumnInfo>): Sql {
  return sql`case when typeof(${value}) in ('integer', 'real') then ${value} end`;
}

function real(value: number): Sql {
  return sql`cast(${bound(value)} as real)`;
}

/** Buckets are instants, whatever form of a time is stored; what is none is in the bucket null. */
function timeBucket({ sql: value }: Operand<ColumnInfo>, unit: TimeUnit): Grouping<ColumnInfo> {
  return { sql: startOf(timeOf(value), unit), selected: reference => reference, read: cell => cell };
}

/**
 * Date and time in UTC. Texts are cut behind the seconds unless an offset follows: the fraction would be rounded, into
 * the next year at worst. Anything that does not begin with a date is none, for `now` and `12` would be.
 */
function timeOf(value: Sql): Sql {
  const seconds = sql`case when abs(${value}) < ${bound(MILLISECONDS_FROM)} then ${value} else ${value} / 1000.0 end`;
  return sql`case typeof(${value})
    when 'text' then case when ${value} glob '[0-9][0-9][0-9][0-9]-[0-9][0-9]-[0-9][0-9]*'
      then datetime(case when substr(${value}, 17) glob '*[+-]*' then ${value} else substr(${value}, 1, 19) end) end
    when 'integer' then datetime(${seconds}, 'unixepoch')
    when 'real' then datetime(${seconds}, 'unixepoch') end`;
}

function startOf(time: Sql, unit: TimeUnit): Sql {
  switch (unit) {
    case 'minute':
      return sql`strftime('%Y-%m-%dT%H:%M:00Z', ${time})`;
    case 'hour':
      return sql`strftime('%Y-%m-%dT%H:00:00Z', ${time})`;
    case 'day':
      return sql`strftime('%Y-%m-%dT00:00:00Z', ${time})`;
    case 'week':
      // On to Sunday, the last day of an ISO week, and back to its Monday.
      return sql`strftime('%Y-%m-%dT00:00:00Z', ${time}, 'weekday 0', '-6 days')`;
    case 'month':
      return sql`strftime('%Y-%m-01T00:00:00Z', ${time})`;
    case 'quarter':
      return sql`strftime('%Y-%m-01T00:00:00Z', ${time}, 'start of month',
        '-' || ((strftime('%m', ${time}) - 1) % 3) || ' months')`;
    case 'year':
      return sql`strftime('%Y-01-01T00:00:00Z', ${time})`;
  }
}

/**
 * By number of the bucket. Whole numbers are divided as such; others as floating-point numbers whose quotient is taken
 * to 15 digits, so that 0.3 is in the third bucket of 0.1 and not, by a last bit, in the second.
 */
function stepBucket({ sql: value }: Operand<ColumnInfo>, step: number): Grouping<ColumnInfo> {
  const quotient = sql`cast(printf('%.15g', ${value} / ${real(step)}) as real)`;
  const down = sql`cast(${quotient} as integer)`;
  const floor = sql`case when abs(${quotient}) < 9e15 then ${down} - (${quotient} < ${down}) else ${quotient} end`;
  const wholeStep = Number.isSafeInteger(step) ? bound(BigInt(step)) : undefined;
  const integer = wholeStep ? sql`${value} / ${wholeStep} - (${value} % ${wholeStep} < 0)` : floor;
  return {
    sql: sql`case typeof(${value}) when 'integer' then ${integer}
      when 'real' then case when abs(${value}) < 9e999 then ${floor} end end`,
    selected: reference => reference,
    read: cell => (cell === null ? null : readReal(boundOf(Number(cell), step))),
  };
}

/**
 * Exact beyond 64 bits, at which `sum` fails: the upper and the lower half of integers are summed apart. Filters and
 * orders see a floating-point number there.
 */
function sum({ sql: value }: Operand<ColumnInfo>): Computation<ColumnInfo> {
  const integer = (part: Sql): Sql => sql`sum(case when typeof(${value}) = 'integer' then ${part} end)`;
  const upper = integer(sql`${value} >> 32`);
  const lower = integer(sql`${value} & 4294967295`);
  const reals = sql`sum(case when typeof(${value}) = 'real' then ${value} end)`;
  const whole = sql`(${upper} * 4294967296 + ${lower})`;
  return {
    cells: [upper, lower, reals],
    value: sql`case when ${reals} is null then ${whole} else coalesce(${whole}, 0) + ${reals} end`,
    type: { kind: 'real' },
    read: ([high, low, fraction]) => {
      const integers = high === null ? null : BigInt(String(high)) * 4_294_967_296n + BigInt(String(low));
      if (fraction === null) return readInteger(integers);
      return readReal(Number(integers ?? 0) + Number(fraction));
    },
  };
}

/** Computed values have no column's type, by which SQLite would take a text of digits for a number, and the reverse. */
function having(types: ReadonlyMap<string, ValueType<ColumnInfo>>): WhereDialect {
  const dialect = sqliteDialect(name => ({ name }));
  const operand = (field: string, value: Scalar | null): Sql => {
    const type = types.get(field);
    if (value === null) return sql`null`;
    if (type?.kind === 'column' && type.column.kind === 'text') return bound(String(value));
    return typeof value === 'string' && NUMBER.test(value) ? numberOf(value) : bound(value);
  };
  return {
    ...dialect,
    compare: (field, op, value) =>
      sql`${dialect.column(field)} ${sql.raw(SIGNS[op])} ${operand(field, value)}`,
    isIn: (field, values, negated) =>
      sql`${dialect.column(field)} ${sql.raw(negated ? 'not in' : 'in')} (${sql.join(
        values.map(value => operand(field, value)),
      )})`,
  };
}

const NUMBER = /^[+-]?(?:\d+\.?\d*|\.\d+)(?:e[+-]?\d+)?$/i;

/** Exact as long as SQLite's own integers are. */
function numberOf(text: string): Sql {
  const integer = /^-?\d+$/.test(text) ? BigInt(text) : undefined;
  return bound(integer !== undefined && BigInt.asIntN(64, integer) === integer ? integer : Number(text));
}
