/** docs/benchmarks.md is what the kept results say, and nothing else. */
import assert from 'node:assert/strict';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { CATALOGUE } from '../../bench/catalogue.ts';
import { barsOf, lineOf } from '../../bench/plot.ts';
import { type Series, seriesTable } from '../../bench/result.ts';
import { benchmarksDocs, DOCS } from '../../scripts/benchmarks-docs.ts';

const RESULTS = new URL('../../bench/results/', import.meta.url);
const SERIES: Series = {
  name: 'read',
  title: 'read',
  columns: [
    { key: 'rate', title: 'rows/s', thousands: true },
    { key: 'ms', title: 'first ms', digits: 1 },
  ],
  rows: [
    { label: 'floor', side: 'floor', values: { rate: { median: 2_000, least: 1_000, most: 4_000 } } },
    { label: '<ours & yours>', side: 'ours', values: { rate: 1_000, ms: null, x: 1 } },
    { label: 'a | b', side: 'peer', values: { rate: 500, ms: 2.25, x: 3 } },
  ],
};

test('the page and its pictures are those that npm run docs:benchmarks writes', async () => {
  const files = await benchmarksDocs();
  for (const [path, text] of files) {
    const isCurrent = (await readFile(join(DOCS, path), 'utf8')) === text;
    assert.ok(isCurrent, `docs/${path} is out of date: npm run docs:benchmarks`);
  }
  const pictures = (await readdir(join(DOCS, 'benchmarks'))).map(name => `benchmarks/${name}`);
  assert.deepEqual(
    pictures.filter(path => !files.has(path)),
    [],
  );
});

test('every benchmark is in the catalogue, and every result is of one', async () => {
  const scripts: Record<string, string> = JSON.parse(
    await readFile(new URL('../../package.json', import.meta.url), 'utf8'),
  ).scripts;
  const named = Object.keys(scripts).flatMap(script => /^bench:(.+)$/.exec(script)?.[1] ?? []);
  const listed = CATALOGUE.map(({ name }) => name);
  assert.deepEqual(named.toSorted(), listed.toSorted());
  for (const file of await readdir(RESULTS)) assert.ok(listed.includes(file.replace(/\.json$/, '')), file);
});

test('a table gives a figure its spread, and tells what was not measured from what has no meaning', () => {
  assert.deepEqual(seriesTable(SERIES).split('\n'), [
    '| read           | rows/s | least–most | first ms |',
    '| -------------- | -----: | ---------: | -------: |',
    '| floor          |     2k |      1k–4k |          |',
    '| <ours & yours> |     1k |            |        - |',
    '| a \\| b         |     1k |            |      2.3 |',
  ]);
});

test('bars are as long as their figures, from nothing, and labels cannot leave the picture', () => {
  const svg = barsOf('Rows a second', 'rate', [SERIES]);
  const widths = [...svg.matchAll(/<rect class="\w+" x="264" y="\d+" width="([\d.]+)"/g)].map(([, width]) =>
    Number(width),
  );
  assert.deepEqual(
    widths.map(width => Math.round((width / widths[2]!) * 10) / 10),
    [4, 2, 1],
  );
  assert.ok(svg.includes('&lt;ours &amp; yours>'));
});

test('what could not be measured has no bar', () => {
  assert.equal(barsOf('First', 'ms', [SERIES]).match(/<rect class="peer" x="264"/g)?.length, 1);
  assert.equal(barsOf('First', 'ms', [SERIES]).match(/<rect class="(ours|floor)" x="264"/g), null);
});

test('points lie where their figures say, beside the line that fits them', () => {
  const rows = SERIES.rows.slice(1);
  const svg = lineOf('Rows', 'rate', { ...SERIES, rows });
  const points = [...svg.matchAll(/cx="([\d.]+)" cy="([\d.]+)"/g)].map(([, x, y]) => [Number(x), Number(y)]);
  const bottom = 44 + 10 + 240;
  assert.deepEqual(
    points.map(([x, y]) => [Math.round(x!), Math.round(bottom - y!)]),
    [
      [70 + Math.round(660 / 3), 240],
      [730, 120],
    ],
  );
});
