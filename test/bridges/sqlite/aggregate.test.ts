import assert from 'node:assert/strict';
import { test } from 'node:test';
import { UnsupportedOperatorError } from '../../../src/bridges/bridge.ts';
import { collect } from '../aggregate/compare-buckets.ts';
import { databaseWith } from './database.ts';

const SHOP = `create table orders (id integer primary key, status text, total real, units integer, at text, customer integer);
  create table customers (id integer primary key, city text, code text);
  insert into customers values (1, 'Rome', 'a'), (2, 'Oslo', 'a'), (3, null, 'b');
  insert into orders values
    (1, 'new', 10, 1, '2024-01-01', 1), (2, 'new', 20, 2, '2024-01-31T23:00:00-02:00', 2),
    (3, 'paid', 30, 3, '2024-12-31 23:59:59.9999999', null), (4, null, null, null, null, 9);`;

async function shop(t: Parameters<typeof databaseWith>[0], sql = SHOP) {
  const { bridge, writer } = await databaseWith(t, sql);
  const ask = async (options: Record<string, unknown>) =>
    await collect(bridge.aggregate({ target: 'orders', ...options }));
  /** The values of the first dimension, or of the measure `m` of the only bucket. */
  const dims = async (options: Record<string, unknown>) =>
    (await ask(options)).map(({ dims }) => Object.values(dims)[0]);
  const value = async (measure: Record<string, unknown>, rest: Record<string, unknown> = {}) =>
    (await ask({ measures: { m: measure }, ...rest }))[0]?.measures.m;
  return { bridge, writer, ask, dims, value };
}

test('a bucket of no rows has null sums, empty lists and counts of 0; there is one where nothing is grouped', async t => {
  const { ask } = await shop(t);
  const measures = {
    n: { agg: 'count' },
    d: { agg: 'count_distinct', column: 'status' },
    s: { agg: 'sum', column: 'total' },
    a: { agg: 'avg', column: 'total' },
    least: { agg: 'min', column: 'status' },
    p: { agg: 'percentile', column: 'total', p: 0.5 },
    top: { agg: 'top_k', column: 'status', k: 2 },
    f: { agg: 'first', column: 'total' },
  };
  const nothing = { n: 0, d: 0, s: null, a: null, least: null, p: null, top: [], f: null };
  const options = { measures, where: { id: 99 }, changeTrackingColumn: 'at' };
  assert.deepEqual(await ask(options), [{ dims: {}, measures: nothing, count: 0 }]);
  assert.deepEqual(await ask({ ...options, dimensions: [{ field: 'status' }] }), []);
  const filtered = Object.fromEntries(
    Object.entries(measures).map(([key, measure]) => [key, { ...measure, where: { id: 99 } }]),
  );
  assert.deepEqual(await ask({ measures: filtered, changeTrackingColumn: 'at' }), [
    { dims: {}, measures: nothing, count: 4 },
  ]);
});

test('time buckets are instants of UTC, whatever form of a time is stored', async t => {
  const { dims, writer } = await shop(t);
  const by = async (bucket: string) => await dims({ dimensions: [{ field: 'at', bucket }] });
  assert.deepEqual(await by('minute'), [
    '2024-01-01T00:00:00Z',
    '2024-02-01T01:00:00Z',
    // Not rounded into the next year.
    '2024-12-31T23:59:00Z',
    null,
  ]);
  assert.deepEqual(await by('hour'), [
    '2024-01-01T00:00:00Z',
    '2024-02-01T01:00:00Z',
    '2024-12-31T23:00:00Z',
    null,
  ]);
  assert.deepEqual(await by('week'), [
    '2024-01-01T00:00:00Z',
    '2024-01-29T00:00:00Z',
    '2024-12-30T00:00:00Z',
    null,
  ]);
  assert.deepEqual(await by('month'), [
    '2024-01-01T00:00:00Z',
    '2024-02-01T00:00:00Z',
    '2024-12-01T00:00:00Z',
    null,
  ]);
  assert.deepEqual(await by('quarter'), ['2024-01-01T00:00:00Z', '2024-10-01T00:00:00Z', null]);
  assert.deepEqual(await by('year'), ['2024-01-01T00:00:00Z', null]);
  // Unix time in seconds, in milliseconds, with a fraction; and what is no time, though SQLite would make one of it.
  writer.exec(`create table times (id integer primary key, at);
    insert into times values (1, 1704067200), (2, 1704067200000), (3, 1704067200.75), (4, '2024-01-01T00:00Z'),
      (5, '2024-01-01T02:00+02:00'), (6, 'now'), (7, '12:00'), (8, '2460310.5'), (9, x'323032342d30312d3031')`);
  assert.deepEqual(await dims({ target: 'times', dimensions: [{ field: 'at', bucket: 'day' }] }), [
    '2024-01-01T00:00:00Z',
    null,
  ]);
});

test('numbers fall into steps and breaks by their lower bound, decimals without dust', async t => {
  const { ask, writer } = await shop(t);
  writer.exec(`create table numbers (id integer primary key, n);
    insert into numbers values (1, 0.3), (2, 0.29), (3, -0.05), (4, 7), (5, 9007199254740993), (6, 'x'), (7, null),
      (8, -3), (9, 9e999)`);
  const count = async (bucket: object) =>
    (
      await ask({ target: 'numbers', dimensions: [{ field: 'n', bucket: { type: 'numeric', ...bucket } }] })
    ).map(({ dims, count }) => [dims.n, count]);
  assert.deepEqual(await count({ step: 0.1 }), [
    [-3, 1],
    [-0.1, 1],
    [0.2, 1],
    [0.3, 1],
    [7, 1],
    [9007199254740990, 1],
    [null, 3],
  ]);
  assert.deepEqual(await count({ step: 2 }), [
    [-4, 1],
    [-2, 1],
    [0, 2],
    [6, 1],
    [9007199254740992, 1],
    [null, 3],
  ]);
  assert.deepEqual(await count({ breaks: [-1, 0.3, 7] }), [
    [-1, 2],
    [0.3, 1],
    [7, 3],
    [null, 3],
  ]);
});

test('sums of integers are exact beyond 2^53 and beyond 64 bits', async t => {
  const { ask } = await shop(
    t,
    `create table orders (id integer primary key, n);
     insert into orders values (1, 9223372036854775807), (2, 9223372036854775807), (3, -5)`,
  );
  const sum = async (ids: number[]) =>
    (await ask({ ids, measures: { m: { agg: 'sum', column: 'n' } } }))[0]?.measures.m;
  assert.equal(await sum([1, 2, 3]), '18446744073709551609');
  assert.equal(await sum([1, 3]), '9223372036854775802');
  assert.equal(await sum([3]), -5);
  const measures = { m: { agg: 'sum', column: 'n' } };
  assert.equal((await ask({ measures, having: { m: { $gt: 1e19 } } })).length, 1);
  assert.equal((await ask({ ids: [1, 3], measures, having: { m: '9223372036854775802' } })).length, 1);
  assert.equal((await ask({ ids: [1, 3], measures, having: { m: '9223372036854775803' } })).length, 0);
});

test('what is no number is left out of sums, and a column of texts has none', async t => {
  const { value, writer } = await shop(t);
  writer.exec(`create table mixed (v); insert into mixed values (1), ('2'), (0.5), (x'33'), (null)`);
  const mixed = { target: 'mixed' };
  assert.equal(await value({ agg: 'sum', column: 'v' }, mixed), 1.5);
  assert.equal(await value({ agg: 'avg', column: 'v' }, mixed), 0.75);
  assert.equal(await value({ agg: 'percentile', column: 'v', p: 0.5 }, mixed), 0.75);
  assert.equal(await value({ agg: 'count', column: 'v' }, mixed), 4);
  for (const agg of ['sum', 'avg']) {
    await assert.rejects(
      value({ agg, column: 'status' }),
      /needs a column of numbers, and "status" has none/,
    );
  }
  await assert.rejects(value({ agg: 'percentile', column: 'status', p: 0.5 }), /"status" has none/);
});

test('values cross as those of rows do: binary, JSON, big integers, infinities', async t => {
  const { ask } = await shop(
    t,
    `create table orders (id integer primary key, v blob, j json, i integer, r real);
     insert into orders values (1, x'00ff', '{"a":[1]}', 9223372036854775807, 9e999)`,
  );
  const [bucket] = await ask({
    dimensions: [{ field: 'v' }, { field: 'j' }, { field: 'i' }, { field: 'r' }],
    measures: {
      least: { agg: 'min', column: 'v' },
      last: { agg: 'last', column: 'j' },
      top: { agg: 'top_k', column: 'i', k: 1 },
      sum: { agg: 'sum', column: 'r' },
      p: { agg: 'percentile', column: 'r', p: 0.5 },
    },
    changeTrackingColumn: 'id',
  });
  assert.deepEqual(bucket, {
    dims: { v: 'AP8=', j: { a: [1] }, i: '9223372036854775807', r: 'Infinity' },
    measures: {
      least: 'AP8=',
      last: { a: [1] },
      top: [{ value: '9223372036854775807', count: 1 }],
      sum: 'Infinity',
      p: 'Infinity',
    },
    count: 1,
  });
});

test('a join keeps every row once, and one by a column that does not tell rows apart is refused', async t => {
  const { ask } = await shop(t);
  const joined = (foreign: string, field = 'city', target = 'customers') => ({
    dimensions: [{ field, from: 'c' }],
    joins: [{ target, alias: 'c', kind: 'left', on: { local: 'customer', foreign } }],
  });
  assert.deepEqual(
    (await ask(joined('id'))).map(({ dims, count }) => [dims.city, count]),
    [
      ['Oslo', 1],
      ['Rome', 1],
      [null, 2],
    ],
  );
  await assert.rejects(
    ask(joined('code')),
    /"customers" has several rows for one value of the joined column/,
  );
  await assert.rejects(ask(joined('nr')), /there is no column "nr" in "customers"/);
  await assert.rejects(ask(joined('id', 'town')), /there is no column "town" in "customers"/);
  await assert.rejects(ask(joined('id', 'city', 'clients')), /there is no table or view "clients"/);
  // Not read from, so nothing of it is looked at but its names.
  assert.equal((await ask({ ...joined('code'), dimensions: [] }))[0]?.count, 4);
});

test('a table may have the name of a part of the statement, and columns those of its columns', async t => {
  const { ask } = await shop(
    t,
    `create table semilayer_rows (d0 integer primary key, n integer, g integer, m0_0 integer, k0 integer);
     create table semilayer_buckets (id integer primary key, f text, v text);
     create view semilayer_joined as select * from semilayer_rows;
     insert into semilayer_rows values (1, 2, 3, 4, 1), (2, 2, 3, 4, 1);
     insert into semilayer_buckets values (1, 'x', 'y');`,
  );
  for (const target of ['semilayer_rows', 'semilayer_joined']) {
    assert.deepEqual(
      await ask({
        target,
        dimensions: [{ field: 'n' }, { field: 'f', from: 'b' }],
        measures: { g: { agg: 'sum', column: 'd0' }, v: { agg: 'top_k', column: 'g', k: 1 } },
        where: { d0: { $gt: 0 }, m0_0: 4, g: 3 },
        joins: [{ target: 'semilayer_buckets', alias: 'b', on: { local: 'k0', foreign: 'id' } }],
      }),
      [{ dims: { n: 2, f: 'x' }, measures: { g: 3, v: [{ value: 3, count: 2 }] }, count: 2 }],
    );
  }
});

test('an unknown table or column is named, wherever it stands', async t => {
  const { ask } = await shop(t);
  const column = /there is no column "stauts" in "orders"/;
  const measure = (given: object) => ({ measures: { m: given } });
  await assert.rejects(ask({ target: 'ordres' }), /there is no table or view "ordres"/);
  for (const options of [
    { where: { stauts: 1 } },
    { dimensions: [{ field: 'stauts' }] },
    measure({ agg: 'count', column: 'stauts' }),
    measure({ agg: 'top_k', column: 'stauts', k: 1 }),
    measure({ agg: 'count', where: { stauts: null } }),
    { changeTrackingColumn: 'stauts' },
    { joins: [{ target: 'customers', alias: 'c', on: { local: 'stauts', foreign: 'id' } }] },
  ]) {
    await assert.rejects(ask(options), column, JSON.stringify(options));
  }
});

test('what SQLite cannot do is refused by name, and declared so', async t => {
  const { ask, bridge } = await shop(t);
  const point = { field: 'id', bucket: { type: 'geohash', precision: 5 } };
  const cases: [Record<string, unknown>, string][] = [
    [{ measures: { m: { agg: 'rate' } } }, 'rate'],
    [{ dimensions: [point] }, 'geohash'],
    [{ dimensions: [{ field: 'id', bucket: { type: 'h3', resolution: 5 } }] }, 'h3'],
    [{ dimensions: [{ field: 'id', bucket: { type: 'semantic', clusters: 5 } }] }, 'semantic'],
    [{ sample: 0.5 }, 'sample'],
    [{ measures: { m: { agg: 'median', column: 'id' } } }, 'median'],
    [{ where: { id: { $near: 1 } } }, '$near'],
  ];
  for (const [options, op] of cases) {
    await assert.rejects(ask(options), (error: unknown) => {
      assert.ok(error instanceof UnsupportedOperatorError, String(error));
      assert.deepEqual([error.op, error.target, error.bridge], [op, 'orders', '@semilayer/bridge-sqlite']);
      return true;
    });
  }
  const { writer, ask: keyless } = await shop(t, 'create table orders (a, b, primary key (a, b))');
  writer.exec('insert into orders values (1, 1)');
  await assert.rejects(keyless({ ids: [1] }), UnsupportedOperatorError);
  const can = bridge.aggregateCapabilities();
  assert.deepEqual(
    [can.supports, can.timeBucket, can.percentile, can.geoBucket, can.sampling, can.joins],
    [true, true, 'exact', false, false, true],
  );
});

test('an aborted question ends, and so does one whose caller leaves early', async t => {
  const { bridge, writer } = await shop(t);
  writer.exec(`with recursive counted (n) as (select 5 union all select n + 1 from counted where n < 5000)
    insert into orders (id, status) select n, 'status ' || n from counted`);
  const abort = new AbortController();
  const buckets = bridge.aggregate(
    { target: 'orders', dimensions: [{ field: 'id' }] },
    { signal: abort.signal },
  );
  await buckets.next();
  abort.abort(new Error('the caller left'));
  await assert.rejects(collect(buckets), /the caller left/);
  for await (const bucket of bridge.aggregate({ target: 'orders', dimensions: [{ field: 'id' }] })) {
    assert.equal(bucket.count, 1);
    break;
  }
  // Nothing of it holds the file.
  writer.exec('delete from orders');
});
