import assert from 'node:assert/strict';
import { test } from 'node:test';
import { PostgresBridge } from '../../../src/bridges/postgres/postgres-bridge.ts';
import { connectTo, postgresServer } from '../../support/postgres-server.ts';
import { collect } from '../aggregate/compare-buckets.ts';

const SCHEMA = `
  create table data (
    id int primary key, big bigint, small smallint, exact numeric, single real, double float8, yes boolean,
    key uuid, day date, local timestamp, instant timestamptz, tags int[], doc jsonb, bytes bytea
  );
  insert into data values
    (1, 9223372036854775807, 1, 0.10, 0.3, 0.3, true, '00000000-0000-0000-0000-000000000001', '2024-02-29',
      '2024-12-31 23:59:59.999999', '2024-12-31 23:59:59.999999-02', '{1,2}', '{"a":1}', '\\x00ff'),
    (2, 9223372036854775807, 2, 0.20, 0.7, 'NaN', false, '00000000-0000-0000-0000-000000000002', 'infinity',
      '0044-03-15 12:00 BC', 'infinity', '{3}', '{"a":2}', '\\x01'),
    (3, null, null, null, null, 'Infinity', null, null, null, null, null, null, null, null);`;

async function open(t: Parameters<typeof postgresServer>[0]) {
  const server = await postgresServer(t);
  if (!server) return undefined;
  const writer = await connectTo(t, server.url);
  await writer.query(SCHEMA);
  const bridge = new PostgresBridge({ url: server.url });
  await bridge.connect();
  t.after(() => bridge.disconnect());
  const ask = async (options: Record<string, unknown>) =>
    await collect(bridge.aggregate({ target: 'data', ...options }));
  return {
    bridge,
    writer,
    ask,
    measures: async (measures: object) => (await ask({ measures, changeTrackingColumn: 'id' }))[0]?.measures,
    dims: async (field: string, bucket?: unknown) =>
      (await ask({ dimensions: [{ field, bucket }] })).map(({ dims }) => dims[field]),
  };
}

test('sums are exact: of integers a number while it is safe, of decimals a string', async t => {
  const source = await open(t);
  assert.deepEqual(
    await source?.measures({
      big: { agg: 'sum', column: 'big' },
      small: { agg: 'sum', column: 'small' },
      exact: { agg: 'sum', column: 'exact' },
      double: { agg: 'sum', column: 'double' },
      avg: { agg: 'avg', column: 'exact' },
      p: { agg: 'percentile', column: 'exact', p: 0.5 },
      n: { agg: 'count', column: 'big' },
    }),
    source && {
      big: '18446744073709551614',
      small: 3,
      exact: '0.30',
      double: 'NaN',
      avg: 0.15,
      p: 0.15000000000000002,
      n: 2,
    },
  );
});

test('least, greatest, first, last and most frequent values cross as those of rows do, of every type', async t => {
  const source = await open(t);
  if (!source) return;
  const columns = ['big', 'exact', 'yes', 'key', 'day', 'instant', 'doc', 'bytes'];
  const { rows } = await source.bridge.query('data', { select: columns, orderBy: [{ field: 'id' }] });
  const [first, second] = rows as [Record<string, unknown>, Record<string, unknown>];
  for (const column of columns) {
    const falls = column === 'yes';
    assert.deepEqual(
      await source.measures({
        least: { agg: 'min', column },
        greatest: { agg: 'max', column },
        first: { agg: 'first', column },
        last: { agg: 'last', column },
        top: { agg: 'top_k', column, k: 1 },
      }),
      {
        least: falls ? second[column] : first[column],
        greatest: falls ? first[column] : second[column],
        first: first[column],
        last: null,
        top: [{ value: falls ? second[column] : first[column], count: column === 'big' ? 2 : 1 }],
      },
      column,
    );
  }
  assert.deepEqual(await source.measures({ m: { agg: 'max', column: 'tags' } }), { m: [3] });
  await assert.rejects(
    source.measures({ m: { agg: 'first', column: 'tags' } }),
    /column of arrays, as "tags"/,
  );
});

test('time buckets are of the type of their column', async t => {
  const source = await open(t);
  if (!source) return;
  assert.deepEqual(await source.dims('day', 'quarter'), ['2024-01-01', 'infinity', null]);
  assert.deepEqual(await source.dims('local', 'year'), [
    '-000043-01-01T00:00:00',
    '2024-01-01T00:00:00',
    null,
  ]);
  assert.deepEqual(await source.dims('instant', 'month'), ['2025-01-01T00:00:00Z', 'infinity', null]);
  assert.deepEqual(await source.dims('instant', 'week'), ['2024-12-30T00:00:00Z', 'infinity', null]);
});

test('numbers fall into steps and breaks as decimals; what is no number into the bucket null', async t => {
  const source = await open(t);
  if (!source) return;
  assert.deepEqual(await source.dims('double', { type: 'numeric', step: 0.1 }), [0.3, null]);
  assert.deepEqual(await source.dims('single', { type: 'numeric', step: 0.1 }), [0.3, 0.7, null]);
  assert.deepEqual(await source.dims('exact', { type: 'numeric', step: 0.1 }), [0.1, 0.2, null]);
  assert.deepEqual(await source.dims('big', { type: 'numeric', step: 10 }), [9223372036854776000, null]);
  assert.deepEqual(await source.dims('double', { type: 'numeric', breaks: [0, 1] }), [0, 1, null]);
});

test('having compares what was computed as the numbers and values that it is', async t => {
  const source = await open(t);
  if (!source) return;
  const measures = {
    big: { agg: 'sum', column: 'big' },
    avg: { agg: 'avg', column: 'exact' },
    day: { agg: 'min', column: 'day' },
  };
  const found = async (having: object) => (await source.ask({ measures, having })).length;
  assert.equal(await found({ big: '18446744073709551614' }), 1);
  assert.equal(await found({ big: { $gt: '18446744073709551614' } }), 0);
  assert.equal(await found({ avg: { $gt: 0.149, $lt: 0.151 }, count: { $in: [3, 4.5, null] } }), 1);
  assert.equal(await found({ day: '2024-02-29' }), 1);
  assert.equal(await found({ $not: { day: { $lt: '2024-03-01' } } }), 0);
});

test('a join by a column that does not tell rows apart is refused; an unknown column is named', async t => {
  const source = await open(t);
  if (!source) return;
  await source.writer.query(
    `create table "se""ts" (code int, name text); insert into "se""ts" values (1, 'a'), (1, 'b')`,
  );
  const options = (field: string) => ({
    dimensions: [{ field, from: 's' }],
    joins: [{ target: 'se"ts', alias: 's', on: { local: 'id', foreign: 'code' } }],
  });
  await assert.rejects(source.ask(options('name')), /"se\\"ts" has several rows for one value/);
  await assert.rejects(source.ask(options('nr')), /there is no column "nr"/);
  await assert.rejects(source.ask({ target: 'nowhere' }), /there is no table or view "nowhere"/);
});

test('an aggregate that is cancelled is gone from the server, and leaves the connection usable', async t => {
  const source = await open(t);
  if (!source) return;
  await source.writer.query('create view slow as select id, pg_sleep(60)::text as nap from data');
  const abort = new AbortController();
  const question = collect(
    source.bridge.aggregate(
      { target: 'slow', measures: { m: { agg: 'max', column: 'nap' } } },
      { signal: abort.signal },
    ),
  );
  const running = `select 1 from pg_stat_activity where query like '%semilayer_buckets%' and state = 'active' and pid <> pg_backend_pid()`;
  while ((await source.writer.query(running)).rowCount === 0);
  abort.abort(new Error('nobody waits'));
  await assert.rejects(question, /nobody waits/);
  const since = performance.now();
  while ((await source.writer.query(running)).rowCount !== 0) assert.ok(performance.now() - since < 1_000);
  assert.equal((await source.ask({}))[0]?.count, 3);
});
