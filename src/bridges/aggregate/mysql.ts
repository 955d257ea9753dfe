/** Aggregates as MySQL and MariaDB say them. The session's time zone is UTC. */
import { sql } from 'kysely';
import type { TimeUnit } from '../../aggregate/plan.ts';
import type { Comparison, Scalar } from '../../where/where.ts';
import { likePattern, SIGNS, type WhereDialect } from '../compile-where.ts';
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

/** As many digits as the server has, enough of them behind the point for every step that people write. */
const DECIMAL = sql.raw('decimal(65, 20)');

/**
 * Values are bound as texts and whole numbers, the rest being made of them by the server: neither a literal nor a
 * parameter says of a fraction whether it is a decimal.
 */
export function mysqlAggregates<C>(
  bridge: string,
  base: AggregateTable<C>,
  joined: (target: string) => AggregateTable<C>,
): AggregateDialect<C> {
  return {
    bridge,
    base,
    joined,
    // A FLOAT is printed with six digits, a double with all it has.
    selected: (reference, column) => (column.kind === 'real' ? sql`(${reference} + 0e0)` : reference),
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

/** @param dataType as `information_schema.columns` has it, without a length. */
export function mysqlKind(dataType: string): ColumnKind {
  return KINDS.get(dataType.toLowerCase()) ?? 'other';
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
function timeBucket<C>({ sql: value, column }: Operand<C>, unit: TimeUnit): Grouping<C> {
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
function stepBucket<C>({ sql: value, column }: Operand<C>, step: number): Grouping<C> {
  // By way of its text, which is the short number that the column's values cross as.
  const number = sql`cast(${column.kind === 'real' ? sql`concat(${value})` : value} as ${DECIMAL})`;
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
function sum<C>({ sql: value, column: { kind } }: Operand<C>): Computation<C> {
  return {
    cells: [sql`sum(${value})`],
    type: { kind: kind === 'real' ? 'real' : 'decimal' },
    read: ([cell]) =>
      kind === 'real' ? readReal(cell) : kind === 'integer' ? readInteger(cell) : readDecimal(cell),
  };
}

/** Computed numbers are compared as numbers of their own kind, everything else as the text it crosses as. */
function having<C>(types: ReadonlyMap<string, ValueType<C>>): WhereDialect {
  const column = (field: string): Sql => sql`${sql.id(field)}`;
  const operands = (field: string, values: readonly Scalar[]): { left: Sql; right: Sql[] } => {
    const kind = kindOf(types.get(field));
    const texts = values.map(value => (typeof value === 'boolean' ? String(Number(value)) : String(value)));
    const numbers = texts.map(Number);
    if (!NUMBERS.has(kind) || numbers.some(Number.isNaN))
      return { left: column(field), right: texts.map(text => sql`${text}`) };
    if (kind === 'real') return { left: column(field), right: numbers.map(real) };
    return {
      left: column(field),
      right: texts.map(
        (text, at) => sql`cast(${/e/i.test(text) ? plain(numbers[at] as number) : text} as ${DECIMAL})`,
      ),
    };
  };
  return {
    column,
    compare: (field: string, op: Comparison, value: Scalar) => {
      const { left, right } = operands(field, [value]);
      return sql`${left} ${sql.raw(SIGNS[op])} ${right[0]}`;
    },
    isIn: (field, values, negated) => {
      const present = values.filter(value => value !== null);
      const { left, right } = operands(field, present);
      const nulls = present.length < values.length ? [sql`null`] : [];
      return sql`${left} ${sql.raw(negated ? 'not in' : 'in')} (${sql.join([...right, ...nulls])})`;
    },
    matches: (field, pattern, caseSensitive) => {
      const fold = (text: Sql): Sql => {
        const exact = sql`convert(${text} using utf8mb4) collate utf8mb4_bin`;
        return caseSensitive ? exact : sql`lower(${exact})`;
      };
      // What a backslash means in a statement depends on the session.
      const text = likePattern(pattern).replace(/\|/g, '||').replace(/\\(.)/g, '|$1');
      return sql`${fold(column(field))} like ${fold(sql`${text}`)} escape '|'`;
    },
  };
}

function kindOf<C>(type: ValueType<C> | undefined): ColumnKind {
  if (type === undefined) return 'other';
  return type.kind === 'column' ? type.column.kind : type.kind;
}

const NUMBERS: ReadonlySet<ColumnKind> = new Set(['integer', 'decimal', 'real']);
