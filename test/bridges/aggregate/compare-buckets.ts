/** Buckets compared as they cross, floating-point numbers to the twelfth digit. */
import assert from 'node:assert/strict';
import type { AggregateBucket } from '../../../src/bridges/bridge.ts';

export async function collect(buckets: AsyncIterable<AggregateBucket>): Promise<AggregateBucket[]> {
  const all: AggregateBucket[] = [];
  for await (const bucket of buckets) all.push(bucket);
  return all;
}

export function assertBuckets(actual: AggregateBucket[], expected: AggregateBucket[]): void {
  assert.deepEqual(rounded(actual), rounded(expected));
}

function rounded(buckets: AggregateBucket[]): unknown {
  // Through JSON, because that is how they cross, `__proto__` and all.
  return JSON.parse(JSON.stringify(buckets), (_, value: unknown) =>
    typeof value === 'number' && !Number.isInteger(value) ? Number(value.toPrecision(12)) : value,
  );
}
