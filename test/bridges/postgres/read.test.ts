import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { Row } from '../../../src/bridges/bridge.ts';
import type { PostgresBridge } from '../../../src/bridges/postgres/postgres-bridge.ts';
import { formatTargetName, parseTargetName } from '../../../src/bridges/postgres/target-name.ts';
import { databaseWith } from './bridge.ts';

/** Every row of a target, page by page. */
async function pages(
  bridge: PostgresBridge,
  target: string,
  options: Record<string, unknown>,
): Promise<Row[]> {
  const rows: Row[] = [];
  let cursor: string | undefined;
  do {
    const page = await bridge.read(target, { ...options, ...(cursor === undefined ? {} : { cursor }) });
    rows.push(...page.rows);
    cursor = page.nextCursor;
  } while (cursor !== undefined);
  return rows;
}

const TABLES = `
  create table by_int (id int primary key, label text);
  insert into by_int select i, 'r' || i from generate_series(1, 25) i;
  create table by_text (code text primary key);
  insert into by_text select chr(64 + i) || '"''\\' || i from generate_series(1, 25) i;
  create table by_uuid (id uuid primary key);
  insert into by_uuid select md5(i::text)::uuid from generate_series(1, 25) i;
  create table by_two (region text, n bigint, note text, primary key (n, region));
  insert into by_two select chr(65 + i % 3), i / 3, 'x' from generate_series(1, 25) i;
  create table by_time (at timestamptz primary key);
  insert into by_time select '2024-01-01'::timestamptz + i * interval '1 hour 0.000001 second' from generate_series(1, 25) i;
  create table by_float (x double precision primary key);
  insert into by_float select i / 7.0 from generate_series(1, 25) i;
  create table by_unique (a int not null, b text, unique (a) include (b));
  insert into by_unique select i, null from generate_series(1, 25) i;
  create table keyless (a int, doc json, place point);
  insert into keyless select i % 5, json_build_object('i', i), point(i, i) from generate_series(1, 25) i;
  create view seen as select id, label from by_int;
  create materialized view frozen as select id from by_int;
  create table parted (id int primary key, x int) partition by range (id);
  create table parted_1 partition of parted for values from (0) to (10);
  create table parted_2 partition of parted for values from (10) to (100);
  insert into parted select i, i from generate_series(1, 25) i;
  create schema "Odd.Schema";
  create table "Odd.Schema"."We ird""Table" ("Sel ect" int primary key, "a.b" text, "__proto__" text);
  insert into "Odd.Schema"."We ird""Table" values (1, 'x', 'y');
  create table "dotted.name" (id int);
  create table public."UPPER" (id int);
  create schema secret; create table secret.hidden (id int);
  analyze by_int;`;

test('pages follow any key to the end, without overlap or loss', async t => {
  const fixture = await databaseWith(t, TABLES);
  if (!fixture) return;
  const { bridge } = fixture;
  for (const target of [
    'by_int',
    'by_text',
    'by_uuid',
    'by_two',
    'by_time',
    'by_float',
    'by_unique',
    'keyless',
    'seen',
    'frozen',
    'parted',
  ]) {
    const whole = (await bridge.query(target)).rows.map(row => JSON.stringify(row)).sort();
    assert.equal(whole.length, 25, target);
    for (const limit of [1, 7, 24, 25, 26]) {
      const paged = (await pages(bridge, target, { limit })).map(row => JSON.stringify(row));
      assert.deepEqual(paged.toSorted(), whole, `${target} by ${limit}`);
    }
  }
  const { rows } = await bridge.read('by_two', { limit: 3, fields: ['note'] });
  assert.deepEqual(rows, [{ note: 'x' }, { note: 'x' }, { note: 'x' }]);
  assert.equal((await pages(bridge, 'by_two', { limit: 4, fields: ['region'] })).length, 25);
});

test('a page begins after the key even when rows come and go in between', async t => {
  const fixture = await databaseWith(t, TABLES);
  if (!fixture) return;
  const { bridge, owner } = fixture;
  const first = await bridge.read('by_int', { limit: 5 });
  await owner.query('delete from by_int where id <= 5; insert into by_int values (0, $$new$$)');
  const second = await bridge.read('by_int', { limit: 5, cursor: first.nextCursor as string });
  assert.deepEqual(
    second.rows.map(row => row.id),
    [6, 7, 8, 9, 10],
  );
});

test('a cursor is of its table alone, and what is none is refused', async t => {
  const fixture = await databaseWith(t, TABLES);
  if (!fixture) return;
  const { bridge } = fixture;
  const { nextCursor } = await bridge.read('by_int', { limit: 1 });
  for (const cursor of [
    nextCursor as string,
    'nonsense',
    '',
    Buffer.from('{"t":"by_text","k":[1]}').toString('base64url'),
  ]) {
    await assert.rejects(bridge.read('by_text', { cursor }), /cursor/);
  }
});

test('changedSince takes an instant or a value, and only what is later', async t => {
  const fixture = await databaseWith(t, TABLES);
  if (!fixture) return;
  const { bridge } = fixture;
  const since = async (changedSince: string | number): Promise<number> =>
    (await bridge.read('by_time', { changedSince, changeTrackingColumn: 'at' })).rows.length;
  assert.equal(await since('2024-01-01T20:00:00.000020Z'), 5);
  assert.equal(await since(Date.UTC(2024, 0, 1, 20)), 6);
  assert.equal(
    (await bridge.read('by_int', { changedSince: 20, changeTrackingColumn: 'id' })).rows.length,
    5,
  );
  await assert.rejects(bridge.read('by_int', { changedSince: 1, changeTrackingColumn: 'nope' }), /"nope"/);
});

test('targets are listed as they can be asked for: tables, views, partitioned ones, other schemas', async t => {
  const fixture = await databaseWith(t, TABLES);
  if (!fixture) return;
  const { bridge } = fixture;
  const names = (await bridge.listTargets()).map(target => target.name);
  assert.deepEqual(names, [
    'UPPER',
    'by_float',
    'by_int',
    'by_text',
    'by_time',
    'by_two',
    'by_unique',
    'by_uuid',
    '"dotted.name"',
    'frozen',
    'keyless',
    'parted',
    'seen',
    '"Odd.Schema"."We ird""Table"',
    'secret.hidden',
  ]);
  for (const name of names) await bridge.query(name, { limit: 1 });
  assert.deepEqual((await bridge.query('"Odd.Schema"."We ird""Table"')).rows, [
    JSON.parse('{"Sel ect":1,"a.b":"x","__proto__":"y"}'),
  ]);
  assert.deepEqual((await bridge.query('public.by_int', { limit: 1, orderBy: [{ field: 'id' }] })).rows, [
    { id: 1, label: 'r1' },
  ]);
  assert.deepEqual((await bridge.query('dotted.name')).rows, []);
  for (const missing of [
    'upper',
    'nope',
    'secret.nope',
    'nope.by_int',
    '',
    '"',
    'by_int; drop table by_int',
    'a\0b',
    'pg_catalog.nope',
  ]) {
    await assert.rejects(bridge.query(missing), /no table/);
  }
});

test('a table is described without counting it', async t => {
  const fixture = await databaseWith(t, TABLES);
  if (!fixture) return;
  const { bridge } = fixture;
  assert.deepEqual(await bridge.introspectTarget('by_int'), {
    name: 'by_int',
    columns: [
      { name: 'id', type: 'integer', nullable: false, primaryKey: true },
      { name: 'label', type: 'text', nullable: true, primaryKey: false },
    ],
    rowCount: 25,
  });
  const two = await bridge.introspectTarget('by_two');
  assert.deepEqual(
    two.columns.map(column => column.primaryKey),
    [true, true, false],
  );
  assert.equal((await bridge.introspectTarget('seen')).columns[0]?.primaryKey, false);
});

test('a user sees only what it may read', async t => {
  const fixture = await databaseWith(t, TABLES);
  if (!fixture) return;
  const { owner, server } = fixture;
  const role = `reader_${server.database}`;
  await owner.query(
    `create role ${role} login password 'weak'; grant select (id) on by_int to ${role}; grant usage on schema secret to ${role}`,
  );
  const { PostgresBridge: Bridge } = await import('../../../src/bridges/postgres/postgres-bridge.ts');
  const { host, port, database } = server;
  const bridge = new Bridge({ host, port, database, username: role, pass: 'weak' });
  await bridge.connect();
  t.after(() => bridge.disconnect());
  assert.deepEqual(await bridge.listTargets(), [{ name: 'by_int' }]);
  assert.deepEqual((await bridge.query('by_int', { select: ['id'], limit: 1 })).rows.length, 1);
  await assert.rejects(bridge.query('by_int'), /permission denied/);
  await bridge.disconnect();
  await owner.query(`drop owned by ${role}; drop role ${role}`);
});

test('any name that is formatted is parsed back to its parts', () => {
  const part = fc.string({ unit: 'grapheme' });
  fc.assert(
    fc.property(fc.array(part, { minLength: 1, maxLength: 3 }), parts => {
      assert.deepEqual(parseTargetName(formatTargetName(parts)), parts);
    }),
    { numRuns: 2_000 },
  );
});
