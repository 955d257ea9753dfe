import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { Row } from '../../../src/bridges/bridge.ts';
import type { MysqlBridge } from '../../../src/bridges/mysql/mysql-bridge.ts';
import { databaseWith, numbers } from './fixture.ts';

/** One table of each kind that tells its rows apart in another way, some that cannot, and keys to fill it with. */
const TABLES: Record<string, { columns: string; keys: string[] }> = {
  'integers beyond 2^53': {
    columns: 'k bigint, primary key (k)',
    keys: ['-9223372036854775808', '-1', '0', '9007199254740993', '9223372036854775807'],
  },
  'unsigned, padded': { columns: 'k int(8) zerofill, primary key (k)', keys: ['0', '9', '10', '4294967295'] },
  decimals: {
    columns: 'k decimal(30,10), primary key (k)',
    keys: ['-1.5', '0', '0.0000000001', '12345678901234567890.1'],
  },
  floats: {
    columns: 'k float, primary key (k)',
    keys: ['-0.1', '0.1', '16777216', '16777214', '3.4e38', '1e-40'],
  },
  doubles: {
    columns: 'k double, primary key (k)',
    keys: ['-0.1', '0.1', '0.30000000000000004', '0.3', '1e300', '5e-324'],
  },
  'texts whose collation holds much for equal': {
    columns: 'k varchar(20) character set utf8mb4 collate utf8mb4_unicode_ci, primary key (k)',
    keys: ["''", "'a'", "'B'", "'é😀'", "'z\\0'", "'ß'", "'%'", "'\\\\'", "'\"'"],
  },
  'texts by their bytes': {
    columns: 'k varchar(20) character set utf8mb4 collate utf8mb4_bin, primary key (k)',
    keys: ["''", "'a'", "'A'", "'é'", "'É'", "'😀'"],
  },
  'texts in Latin-1': {
    columns: 'k varchar(20) character set latin1 collate latin1_german2_ci, primary key (k)',
    keys: ["'a'", "'b'", "'é'", "'ü'", "'€'"],
  },
  'a prefix of a text': {
    columns: 'k varchar(200) not null, primary key (k(3))',
    keys: ["'abc1'", "'abd'", "'b'", "''"],
  },
  binary: { columns: 'k varbinary(20), primary key (k)', keys: ["''", "X'00'", "X'0000'", "X'61'", "X'ff'"] },
  'padded binary': { columns: 'k binary(4), primary key (k)', keys: ["''", "X'00000001'", "X'ffffffff'"] },
  'dates, zero too': {
    columns: 'k date, primary key (k)',
    keys: ["'0000-00-00'", "'1000-01-01'", "'2026-01-31'", "'9999-12-31'"],
  },
  instants: {
    columns: 'k timestamp(6) not null default 0, primary key (k)',
    keys: ["'2026-01-31 10:00:00'", "'2026-01-31 10:00:00.000001'", "'2038-01-01'"],
  },
  'local times': {
    columns: 'k datetime(3), primary key (k)',
    keys: ["'0000-00-00'", "'2026-01-31 10:00:00.5'", "'2026-01-31 10:00:00'"],
  },
  'times of day': {
    columns: 'k time(1), primary key (k)',
    keys: ["'-838:59:59'", "'-00:00:00.5'", "'00:00:00'", "'100:00:00.5'"],
  },
  years: { columns: 'k year, primary key (k)', keys: ['0', '1901', '2026', '2155'] },
  bits: { columns: 'k bit(10), primary key (k)', keys: ['0', '1', '513', '1023'] },
  'an enumeration, sorted by position': {
    columns: "k enum('z','a','m'), primary key (k)",
    keys: ["'z'", "'a'", "'m'"],
  },
  'a set': { columns: "k set('b','a'), primary key (k)", keys: ["''", "'a'", "'b'", "'a,b'"] },
  composite: {
    columns: "k varchar(10) collate utf8mb4_general_ci, b bigint, c enum('y','x'), primary key (c, k, b)",
    keys: [
      "'a', 1, 'y'",
      "'A', 2, 'y'",
      "'a', 3, 'x'",
      "'á', 0, 'x'",
      "'b', -1, 'x'",
      "'', 9223372036854775807, 'y'",
    ],
  },
  'a unique key in place of a primary one': {
    columns: 'k varchar(20) not null, n int null, unique key (n), unique key u (k)',
    keys: ["'a', 1", "'b', null", "'c', null"],
  },
  'no key, rows that are twins': { columns: 'k int null, unique key (k)', keys: ['1', 'null', 'null', '2'] },
};

for (const [kind, { columns, keys }] of Object.entries(TABLES)) {
  test(`pages of any size together are all rows once: ${kind}`, async t => {
    const fixture = await databaseWith(t, `create table data (${columns}, v int)`);
    if (!fixture) return;
    const { bridge, writer } = fixture;
    for (const [index, key] of keys.entries())
      await writer.query(`insert into data values (${key}, ${index})`);
    const everything = (await bridge.query('data', {})).rows;
    assert.equal(everything.length, keys.length);
    for (let limit = 1; limit <= keys.length + 1; limit++) {
      const pages = await allPages(bridge, limit);
      assert.deepEqual(sorted(pages.flat()), sorted(everything), `${limit} rows a page`);
      for (const page of pages.slice(0, -1)) assert.equal(page.length, limit);
      assert.equal(pages.length, Math.ceil(keys.length / limit));
    }
  });
}

test('views are paged by position, in one order', async t => {
  const fixture = await databaseWith(
    t,
    `${numbers(25)} create view odd as select label, id % 2 as rest from numbers;`,
  );
  if (!fixture) return;
  const pages = await allPages(fixture.bridge, 7, 'odd');
  assert.deepEqual(
    pages.map(page => page.length),
    [7, 7, 7, 4],
  );
  assert.equal(new Set(pages.flat().map(row => row.label)).size, 25);
});

test('the rows of a page come from the key, however far it is into the table', async t => {
  const fixture = await databaseWith(
    t,
    `${numbers(20_000)} create table pairs (a varchar(20) collate utf8mb4_unicode_ci, b int, v int, primary key (a, b));
     insert into pairs select concat('Group ', id div 100), id, id from numbers;`,
  );
  if (!fixture) return;
  const { bridge, sql } = fixture;
  await sql('analyze table pairs');
  const first = await bridge.read('pairs', { limit: 15_000 });
  const touched = async (): Promise<number> => {
    const rows = await sql("show global status like 'Handler_read_next'");
    return Number(rows[0]?.Value);
  };
  const before = await touched();
  assert.equal(
    (await bridge.read('pairs', { limit: 10, cursor: first.nextCursor as string })).rows.length,
    10,
  );
  const read = (await touched()) - before;
  assert.ok(read < 1_000, `${read} rows for a page of ten`);
});

test('a page ends with a cursor only when another row is there, and never counts the table', async t => {
  const fixture = await databaseWith(t, numbers(1_001));
  if (!fixture) return;
  const { bridge } = fixture;
  assert.equal((await bridge.read('numbers', { limit: 1_001 })).nextCursor, undefined);
  assert.equal((await bridge.read('numbers', { limit: 1_002 })).nextCursor, undefined);
  const first = await bridge.read('numbers');
  assert.equal(first.rows.length, 1_000);
  assert.equal('total' in first, false);
  const second = await bridge.read('numbers', { cursor: first.nextCursor as string });
  assert.deepEqual([second.rows.length, second.nextCursor], [1, undefined]);
  const none = await bridge.read('numbers', { limit: 0 });
  assert.deepEqual(none.rows, []);
  const { rows } = await bridge.read('numbers', { limit: 2, cursor: none.nextCursor as string });
  assert.deepEqual(
    rows.map(row => row.id),
    [1, 2],
  );
});

test('rows written before the cursor, or deleted under it, shift no later page', async t => {
  const fixture = await databaseWith(t, numbers(6));
  if (!fixture) return;
  const { bridge, writer } = fixture;
  const first = await bridge.read('numbers', { limit: 3, fields: ['label'] });
  assert.deepEqual(first.rows, [{ label: 'row 1' }, { label: 'row 2' }, { label: 'row 3' }]);
  await writer.query(
    "delete from numbers where id in (2, 3); insert into numbers values (0, 'late'), (7, 'later')",
  );
  const second = await bridge.read('numbers', { limit: 10, cursor: first.nextCursor as string });
  assert.deepEqual(
    second.rows.map(row => row.id),
    [4, 5, 6, 7],
  );
});

test('changedSince gives the rows that changed later, through every page, in every form of an instant', async t => {
  const fixture = await databaseWith(
    t,
    `create table data (id int primary key, changed timestamp(3) null, local datetime null, version bigint);
     insert into data values (1, '2026-01-03', '2026-01-03', 3), (2, '2026-01-01', '2026-01-01', 1), (3, null, null, null),
       (4, '2026-01-01 00:00:00.001', '2026-01-01 00:00:01', 2)`,
  );
  if (!fixture) return;
  const instant = Date.parse('2026-01-01T00:00:00Z');
  for (const since of [
    { changedSince: '2026-01-01T00:00:00.000Z', changeTrackingColumn: 'changed' },
    { changedSince: '2026-01-01T01:00:00+01:00', changeTrackingColumn: 'changed' },
    { changedSince: instant, changeTrackingColumn: 'changed' },
    { changedSince: '2026-01-01', changeTrackingColumn: 'local' },
    { changedSince: 1, changeTrackingColumn: 'version' },
    { changedSince: '1', changeTrackingColumn: 'version' },
  ]) {
    const pages = await allPages(fixture.bridge, 1, 'data', since);
    assert.deepEqual(
      pages.flat().map(row => row.id),
      [1, 4],
      JSON.stringify(since),
    );
  }
  const unknown = { changedSince: 1, changeTrackingColumn: 'modified' };
  await assert.rejects(fixture.bridge.read('data', unknown), /there is no column "modified"/);
  const nonsense = { changedSince: 'lately', changeTrackingColumn: 'changed' };
  await assert.rejects(fixture.bridge.read('data', nonsense), /"changed" is timestamp\(3\)/);
});

test('a cursor is of one table and its key, and nothing that was written into it runs', async t => {
  const fixture = await databaseWith(
    t,
    `${numbers(5)} create table other like numbers; create table f (k double primary key);`,
  );
  if (!fixture) return;
  const { bridge } = fixture;
  const { nextCursor } = await bridge.read('numbers', { limit: 2 });
  await assert.rejects(
    bridge.read('other', { cursor: nextCursor as string }),
    /not one that a page of "other" gave/,
  );
  const forged = (table: string, column: string, value: string): string =>
    Buffer.from(
      JSON.stringify({ t: table, c: [column], k: [Buffer.from(value).toString('base64')] }),
    ).toString('base64url');
  for (const value of ['1 or 1=1', "1'", '', '1; drop table numbers', '0x1', '1e']) {
    await assert.rejects(bridge.read('numbers', { cursor: forged('numbers', 'id', value) }), /cursor/, value);
    await assert.rejects(bridge.read('f', { cursor: forged('f', 'k', value) }), /cursor/, value);
  }
  await fc.assert(
    fc.asyncProperty(
      fc.oneof(
        fc.base64String(),
        fc.json().map(text => Buffer.from(text).toString('base64url')),
      ),
      async cursor => {
        await assert.rejects(bridge.read('numbers', { cursor }), /cursor/);
      },
    ),
    { numRuns: 50 },
  );
  assert.equal(await bridge.count('numbers', {}), 5);
});

async function allPages(
  bridge: MysqlBridge,
  limit: number,
  target = 'data',
  options: Record<string, string | number> = {},
): Promise<Row[][]> {
  const pages: Row[][] = [];
  let cursor: string | undefined;
  do {
    const page = await bridge.read(target, {
      ...options,
      limit,
      ...(cursor === undefined ? {} : { cursor }),
    });
    pages.push(page.rows);
    cursor = page.nextCursor;
  } while (cursor !== undefined && pages.length < 1_000);
  return pages;
}

function sorted(rows: Row[]): string[] {
  return rows.map(row => JSON.stringify(row)).sort();
}
