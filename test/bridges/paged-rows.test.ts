import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Bridge, QueryOptions, Row } from '../../src/bridges/bridge.ts';
import { collectRows, streamRows } from '../../src/bridges/stream-rows.ts';

const never = new AbortController().signal;
const SCHEMA = {
  name: 'data',
  columns: [
    { name: 'id', type: 'int', nullable: false, primaryKey: true },
    { name: 'part', type: 'int', nullable: false, primaryKey: true },
    { name: 'label', type: 'text', nullable: true, primaryKey: false },
  ],
};

/** A bridge on rows in memory, and what it was asked. */
function bridgeOn(count: number, methods: Partial<Bridge> = {}) {
  const rows = Array.from({ length: count }, (_, id) => ({ id, part: 0, label: 'x' }));
  const asked: { options: QueryOptions; rows: number }[] = [];
  const bridge = {
    async query(_target: string, options: QueryOptions) {
      const { offset = 0, limit = Number.POSITIVE_INFINITY } = options;
      const page = rows.slice(offset, offset + limit);
      asked.push({ options, rows: page.length });
      return { rows: page, total: count };
    },
    introspectTarget: async () => SCHEMA,
    ...methods,
  } as unknown as Bridge;
  return { bridge, asked };
}

async function all(bridge: Bridge, options: object): Promise<{ rows: Row[]; total?: number }> {
  return await collectRows(streamRows(bridge, 'query', 'data', { ...options }, never));
}

const byKey = [{ field: 'part' }, { field: 'id' }];

test('a large query is read by offset where its order tells any two rows apart', async () => {
  const { bridge, asked } = bridgeOn(25_000);
  const { rows, total } = await all(bridge, { orderBy: byKey, where: { part: 0 }, offset: 100 });
  assert.deepEqual([rows.length, rows[0]?.id, rows.at(-1)?.id, total], [24_900, 100, 24_999, 25_000]);
  assert.deepEqual(
    asked.map(({ options }) => [options.limit, options.offset]),
    [
      [10_000, 100],
      [10_000, 10_100],
      [10_000, 20_100],
    ],
  );
  assert.ok(asked.every(({ options }) => options.where !== undefined && options.orderBy === byKey));
  asked.length = 0;
  assert.equal((await all(bridge, { orderBy: byKey, limit: 12_000 })).rows.length, 12_000);
  assert.deepEqual(
    asked.map(({ options }) => options.limit),
    [10_000, 2_000],
  );
});

test('a query whose order leaves two rows equal, or that is small, is asked for whole', async () => {
  for (const options of [
    {},
    { orderBy: [{ field: 'id' }] },
    { orderBy: { field: 'label' } },
    { where: { part: 0 } },
  ]) {
    const { bridge, asked } = bridgeOn(20_000);
    assert.equal((await all(bridge, options)).rows.length, 20_000);
    assert.deepEqual(asked.at(-1), { options, rows: 20_000 });
  }
  const { bridge, asked } = bridgeOn(9_999);
  assert.equal((await all(bridge, { orderBy: byKey })).rows.length, 9_999);
  assert.equal(asked.length, 1);
  asked.length = 0;
  await all(bridge, { orderBy: byKey, limit: 5 });
  assert.deepEqual(asked[0]?.options, { orderBy: byKey, limit: 5 });
});

test('a bridge that takes no notice of the limit has given all there is; one that takes none of the offset is found out', async () => {
  const everything = Array.from({ length: 30_000 }, (_, id) => ({ id, part: 0 }));
  const unlimited = bridgeOn(0, { query: async () => ({ rows: everything }) });
  assert.equal((await all(unlimited.bridge, { orderBy: byKey })).rows.length, 30_000);
  const stuck = bridgeOn(0, { query: async () => ({ rows: everything.slice(0, 10_000) }) });
  await assert.rejects(all(stuck.bridge, { orderBy: byKey }), /same page again and again/);
});

test('cursors that go round are noticed, however long the round', async () => {
  for (const round of [1, 2, 3, 7, 50]) {
    let turn = 0;
    const bridge = {
      read: async () => ({ rows: [{ turn }], nextCursor: `c${turn++ % round}` }),
    } as unknown as Bridge;
    await assert.rejects(
      collectRows(streamRows(bridge, 'read', 'data', { limit: 1_000_000 }, never)),
      /again and again/,
    );
    assert.ok(turn < 4 * round + 4, `${turn} pages for a round of ${round}`);
  }
});

test('rows leave in pieces, and a cancelled job asks for no further page', async () => {
  const { bridge, asked } = bridgeOn(50_000);
  const cancel = new AbortController();
  const rows = streamRows(bridge, 'query', 'data', { orderBy: byKey }, cancel.signal);
  const sizes: number[] = [];
  for (let piece = 0; piece < 20; piece++) sizes.push(((await rows.next()).value as Row[]).length);
  assert.deepEqual([...new Set(sizes)], [500]);
  cancel.abort(new Error('cancelled'));
  await assert.rejects(rows.next(), /cancelled/);
  assert.equal(asked.length, 1);
});
