/** The arithmetic under every figure: order statistics, processor time, the straight line. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { median, processorMsOf, quantile, ratiosOf, spreadOf } from '../../bench/figures.ts';
import { lineThrough } from '../../bench/least-squares.ts';

test('a quantile is a sample, and no samples are no figure', () => {
  assert.equal(quantile([5, 1, 4, 2, 3], 0.5), 3);
  assert.equal(quantile([5, 1, 4, 2, 3], 0.99), 5);
  assert.equal(quantile([10, 9], 0), 9);
  assert.throws(() => quantile([], 0.5), /no samples/);
});

test('the middle of an even number of samples lies between two', () => {
  assert.equal(median([4, 1, 3, 2]), 2.5);
  assert.equal(median([3, 1, 2]), 2);
});

test('a spread has its middle between its ends', () => {
  fc.assert(
    fc.property(fc.array(fc.double({ noNaN: true }), { minLength: 1 }), samples => {
      const { least, median, most } = spreadOf(samples);
      return least <= median && median <= most;
    }),
  );
});

test('a spread takes more samples than a call takes arguments', () => {
  const many = Array.from({ length: 300_000 }, (_, at) => at);
  assert.deepEqual(spreadOf(many), { median: 149_999.5, least: 0, most: 299_999 });
});

test('ratios are of neighbours', () => {
  assert.deepEqual(ratiosOf([2, 30], [1, 10]), [2, 3]);
});

test('processor time is of user and system, whatever the process is called', () => {
  const stat = '42 (a) b (c) S 1 42 42 0 -1 4194560 900 0 0 0 123 45 0 0 20 0 11 0 9000 1 2';
  assert.equal(processorMsOf(stat), 1_680);
});

test('points on a line are fitted by that line', () => {
  const { intercept, slope, r2, worst } = lineThrough([
    [1, 12],
    [2, 14],
    [5, 20],
  ]);
  assert.deepEqual(
    [intercept, slope, r2, worst].map(value => Math.round(value * 1e9) / 1e9),
    [10, 2, 1, 0],
  );
});

test('a curve is told from a line by its farthest point', () => {
  const squares = [1, 2, 3, 4, 5, 6, 7, 8].map(x => [x, x * x] as const);
  assert.ok(lineThrough(squares).worst > 0.25);
});

test('points at one place make no line', () => {
  assert.throws(
    () =>
      lineThrough([
        [1, 1],
        [1, 2],
      ]),
    /two places/,
  );
});
