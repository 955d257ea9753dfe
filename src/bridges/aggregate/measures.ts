/** Measures as SQL: what is computed of each row, of its place among the others, and of the bucket. */
import { sql } from 'kysely';
import type { AggregatePlan, Measure, MeasureOf } from '../../aggregate/plan.ts';
import type { Condition } from '../../where/where.ts';
import { UnsupportedOperatorError } from '../bridge.ts';
import { compileWhere } from '../compile-where.ts';
import { readCount, readReal } from './cells.ts';
import {
  type AggregateColumn,
  type AggregateDialect,
  type Computation,
  type Operand,
  requireNumbers,
  type Sql,
} from './dialect.ts';

/** Takes an expression and gives the name of the column that it will stand in. */
export type Define = (expression: Sql) => Sql;

export interface MeasureContext<C> {
  plan: AggregatePlan;
  dialect: AggregateDialect<C>;
  /** An expression over the columns of the target. */
  perRow: Define;
  /** An expression over all rows, by window functions. */
  window: Define;
  /** The window of a row's bucket, in that order where one is given. */
  over(order?: Sql): Sql;
}

export function compileMeasure<C>(
  measure: Exclude<Measure, { agg: 'top_k' }>,
  context: MeasureContext<C>,
): Computation<C> {
  const { dialect } = context;
  switch (measure.agg) {
    case 'count':
      return count(measure, context);
    case 'count_distinct': {
      const { sql: value } = operandOf(measure, context);
      return counted(sql`count(distinct ${value})`);
    }
    case 'sum':
      return dialect.sum(numbersOf(measure, context));
    case 'avg':
      return real(dialect.average(numbersOf(measure, context)));
    case 'min':
    case 'max': {
      const operand = operandOf(measure, context);
      return ofColumn(dialect.extreme(measure.agg, operand), operand.column, dialect);
    }
    case 'percentile':
      return real(percentile(measure, context));
    case 'first':
    case 'last':
      return pick(measure, context);
    case 'rate':
      throw new UnsupportedOperatorError({
        op: 'rate',
        target: dialect.base.target,
        bridge: dialect.bridge,
      });
  }
}

/** The measure's column, null in rows that its filter leaves out. */
export function operandOf<C>(
  measure: { column: string; where: Condition | undefined },
  context: MeasureContext<C>,
): Operand<C> {
  const column = context.dialect.base.column(measure.column);
  return { sql: context.perRow(where(sql`${sql.id(column.name)}`, measure.where, context)), column };
}

function numbersOf<C>(measure: Measure & { column: string }, context: MeasureContext<C>): Operand<C> {
  const column = context.dialect.base.column(measure.column);
  requireNumbers(column, measure.agg);
  const value = context.dialect.numeric({ sql: sql`${sql.id(column.name)}`, column });
  return { sql: context.perRow(where(value, measure.where, context)), column };
}

function where<C>(value: Sql, condition: Condition | undefined, { dialect }: MeasureContext<C>): Sql {
  return condition === undefined
    ? value
    : sql`case when ${compileWhere(condition, dialect.base.where)} then ${value} end`;
}

function count<C>(measure: MeasureOf<'count'>, context: MeasureContext<C>): Computation<C> {
  const { column, where: condition } = measure;
  if (column !== undefined)
    return counted(sql`count(${operandOf({ column, where: condition }, context).sql})`);
  if (condition === undefined) return counted(sql`count(*)`);
  return counted(sql`count(${context.perRow(where(sql`1`, condition, context))})`);
}

function counted<C>(value: Sql): Computation<C> {
  return { cells: [value], type: { kind: 'integer' }, read: ([cell]) => readCount(cell) };
}

function real<C>(value: Sql): Computation<C> {
  return { cells: [value], type: { kind: 'real' }, read: ([cell]) => readReal(cell) };
}

function ofColumn<C>(value: Sql, column: AggregateColumn<C>, dialect: AggregateDialect<C>): Computation<C> {
  return {
    cells: [value],
    type: { kind: 'column', column },
    selected: reference => dialect.selected(reference, column),
    read: ([cell], decode) => decode(cell, column.info),
  };
}

/** Between the two values around the place `p * (n - 1)` among `n` sorted ones, counted from 0. */
function percentile<C>(measure: MeasureOf<'percentile'>, context: MeasureContext<C>): Sql {
  const { dialect, window, over } = context;
  const operand = numbersOf(measure, context);
  if (dialect.percentile) return dialect.percentile(operand, measure.p);
  const value = operand.sql;
  const place = window(sql`${dialect.real(measure.p)} * (count(${value}) over ${over()} - 1)`);
  const rank = window(sql`row_number() over ${over(nullsLast(value, 'asc'))} - 1`);
  const below = dialect.floor(place);
  const low = dialect.asReal(sql`max(case when ${rank} = ${below} then ${value} end)`);
  const high = dialect.asReal(
    sql`max(case when ${rank} = ${below} + (case when ${place} > ${below} then 1 else 0 end) then ${value} end)`,
  );
  // Two that are equal are not subtracted: they may be infinite.
  return sql`case when ${low} = ${high} then ${low} else ${low} + (${high} - ${low}) * max(${place} - ${below}) end`;
}

/** The value of the bucket's earliest or latest row; rows that no one knows the time of are neither. */
function pick<C>(measure: MeasureOf<'first' | 'last'>, context: MeasureContext<C>): Computation<C> {
  const { plan, dialect, perRow, window, over } = context;
  const tracking = dialect.base.column(plan.changeTrackingColumn as string);
  const order = perRow(where(sql`${sql.id(tracking.name)}`, measure.where, context));
  const dir = measure.agg === 'first' ? 'asc' : 'desc';
  const operand = operandOf({ column: measure.column, where: undefined }, context);
  if (dialect.pick) return ofColumn(dialect.pick(operand, order, dir), operand.column, dialect);
  const rank = window(sql`row_number() over ${over(nullsLast(order, dir))}`);
  const value = sql`max(case when ${rank} = 1 and ${order} is not null then ${operand.sql} end)`;
  return ofColumn(value, operand.column, dialect);
}

/** In words that every database has. */
export function nullsLast(value: Sql, dir: 'asc' | 'desc'): Sql {
  return sql`case when ${value} is null then 1 else 0 end, ${value} ${sql.raw(dir)}`;
}
