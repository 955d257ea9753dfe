import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { mkdir, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import {
  type RowLines,
  SourceUnreachableError,
  UnsupportedOperatorError,
} from '../../../src/bridges/bridge.ts';
import { Connections } from '../../../src/bridges/sqlite/connections.ts';
import { SqliteBridge } from '../../../src/bridges/sqlite/sqlite-bridge.ts';
import { rowsOf } from '../../../src/bridges/stream-rows.ts';
import { temporaryDirectory } from '../../support/temporary.ts';
import { databaseWith, numbers } from './database.ts';

const SHOP = `create table orders (id integer primary key, status text not null, total real);
  insert into orders values (1, 'shipped', 500), (2, 'pending', 700), (3, 'shipped', null), (4, 'shipped', 20);
  create view shipped as select * from orders where status = 'shipped';
  create virtual table notes using fts5 (body);`;

test('query filters, orders, selects, limits and skips, and counts nothing it was not asked to', async t => {
  const { bridge } = await databaseWith(t, SHOP);
  const options = {
    where: { status: 'shipped' },
    orderBy: [{ field: 'total', dir: 'desc' as const }, { field: 'id' }],
    select: ['id', 'total'],
  };
  assert.deepEqual(await bridge.query('orders', options), {
    rows: [
      { id: 1, total: 500 },
      { id: 4, total: 20 },
      { id: 3, total: null },
    ],
  });
  assert.deepEqual((await bridge.query('orders', { ...options, limit: 1, offset: 1 })).rows, [
    { id: 4, total: 20 },
  ]);
  assert.deepEqual((await bridge.query('orders', { ...options, limit: 0 })).rows, []);
  assert.deepEqual((await bridge.query('orders', { ...options, offset: 3 })).rows, []);
  assert.deepEqual(
    await bridge.batchRead('shipped', { select: ['id'], orderBy: [{ field: 'id' }], limit: 2 }),
    [{ id: 1 }, { id: 3 }],
  );
});

test('targets are tables, views and virtual tables, without what keeps those going', async t => {
  const { bridge } = await databaseWith(t, SHOP);
  assert.deepEqual(await bridge.listTargets(), [{ name: 'notes' }, { name: 'orders' }, { name: 'shipped' }]);
  assert.deepEqual(await bridge.introspectTarget('orders'), {
    name: 'orders',
    columns: [
      { name: 'id', type: 'INTEGER', nullable: false, primaryKey: true },
      { name: 'status', type: 'TEXT', nullable: false, primaryKey: false },
      { name: 'total', type: 'REAL', nullable: true, primaryKey: false },
    ],
  });
});

test('an unknown table or column is named, wherever it stands, and is never taken for a text', async t => {
  const { bridge } = await databaseWith(t, SHOP);
  const table = /there is no table or view "ordres"/;
  const column = /there is no column "stauts" in "orders"/;
  await assert.rejects(bridge.query('ordres', {}), table);
  await assert.rejects(bridge.read('ordres', {}), table);
  await assert.rejects(bridge.count('ordres', {}), table);
  await assert.rejects(bridge.introspectTarget('ordres'), table);
  await assert.rejects(bridge.count('orders', { where: { $or: [{ $not: { stauts: 'stauts' } }] } }), column);
  await assert.rejects(bridge.query('orders', { where: { stauts: null } }), column);
  await assert.rejects(bridge.query('orders', { select: ['id', 'stauts'] }), column);
  await assert.rejects(bridge.query('orders', { orderBy: [{ field: 'stauts' }] }), column);
  await assert.rejects(bridge.read('orders', { fields: ['stauts'] }), column);
  for (const internal of [
    'sqlite_schema',
    'sqlite_master',
    'pragma_table_list',
    'notes_data',
    'main.orders',
    '',
    'o\0',
  ]) {
    await assert.rejects(bridge.query(internal, {}), /there is no table or view/, internal);
  }
});

test('names that are SQL stay names', async t => {
  const name = `x"; drop table orders; --`;
  const { bridge } = await databaseWith(
    t,
    `${SHOP} create table "x""; drop table orders; --" ("a"" = 1 or ""b" integer); insert into "x""; drop table orders; --" values (1), (2)`,
  );
  const field = 'a" = 1 or "b';
  assert.deepEqual(
    await bridge.query(name, { where: { [field]: 2 }, orderBy: [{ field, dir: 'desc' }], select: [field] }),
    {
      rows: [{ [field]: 2 }],
    },
  );
  assert.equal((await bridge.read(name, { fields: [field] })).rows.length, 2);
  for (const canary of ['1) or (1=1', 'id" or "1"="1', "id' --", 'id; drop table orders', 'id`']) {
    await assert.rejects(bridge.count('orders', { where: { [canary]: 1 } }), /there is no column/);
    await assert.rejects(bridge.query(canary, {}), /there is no table/);
  }
  assert.equal(await bridge.count('orders', {}), 4);
});

test('an operator nobody has names itself, the target and the bridge', async t => {
  const { bridge } = await databaseWith(t, SHOP);
  for (const ask of [
    () => bridge.count('orders', { where: { id: { $regex: '.' } } }),
    () => bridge.query('orders', { where: { id: { $regex: '.' } } }),
    () => bridge.batchRead('orders', { where: { id: { $regex: '.' } } }),
  ]) {
    await assert.rejects(ask, (error: unknown) => {
      assert.ok(error instanceof UnsupportedOperatorError);
      assert.deepEqual(
        [error.op, error.target, error.bridge],
        ['$regex', 'orders', '@semilayer/bridge-sqlite'],
      );
      return true;
    });
  }
});

test('the schema is read again when it has changed', async t => {
  const { bridge, writer } = await databaseWith(t, SHOP);
  await assert.rejects(bridge.query('orders', { select: ['note'] }), /"note"/);
  writer.exec("alter table orders add column note text default 'n'; create table later (id)");
  assert.deepEqual((await bridge.query('orders', { select: ['note'], limit: 1 })).rows, [{ note: 'n' }]);
  assert.equal((await bridge.introspectTarget('orders')).columns.length, 4);
  assert.equal(await bridge.count('later', {}), 0);
  writer.exec('drop table later');
  await assert.rejects(bridge.count('later', {}), /"later"/);
});

test('SQLite itself refuses to write on the connections of the bridge', async t => {
  const { file } = await databaseWith(t, SHOP);
  const connection = await new Connections(file, 0).acquire();
  t.after(() => connection.close());
  for (const sql of [
    'delete from orders',
    "insert into orders values (9, 'x', 1)",
    'create table other (id)',
    'create temp table other (id)',
    'drop table orders',
    'pragma user_version = 9',
  ]) {
    assert.throws(() => connection.exec(sql), { code: /^SQLITE_READONLY/ }, sql);
  }
  assert.deepEqual(connection.prepare('select count(*) from orders').all([]), [[4n]]);
});

test('a missing file is an error that names no path, and is never created', async t => {
  const directory = await temporaryDirectory(t);
  const file = join(directory, 'secret-customer', 'missing.db');
  await mkdir(join(directory, 'secret-customer'));
  for (const config of [{ url: `file:${file}` }, { url: file }, { path: file }, { filename: file }]) {
    await assert.rejects(new SqliteBridge(config).connect(), (error: unknown) => {
      assert.ok(error instanceof SourceUnreachableError);
      assert.match(error.message, /does not exist or cannot be opened/);
      assert.equal(error.message.includes('secret-customer'), false);
      return true;
    });
  }
  assert.equal(existsSync(file), false);
});

test('what is no database is told apart from what is missing', async t => {
  const directory = await temporaryDirectory(t);
  const text = join(directory, 'text.db');
  await writeFile(text, 'this is not a database, but a text that is long enough to look at. '.repeat(20));
  await assert.rejects(new SqliteBridge({ url: text }).connect(), {
    name: 'SourceUnreachableError',
    message: /not a SQLite database/,
  });
  await assert.rejects(new SqliteBridge({ url: directory }).connect(), { name: 'SourceUnreachableError' });
  const empty = join(directory, 'empty.db');
  await writeFile(empty, '');
  assert.deepEqual(await new SqliteBridge({ url: empty }).listTargets(), []);
  for (const config of [
    {},
    { url: '' },
    { url: 5 },
    { url: 'a\0b' },
    { url: 'file://host.example/a.db' },
    { url: 'file:/%zz' },
  ]) {
    assert.throws(() => new SqliteBridge(config as Record<string, unknown>), {
      name: 'SourceUnreachableError',
    });
  }
});

test('a file name with any characters is opened, as a path and as a URL', async t => {
  const { file } = await databaseWith(t, numbers(1));
  const odd = join(await temporaryDirectory(t), 'a b?mode=rwc#%41é.db');
  await rename(file, odd);
  for (const url of [odd, `file:${encodeURIComponent(odd).replaceAll('%2F', '/')}`]) {
    const bridge = new SqliteBridge({ url });
    assert.equal(await bridge.count('numbers', {}), 1, url);
    await bridge.ping();
    await bridge.disconnect();
  }
});

test('a url cannot ask for a connection that writes', async t => {
  const directory = await temporaryDirectory(t);
  const file = join(directory, 'never.db');
  await assert.rejects(new SqliteBridge({ url: `file:${file}?mode=rwc` }).connect(), {
    name: 'SourceUnreachableError',
  });
  assert.equal(existsSync(file), false);
});

test('a bridge that was disconnected holds no connection, and one in use closes when its stream ends', async t => {
  const { bridge } = await databaseWith(t, numbers(1_000));
  const stream = bridge.stream('query', 'numbers');
  const first = await stream.next();
  await bridge.disconnect();
  let rows = rowsOf(first.value as RowLines).length;
  assert.ok(rows < 1_000);
  for await (const batch of stream) rows += rowsOf(batch).length;
  assert.equal(rows, 1_000);
});

test('a name that is no text hides what has it, and does not end the process', async t => {
  const { bridge, writer } = await databaseWith(t, `${SHOP} create table odd (good text, bad text)`);
  // SQLite keeps whatever bytes it is given as a name; its driver ends the process when it meets them.
  writer.exec(
    `pragma writable_schema = on;
     update sqlite_schema set sql = cast(x'637265617465207461626c65206f64642028676f6f6420746578742c20226aff22207465787429' as text)
     where name = 'odd'`,
  );
  writer.exec("pragma writable_schema = reset; insert into odd values ('seen', 'unseen')");
  assert.deepEqual(
    (await bridge.introspectTarget('odd')).columns.map(column => column.name),
    ['good'],
  );
  assert.deepEqual((await bridge.query('odd')).rows, [{ good: 'seen' }]);
  writer.exec(
    `pragma writable_schema = on;
     update sqlite_schema set name = cast(x'6fff' as text), tbl_name = cast(x'6fff' as text),
       sql = cast(x'637265617465207461626c6520226fff222028676f6f64207465787429' as text) where name = 'odd';
     pragma writable_schema = reset; create table later (id)`,
  );
  assert.deepEqual(
    (await bridge.listTargets()).map(target => target.name),
    ['later', 'notes', 'orders', 'shipped'],
  );
});
