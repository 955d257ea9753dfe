/** A comparison of two builds: what is a regression, and what is noise. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { changesBetween } from '../../bench/regression.ts';
import type { Cell, Result } from '../../bench/result.ts';

test('a build that takes a third longer in every pair is a regression', () => {
  const [change] = changesBetween(pairs([100, 133], [90, 120], [110, 146]));
  assert.equal(change?.isRegression, true);
  assert.equal(change.what, 'dispatch: 1 caller, semilayer, p50 µs');
});

test('a build that is a fifth slower is none', () => {
  assert.equal(changesBetween(pairs([100, 120], [100, 121], [100, 119]))[0]?.isRegression, false);
});

test('noise whose middle lies beyond the limit, but not three pairs in four, is none', () => {
  const noisy = pairs([100, 60], [100, 140], [100, 150], [100, 70], [100, 131]);
  const [change] = changesBetween(noisy);
  assert.ok(change!.median > 1.25);
  assert.equal(change!.isRegression, false);
});

test('of a rate, less is worse', () => {
  const halved = pairs([1_000, 500], [1_200, 600], [900, 450]).map(
    pair => pair.map(result => withBetter(result, 'more')) as unknown as [Result, Result],
  );
  assert.deepEqual(
    changesBetween(halved).map(({ median, isRegression }) => [median, isRegression]),
    [[2, true]],
  );
});

test('floors, peers, words, what was not measured and columns with no better way are not compared', () => {
  const [base] = pairs([100, 100])[0]!;
  const rows = base.series[0]!.rows;
  const others = ['floor', 'peer'].map(side => ({ ...rows[0]!, side: side as 'floor' | 'peer' }));
  const empty = [null, 'none', 0].map((p50, at) => ({ ...rows[0]!, label: String(at), values: { p50 } }));
  const changed = {
    ...base,
    series: [
      { ...base.series[0]!, rows: [...others, ...empty] },
      { ...base.series[0]!, title: 'indifferent', columns: [{ key: 'p50', title: 'p50 µs' }] },
    ],
  };
  assert.deepEqual(changesBetween([[changed, changed]]), []);
});

test('a figure with a spread counts as its middle', () => {
  const slower = pairs([spread(100), spread(200)], [spread(100), spread(201)]);
  assert.equal(changesBetween(slower)[0]?.isRegression, true);
});

function spread(median: number): Cell {
  return { median, least: 1, most: 1_000 };
}

function pairs(...figures: [Cell, Cell][]): [Result, Result][] {
  return figures.map(([base, head]) => [resultOf(base), resultOf(head)]);
}

function resultOf(p50: Cell): Result {
  return {
    name: 'dispatch',
    machine: 'any',
    versions: {},
    settings: {},
    series: [
      {
        name: 'callers-1',
        title: '1 caller',
        columns: [{ key: 'p50', title: 'p50 µs', better: 'less' }],
        rows: [{ label: 'semilayer', side: 'ours', values: { p50 } }],
      },
    ],
    targets: [],
    notMeasured: [],
  };
}

function withBetter(result: Result, better: 'less' | 'more'): Result {
  const [series] = result.series;
  return { ...result, series: [{ ...series!, columns: [{ ...series!.columns[0]!, better }] }] };
}
