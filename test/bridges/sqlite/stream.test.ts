import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { RowLines } from '../../../src/bridges/bridge.ts';
import { rowsOf } from '../../../src/bridges/stream-rows.ts';
import { openSqlite } from '../../../src/platform/sqlite.ts';
import { databaseWith, drained, numbers } from './database.ts';

const never = new AbortController().signal;

test('batches are lines of JSON that start small and double up to 64 KiB', async t => {
  const { bridge } = await databaseWith(t, numbers(20_000));
  const sizes: number[] = [];
  let rows = 0;
  for await (const batch of bridge.stream('query', 'numbers', {}, never)) {
    assert.ok('lines' in batch);
    sizes.push(batch.lines.length);
    const lines = batch.lines.toString().split('\n');
    assert.equal(lines.pop(), '');
    assert.equal(lines.length, batch.count);
    for (const line of lines) assert.equal(line, `{"id":${++rows},"label":"row ${rows}"}`);
  }
  assert.equal(rows, 20_000);
  // A slow machine sends less at once, for a batch leaves after 50 ms: none of them sends more.
  for (const [index, size] of sizes.entries()) {
    const target = Math.min(4_096 * 2 ** index, 65_536);
    assert.ok(size < target + 100, `batch ${index} of ${size} bytes`);
  }
});

test('a batch of wide rows ends at its bytes, whatever its number of rows', async t => {
  const { bridge } = await databaseWith(
    t,
    `${numbers(40)} update numbers set label = hex(zeroblob(10000)) where id <= 20;`,
  );
  const { sizes } = await drained(bridge.stream('query', 'numbers', {}, never));
  assert.deepEqual(sizes.slice(0, 6), [1, 1, 1, 2, 4, 4]);
  assert.equal(
    sizes.reduce((sum, size) => sum + size, 0),
    40,
  );
});

test('other work has its turn between two batches', async t => {
  const { bridge } = await databaseWith(t, numbers(5_000));
  let turns = 0;
  let open = true;
  const count = (): void => {
    turns++;
    if (open) setImmediate(count);
  };
  setImmediate(count);
  const { sizes } = await drained(bridge.stream('query', 'numbers', {}, never));
  open = false;
  assert.ok(turns >= sizes.length - 1, `${turns} turns for ${sizes.length} batches`);
});

test('a cancelled stream stops with the reason at its next batch', async t => {
  const { bridge } = await databaseWith(t, numbers(5_000));
  const cancel = new AbortController();
  const reason = new Error('cancelled by the caller');
  const stream = bridge.stream('query', 'numbers', {}, cancel.signal);
  assert.equal((await stream.next()).done, false);
  cancel.abort(reason);
  await assert.rejects(stream.next(), error => error === reason);
  assert.deepEqual(await stream.next(), { done: true, value: undefined });
  const late = new AbortController();
  late.abort(reason);
  await assert.rejects(bridge.stream('read', 'numbers', {}, late.signal).next(), error => error === reason);
});

test('however a read ends, the customer can write at once', async t => {
  const { bridge, writer } = await databaseWith(t, numbers(2_000));
  const write = (): void => writer.exec("update numbers set label = 'changed' where id = 1");
  const cancel = new AbortController();
  const begin = async (signal = never): Promise<ReturnType<typeof bridge.stream>> => {
    const stream = bridge.stream('query', 'numbers', {}, signal);
    await stream.next();
    assert.throws(write, { code: 'SQLITE_BUSY' });
    return stream;
  };

  const left = await begin();
  await left.return(undefined);
  write();

  const cancelled = await begin(cancel.signal);
  cancel.abort(new Error('cancelled'));
  await assert.rejects(cancelled.next());
  write();

  await drained(await begin());
  write();

  // One row more than the page is read: pages of 99 end where the driver's own read-ahead of 100 does.
  for (const limit of [1, 98, 99, 100, 199, 1_999, 2_000]) {
    assert.equal((await bridge.read('numbers', { limit })).rows.length, limit);
    write();
    assert.equal((await bridge.query('numbers', { limit })).rows.length, limit);
    write();
  }
  await bridge.count('numbers', {});
  await bridge.introspectTarget('numbers');
  await bridge.listTargets();
  write();
});

test('streams beside each other are apart: one that is cancelled disturbs no other', async t => {
  const { bridge } = await databaseWith(t, numbers(3_000));
  const streams = Array.from({ length: 8 }, () =>
    bridge.stream('query', 'numbers', { orderBy: [{ field: 'id' }] }, never),
  );
  const seen = streams.map(() => 0);
  for (let step = 0; step < 4; step++) {
    for (const [index, stream] of streams.entries()) {
      const next = await stream.next();
      for (const row of rowsOf(next.value as RowLines)) {
        seen[index] = (seen[index] as number) + 1;
        assert.equal(row.id, seen[index]);
      }
    }
  }
  for (const stream of streams.filter((_, index) => index % 2 === 0)) await stream.return(undefined);
  for (const [index, stream] of streams.entries()) {
    const rest = (await drained(stream)).sizes.reduce((sum, size) => sum + size, 0);
    assert.equal(rest, index % 2 === 0 ? 0 : 3_000 - (seen[index] as number));
  }
});

test('a stream shows one state of the database, though it changes underneath', async t => {
  const { bridge, writer } = await databaseWith(t, `pragma journal_mode = wal; ${numbers(2_000)}`);
  const stream = bridge.stream('query', 'numbers', {}, never);
  const first = rowsOf((await stream.next()).value as RowLines);
  writer.exec("delete from numbers where id > 1000; insert into numbers values (9000, 'new')");
  const rest = await drained(stream);
  assert.equal(
    rest.sizes.reduce((sum, size) => sum + size, first.length),
    2_000,
  );
  assert.equal(await bridge.count('numbers', {}), 1_001);
});

test('an iterator of the driver that is left early gives its lock back, read-ahead or not', async t => {
  const { file, writer } = await databaseWith(t, numbers(300));
  for (const taken of [0, 1, 99, 100, 101, 200, 299, 300]) {
    const reader = await openSqlite(file, { readOnly: true });
    const rows = reader.prepare('select id from numbers').iterate([]);
    for (let row = 0; row < taken; row++) assert.deepEqual(rows.next().value, [BigInt(row + 1)]);
    rows.return?.();
    writer.exec("update numbers set label = 'x' where id = 1");
    assert.deepEqual(reader.prepare('select count(*) from numbers').all([]), [[300n]]);
    reader.close();
  }
});
