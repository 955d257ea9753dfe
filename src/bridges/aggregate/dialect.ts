/** What each database says differently in an aggregate, and what a bridge tells of its tables. */
import { type RawBuilder, sql } from 'kysely';
import type { TimeUnit } from '../../aggregate/plan.ts';
import type { WhereDialect } from '../compile-where.ts';

export type Sql = RawBuilder<unknown>;

/** What can be computed of a column's values: `any` is a column that may hold values of every type. */
export type ColumnKind =
  | 'integer'
  | 'decimal'
  | 'real'
  | 'date'
  /** Date and time of no time zone. */
  | 'local'
  | 'instant'
  | 'text'
  | 'array'
  | 'other'
  | 'any';

/** @typeParam C what the bridge itself knows of a column, given back to it when a value of that column is decoded. */
export interface AggregateColumn<C> {
  name: string;
  kind: ColumnKind;
  info: C;
}

export interface AggregateTable<C> {
  /** As it was asked for, for errors. */
  target: string;
  /** Quoted, and with its schema before it: a bare name would mean a part of the statement that happens to have it. */
  from: Sql;
  /** @throws Error naming a column that the table has not. */
  column(field: string): AggregateColumn<C>;
  /** Filters over the table's columns, by their bare names. */
  where: WhereDialect;
  /** The primary key, where it is one column. */
  key: string | undefined;
  /** Whether no two rows can have the same value there. */
  isUnique(field: string): boolean;
}

/** What a computed value is, for filters over it. */
export type ValueType<C> =
  | { kind: 'integer' | 'decimal' | 'real' }
  | { kind: 'column'; column: AggregateColumn<C> };

/** Turns a cell of a column's own type into its JSON form. */
export type Decode<C> = (cell: unknown, info: C) => unknown;

/** How rows fall into buckets of a dimension. */
export interface Grouping<C> {
  /** What the rows of a bucket have in common, computed row by row. */
  sql: Sql;
  /** That value as it is put into the answer. */
  selected(reference: Sql): Sql;
  /** The dimension's value from the answer. */
  read(cell: unknown, decode: Decode<C>): unknown;
}

/** A value computed over the rows of a bucket. */
export interface Computation<C> {
  /** Aggregate expressions, each a cell of the answer. */
  cells: Sql[];
  /** The value as filters and orders see it; undefined is the first cell. */
  value?: Sql;
  type: ValueType<C>;
  /** Cells as they are put into the answer; undefined is as they are. */
  selected?(reference: Sql): Sql;
  read(cells: readonly unknown[], decode: Decode<C>): unknown;
}

/** One column of one row, with its filter already applied: null where the row does not count. */
export interface Operand<C> {
  sql: Sql;
  column: AggregateColumn<C>;
}

export interface AggregateDialect<C> {
  /** Package name, for errors. */
  bridge: string;
  base: AggregateTable<C>;
  /** @throws Error for a target that is not there. */
  joined(target: string): AggregateTable<C>;
  /** A cell of a column's own type as it is put into the answer. */
  selected(reference: Sql, column: AggregateColumn<C>): Sql;
  /** The start of the time bucket that the value is in, in UTC. */
  timeBucket(operand: Operand<C>, unit: TimeUnit): Grouping<C>;
  /** The greatest multiple of the step that is not above the value. */
  stepBucket(operand: Operand<C>, step: number): Grouping<C>;
  /** The value, and a number to compare it with. */
  compared(operand: Operand<C>, limit: number): { value: Sql; limit: Sql };
  /** The value where it is a number, else null. */
  numeric(operand: Operand<C>): Sql;
  sum(operand: Operand<C>): Computation<C>;
  /** As a floating-point number. */
  average(operand: Operand<C>): Sql;
  extreme(which: 'min' | 'max', operand: Operand<C>): Sql;
  /** Of the database's own; undefined is by its place among the sorted values. */
  percentile: ((operand: Operand<C>, p: number) => Sql) | undefined;
  /** The value of the row that `order` puts first among those where it is not null; undefined is by its place. */
  pick: ((operand: Operand<C>, order: Sql, dir: 'asc' | 'desc') => Sql) | undefined;
  /** A bound floating-point number. */
  real(value: number): Sql;
  /** An expression as a floating-point number. */
  asReal(value: Sql): Sql;
  /** Of an expression that is not negative. */
  floor(value: Sql): Sql;
  /** Filters over computed values, which stand in columns of these names. */
  having(types: ReadonlyMap<string, ValueType<C>>): WhereDialect;
}

/** Limits and lengths are whole numbers that were checked: written into the text, for planners choose by them. */
export function whole(value: number): Sql {
  return sql.raw(String(value));
}

/** @throws Error naming the column, where nothing can be computed of it. */
export function requireNumbers(column: AggregateColumn<unknown>, what: string): void {
  if (NUMBERS.has(column.kind)) return;
  throw new Error(`${what} needs a column of numbers, and ${JSON.stringify(column.name)} has none`);
}

export function requireTimes(column: AggregateColumn<unknown>): void {
  if (TIMES.has(column.kind)) return;
  throw new Error(
    `a time bucket needs a column of dates or times, and ${JSON.stringify(column.name)} has none`,
  );
}

const NUMBERS: ReadonlySet<ColumnKind> = new Set(['integer', 'decimal', 'real', 'any']);
const TIMES: ReadonlySet<ColumnKind> = new Set(['date', 'local', 'instant', 'any']);
