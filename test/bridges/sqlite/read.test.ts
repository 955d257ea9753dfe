import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { Row } from '../../../src/bridges/bridge.ts';
import type { SqliteBridge } from '../../../src/bridges/sqlite/sqlite-bridge.ts';
import { databaseWith, numbers } from './database.ts';

/** One table of each kind that tells its rows apart in another way, and a view that cannot. */
const TABLES: Record<string, string> = {
  'row id': 'create table data (v)',
  'integer primary key': 'create table data (id integer primary key, v)',
  'text primary key': 'create table data (k text primary key, v)',
  'composite key without row id':
    'create table data (a text, b integer, c text collate nocase, v, primary key (c desc, b, a)) without rowid',
  'untyped key without row id': 'create table data (k primary key, v) without rowid',
  'real key without row id': 'create table data (k real primary key, v) without rowid',
  'columns that hide the row id': 'create table data (rowid text, oid text, v)',
  'columns that hide every row id': 'create table data (rowid text, oid text, _rowid_ text, v)',
  view: 'create table under (v); create view data as select v from under',
};

/** Keys of every storage class; text before, between and after numbers read as text. */
const NUMBERS = ['-9e999', '-9223372036854775808', '-1', '0', '0.5', '9', '10', '9007199254740993', '9e999'];
const TEXTS = [
  "''",
  "'10'",
  "'5'",
  "'9'",
  "'A'",
  "'a b'",
  'char(0)',
  "'z' || char(0)",
  "cast(x'ff' as text)",
  "'😀'",
];
const BLOBS = ["x''", "x'00'", "x'61'", "x'ff00'"];
const KEYS = [...NUMBERS, ...TEXTS, ...BLOBS].map(key => `(${key})`).join(', ');

for (const [kind, schema] of Object.entries(TABLES)) {
  test(`pages of any size together are all rows once: ${kind}`, async t => {
    const { bridge, writer } = await databaseWith(t, schema);
    writer.exec(`create temp table keys (k); insert into keys values ${KEYS}`);
    const total = fill(
      kind,
      sql => writer.exec(sql),
      sql => Number(writer.prepare(sql).all([])[0]?.[0]),
    );
    const everything = (await bridge.query('data', {})).rows;
    assert.equal(everything.length, total);
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: 1, max: total + 2 }), async limit => {
        const pages = await allPages(bridge, limit);
        assert.deepEqual(sorted(pages.flat()), sorted(everything));
        for (const page of pages.slice(0, -1)) assert.equal(page.length, limit);
        assert.equal(pages.length, Math.max(1, Math.ceil(total / limit)));
      }),
      { numRuns: 12 },
    );
  });
}

test('a page ends with a cursor only when another row is there', async t => {
  const { bridge } = await databaseWith(t, numbers(10));
  assert.equal((await bridge.read('numbers', { limit: 10 })).nextCursor, undefined);
  assert.equal((await bridge.read('numbers', { limit: 11 })).nextCursor, undefined);
  assert.equal(typeof (await bridge.read('numbers', { limit: 9 })).nextCursor, 'string');
  const none = await bridge.read('numbers', { limit: 0 });
  assert.deepEqual(none.rows, []);
  assert.deepEqual(
    (await bridge.read('numbers', { limit: 2, cursor: none.nextCursor as string })).rows.map(row => row.id),
    [1, 2],
  );
});

test('a page is a thousand rows unless the caller says otherwise, and never counts the table', async t => {
  const { bridge } = await databaseWith(t, numbers(1_001));
  const first = await bridge.read('numbers', {});
  assert.equal(first.rows.length, 1_000);
  assert.equal('total' in first, false);
  const second = await bridge.read('numbers', { cursor: first.nextCursor as string });
  assert.deepEqual([second.rows.length, second.nextCursor], [1, undefined]);
});

test('rows written before the cursor, or deleted under it, shift no later page', async t => {
  const { bridge, writer } = await databaseWith(t, numbers(6));
  const first = await bridge.read('numbers', { limit: 3 });
  writer.exec("delete from numbers where id in (2, 3); insert into numbers values (0, 'late'), (7, 'later')");
  const second = await bridge.read('numbers', { limit: 10, cursor: first.nextCursor as string });
  assert.deepEqual(
    second.rows.map(row => row.id),
    [4, 5, 6, 7],
  );
});

test('fields alone cross, and the key stays hidden when it is not among them', async t => {
  const { bridge } = await databaseWith(t, numbers(3));
  const first = await bridge.read('numbers', { fields: ['label'], limit: 2 });
  assert.deepEqual(first.rows, [{ label: 'row 1' }, { label: 'row 2' }]);
  const second = await bridge.read('numbers', {
    fields: ['label'],
    limit: 2,
    cursor: first.nextCursor as string,
  });
  assert.deepEqual(second.rows, [{ label: 'row 3' }]);
});

test('changedSince gives the rows that changed later, through every page', async t => {
  const { bridge } = await databaseWith(
    t,
    `create table data (id integer primary key, changed text);
     insert into data values (1, '2026-01-03'), (2, '2026-01-01'), (3, null), (4, '2026-01-02'), (5, '2026-01-04')`,
  );
  const since = { changedSince: '2026-01-01', changeTrackingColumn: 'changed' };
  const pages = await allPages(bridge, 1, since);
  assert.deepEqual(
    pages.flat().map(row => row.id),
    [1, 4, 5],
  );
  await assert.rejects(bridge.read('data', { ...since, changeTrackingColumn: 'modified' }), /"modified"/);
});

test('a cursor that no page gave is refused without a look at the rows', async t => {
  const { bridge } = await databaseWith(t, `${numbers(3)}; create table other (id integer primary key)`);
  const { nextCursor } = await bridge.read('numbers', { limit: 1 });
  await assert.rejects(bridge.read('other', { cursor: nextCursor as string }), /cursor is not one/);
  const forged = [
    { t: 'numbers' },
    { t: 'numbers', o: -1 },
    { t: 'numbers', k: [] },
    { t: 'numbers', k: [['i', 'x']] },
  ];
  for (const cursor of [
    '',
    'x',
    '!!!',
    ...forged.map(one => Buffer.from(JSON.stringify(one)).toString('base64url')),
  ]) {
    await assert.rejects(
      bridge.read('numbers', { cursor }),
      /cursor is not one that a page of "numbers" gave/,
    );
  }
  await fc.assert(
    fc.asyncProperty(fc.jsonValue(), async body => {
      const cursor = Buffer.from(JSON.stringify({ t: 'numbers', k: body })).toString('base64url');
      await bridge.read('numbers', { cursor }).catch((error: unknown) => assert.ok(error instanceof Error));
    }),
  );
});

/** Fills the table with the keys it can hold, and says how many rows it got. */
function fill(kind: string, exec: (sql: string) => void, number: (sql: string) => number): number {
  const insert: Record<string, string> = {
    'row id': 'insert into data select k from keys',
    'integer primary key': 'insert into data select rowid * 3 - 20, k from keys',
    'text primary key': "insert or ignore into data select k, 'v' from keys where typeof(k) <> 'blob'",
    'composite key without row id':
      "insert or ignore into data select cast(a.k as text), b.rowid % 3, substr('AbCa', b.rowid, 1), 1 from keys a, keys b where b.rowid < 5",
    'untyped key without row id': "insert into data select k, 'v' from keys",
    'real key without row id': "insert or ignore into data select k, 'v' from keys",
    'columns that hide the row id': "insert into data select 'same', 'same', k from keys",
    'columns that hide every row id': "insert into data select 'same', 'same', 'same', k from keys",
    view: 'insert into under select k from keys',
  };
  exec(insert[kind] as string);
  return number('select count(*) from data');
}

async function allPages(bridge: SqliteBridge, limit: number, options: object = {}): Promise<Row[][]> {
  const pages: Row[][] = [];
  let cursor: string | undefined;
  do {
    const page = await bridge.read('data', {
      ...options,
      limit,
      ...(cursor === undefined ? {} : { cursor }),
    });
    pages.push(page.rows);
    cursor = page.nextCursor;
  } while (cursor !== undefined && pages.length < 500);
  return pages;
}

function sorted(rows: Row[]): string[] {
  return rows.map(row => JSON.stringify(row)).sort();
}
