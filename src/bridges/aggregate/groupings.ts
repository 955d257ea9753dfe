/** Dimensions as SQL: what rows must have in common to fall into one bucket. */
import { sql } from 'kysely';
import type { Dimension } from '../../aggregate/plan.ts';
import { assertNever } from '../../errors.ts';
import { UnsupportedOperatorError } from '../bridge.ts';
import {
  type AggregateColumn,
  type AggregateDialect,
  type Grouping,
  requireNumbers,
  whole,
} from './dialect.ts';

/**
 * @param column of the table that the dimension reads from, by its bare name.
 * @throws UnsupportedOperatorError for a bucket that the database has not; Error for a column it cannot be made of.
 */
export function compileGrouping<C>(
  { bucket }: Dimension,
  column: AggregateColumn<C>,
  dialect: AggregateDialect<C>,
): Grouping<C> {
  const operand = { sql: sql`${sql.id(column.name)}`, column };
  if (bucket === undefined) {
    return {
      sql: operand.sql,
      selected: reference => dialect.selected(reference, column),
      read: (cell, decode) => decode(cell, column.info),
    };
  }
  switch (bucket.kind) {
    case 'time':
      return dialect.timeBucket(operand, bucket.unit);
    case 'step':
      requireNumbers(column, 'a numeric bucket');
      return dialect.stepBucket(operand, bucket.step);
    case 'breaks':
      requireNumbers(column, 'a numeric bucket');
      return breakBucket(column, bucket.breaks, dialect);
    case 'elsewhere':
      throw new UnsupportedOperatorError({
        op: bucket.op,
        target: dialect.base.target,
        bridge: dialect.bridge,
      });
    default:
      return assertNever(bucket);
  }
}

/** By the position of the greatest break that is not above the value: positions are exact in every database. */
function breakBucket<C>(
  column: AggregateColumn<C>,
  breaks: readonly number[],
  dialect: AggregateDialect<C>,
): Grouping<C> {
  const operand = { sql: sql`${sql.id(column.name)}`, column };
  const branches = breaks
    .map((one, index) => {
      const { value, limit } = dialect.compared(operand, one);
      return sql`when ${value} >= ${limit} then ${whole(index)}`;
    })
    .reverse();
  return {
    sql: sql`case ${sql.join(branches, sql` `)} end`,
    selected: reference => reference,
    read: cell => (cell === null ? null : breaks[Number(cell)]),
  };
}
