/** What an aggregate asks for, checked: the one form that compilers read. */
import type { Condition } from '../where/where.ts';

export const TIME_UNITS = ['minute', 'hour', 'day', 'week', 'month', 'quarter', 'year'] as const;
export const AGGREGATIONS = [
  'count',
  'count_distinct',
  'sum',
  'avg',
  'min',
  'max',
  'percentile',
  'top_k',
  'first',
  'last',
  'rate',
] as const;

export type TimeUnit = (typeof TIME_UNITS)[number];
export type Aggregation = (typeof AGGREGATIONS)[number];

/** How the values of a dimension fall into buckets; each value is its own where there is none. */
export type Bucket =
  | { kind: 'time'; unit: TimeUnit }
  | { kind: 'step'; step: number }
  /** Ascending. */
  | { kind: 'breaks'; breaks: number[] }
  /** Well formed, and done by databases that have it: ours refuse it by that name. */
  | { kind: 'elsewhere'; op: 'geohash' | 'h3' | 'semantic' };

export interface Dimension {
  /** Key of its values in a bucket's `dims`. */
  name: string;
  field: string;
  /** Which of the joins has the field; undefined is the target itself. */
  join: number | undefined;
  bucket: Bucket | undefined;
}

interface MeasureBase {
  /** Key of its value in a bucket's `measures`. */
  key: string;
  /** Which rows of the bucket it sees; undefined is all. */
  where: Condition | undefined;
}

type OfColumn = 'count_distinct' | 'sum' | 'avg' | 'min' | 'max' | 'first' | 'last';

export type Measure =
  | (MeasureBase & { agg: 'count'; column: string | undefined })
  | (MeasureBase & { agg: 'rate'; column: string | undefined })
  | { [A in OfColumn]: MeasureBase & { agg: A; column: string } }[OfColumn]
  | (MeasureBase & { agg: 'percentile'; column: string; p: number })
  | (MeasureBase & { agg: 'top_k'; column: string; k: number });

export type MeasureOf<A extends Aggregation> = Extract<Measure, { agg: A }>;

export interface Join {
  target: string;
  alias: string;
  local: string;
  foreign: string;
}

/** Something that buckets are sorted by: a dimension or measure by its position, or the number of rows. */
export type SortKey = { dir: 'asc' | 'desc' } & (
  | { by: 'dimension' | 'measure'; index: number }
  | { by: 'count' }
);

export interface AggregatePlan {
  target: string;
  where: Condition;
  /** Only rows with these primary keys; undefined is all. */
  ids: (string | number)[] | undefined;
  dimensions: Dimension[];
  measures: Measure[];
  /** Over keys of measures, and `count` where no measure is called that. */
  having: Condition;
  sort: SortKey[];
  limit: number | undefined;
  /** Tells the first from the last; there whenever a measure asks for one of them. */
  changeTrackingColumn: string | undefined;
  joins: Join[];
  /** Share of the rows, above 0 and below 1; undefined is all. */
  sample: number | undefined;
}
