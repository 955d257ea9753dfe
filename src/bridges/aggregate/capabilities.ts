/** What our databases do of an aggregate by themselves, in the words of the public bridge interface. */

export interface AggregateCapabilities {
  [capability: string]: unknown;
  supports: boolean;
  groupBy: boolean;
  timeBucket: boolean;
  numericBucket: boolean;
  geoBucket: boolean;
  geohashBucket: boolean;
  h3Bucket: boolean;
  count: boolean;
  countDistinct: 'exact' | 'approximate' | 'both' | false;
  sum: boolean;
  avg: boolean;
  minMax: boolean;
  percentile: 'exact' | 'approximate' | 'both' | false;
  topK: boolean;
  havingOnAggregates: boolean;
  pushdownOrderLimit: boolean;
  sampling: boolean;
  emitsSketches: boolean;
  joins: boolean;
}

/** Every SQL database of ours does the same; what stands as false here is refused by name. */
export const SQL_AGGREGATES: Readonly<AggregateCapabilities> = Object.freeze({
  supports: true,
  groupBy: true,
  timeBucket: true,
  numericBucket: true,
  geoBucket: false,
  geohashBucket: false,
  h3Bucket: false,
  count: true,
  countDistinct: 'exact',
  sum: true,
  avg: true,
  minMax: true,
  percentile: 'exact',
  topK: true,
  havingOnAggregates: true,
  pushdownOrderLimit: true,
  sampling: false,
  emitsSketches: false,
  joins: true,
});
