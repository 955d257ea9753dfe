import assert from 'node:assert/strict';
import { test } from 'node:test';
import { collect } from '../aggregate/compare-buckets.ts';
import { databaseWith } from './fixture.ts';

const SCHEMA = `
  create table data (
    id int primary key, big bigint unsigned, exact decimal(10, 2), single float, wide double, day date, local datetime(6),
    instant timestamp(6) null, word varchar(20) collate utf8mb4_general_ci, bytes varbinary(10), doc json,
    flags bit(12), made year, kind enum('x', 'y'), span time(3), yes tinyint(1)
  );
  insert into data values
    (1, 18446744073709551615, 0.10, 0.3, 0.3, '2024-02-29', '2024-12-31 23:59:59.999999', '2024-12-31 23:59:59.999999',
      'a', x'00ff', '{"a": 1}', b'101', 2024, 'y', '-838:59:59.5', 1),
    (2, 18446744073709551615, 0.20, 16777217, 1e300, '0000-00-00', '2024-01-01', null, 'A', x'01', '"1"', b'111111111111', 1999, 'x', '00:00:01', 0),
    (3, null, null, null, -0.05, '2024-00-10', null, null, null, null, null, null, null, null, null, null);`;

async function open(t: Parameters<typeof databaseWith>[0]) {
  const source = await databaseWith(t, SCHEMA);
  if (!source) return undefined;
  const ask = async (options: Record<string, unknown>) =>
    await collect(source.bridge.aggregate({ target: 'data', ...options }));
  return {
    ...source,
    ask,
    measures: async (measures: object) => (await ask({ measures, changeTrackingColumn: 'id' }))[0]?.measures,
    dims: async (field: string, bucket?: unknown) =>
      (await ask({ dimensions: [{ field, bucket }] })).map(({ dims }) => dims[field]),
  };
}

test('sums are exact: of integers a number while it is safe, of decimals a string', async t => {
  const source = await open(t);
  if (!source) return;
  assert.deepEqual(
    await source.measures({
      big: { agg: 'sum', column: 'big' },
      id: { agg: 'sum', column: 'id' },
      exact: { agg: 'sum', column: 'exact' },
      avg: { agg: 'avg', column: 'id' },
      mean: { agg: 'avg', column: 'exact' },
      p: { agg: 'percentile', column: 'exact', p: 0.25 },
    }),
    { big: '36893488147419103230', id: 6, exact: '0.30', avg: 2, mean: 0.15, p: 0.125 },
  );
});

test('values cross as those of rows do, of every type', async t => {
  const source = await open(t);
  if (!source) return;
  const columns = [
    'big',
    'exact',
    'single',
    'wide',
    'local',
    'word',
    'bytes',
    'flags',
    'made',
    'kind',
    'span',
    'yes',
  ];
  const { rows } = await source.bridge.query('data', { select: columns, orderBy: [{ field: 'id' }] });
  for (const column of columns) {
    const answer = await source.measures({
      first: { agg: 'first', column },
      last: { agg: 'last', column, where: { id: { $lt: 3 } } },
      top: { agg: 'top_k', column, k: 1, where: { id: 2 } },
    });
    const [first, second] = rows.map(row => row[column]);
    assert.deepEqual(answer, { first, last: second, top: [{ value: second, count: 1 }] }, column);
  }
});

test('JSON is JSON where rows are grouped by it', async t => {
  const source = await open(t);
  if (!source) return;
  assert.deepEqual(
    new Set((await source.dims('doc')).map(value => JSON.stringify(value))),
    new Set(['{"a":1}', '"1"', 'null']),
  );
  assert.deepEqual(await source.measures({ top: { agg: 'top_k', column: 'doc', k: 1, where: { id: 1 } } }), {
    top: [{ value: { a: 1 }, count: 1 }],
  });
});

test('time buckets have the form of their column; a zero date is in the bucket null', async t => {
  const source = await open(t);
  if (!source) return;
  assert.deepEqual(await source.dims('day', 'quarter'), ['2024-01-01', null]);
  assert.deepEqual(await source.dims('local', 'minute'), [
    '2024-01-01T00:00:00',
    '2024-12-31T23:59:00',
    null,
  ]);
  assert.deepEqual(await source.dims('instant', 'week'), ['2024-12-30T00:00:00Z', null]);
});

test('numbers fall into steps as decimals', async t => {
  const source = await open(t);
  if (!source) return;
  assert.deepEqual(await source.dims('exact', { type: 'numeric', step: 0.1 }), [0.1, 0.2, null]);
  const small = {
    where: { wide: { $lt: 1 } },
    dimensions: [{ field: 'wide', bucket: { type: 'numeric', step: 0.1 } }],
  };
  assert.deepEqual(
    (await source.ask(small)).map(({ dims }) => dims.wide),
    [-0.1, 0.3],
  );
});

test('a bucket of texts is what the collation holds for equal', async t => {
  const source = await open(t);
  if (!source) return;
  const buckets = await source.ask({
    dimensions: [{ field: 'word' }],
    measures: { top: { agg: 'top_k', column: 'word', k: 3 } },
  });
  assert.deepEqual(
    buckets.map(({ dims, measures, count }) => [
      String(dims.word).toLowerCase(),
      (measures.top as { count: number }[]).map(one => one.count),
      count,
    ]),
    [
      ['a', [2], 2],
      ['null', [], 1],
    ],
  );
});

test('having compares what was computed as the numbers and values that it is', async t => {
  const source = await open(t);
  if (!source) return;
  const measures = {
    big: { agg: 'sum', column: 'big' },
    avg: { agg: 'avg', column: 'exact' },
    latest: { agg: 'max', column: 'instant' },
    word: { agg: 'max', column: 'word' },
  };
  const found = async (having: object) => (await source.ask({ measures, having })).length;
  assert.equal(await found({ big: '36893488147419103230' }), 1);
  assert.equal(await found({ big: { $gt: '36893488147419103230' } }), 0);
  assert.equal(await found({ avg: { $gt: 0.149, $lt: 0.151 }, count: { $in: [3, 4.5, null] } }), 1);
  assert.equal(await found({ latest: { $gte: '2024-12-31T23:59:59.999999Z' } }), 1);
  assert.equal(await found({ word: { $ilike: 'A%' } }), 1);
});

test('a join by a column that does not tell rows apart is refused; an unknown column is named', async t => {
  const source = await open(t);
  if (!source) return;
  await source.writer.query(
    "create table `se``ts` (code int, name text); insert into `se``ts` values (1, 'a'), (1, 'b')",
  );
  const options = (field: string) => ({
    dimensions: [{ field, from: 's' }],
    joins: [{ target: 'se`ts', alias: 's', on: { local: 'id', foreign: 'code' } }],
  });
  await assert.rejects(source.ask(options('name')), /"se`ts" has several rows for one value/);
  await assert.rejects(source.ask(options('nr')), /there is no column "nr"/);
  await assert.rejects(source.ask({ target: 'nowhere' }), /there is no table or view "nowhere"/);
});
