import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:net';
import { test } from 'node:test';
import { SourceUnreachableError, UnsupportedOperatorError } from '../../../src/bridges/bridge.ts';
import { parseConfig } from '../../../src/bridges/mysql/config.ts';
import { MysqlBridge } from '../../../src/bridges/mysql/mysql-bridge.ts';
import { Session } from '../../../src/bridges/mysql/session.ts';
import { resolveBridge } from '../../../src/bridges/registry.ts';
import { mysqlServer, ownMysqlServer, urlOf } from '../../support/mysql-server.ts';
import { databaseWith, numbers } from './fixture.ts';

ownMysqlServer();

const SHOP = `create table orders (id int primary key, status varchar(20) not null, total double null, key (status));
  insert into orders values (1, 'shipped', 500), (2, 'pending', 700), (3, 'shipped', null), (4, 'shipped', 20);
  create view shipped as select * from orders where status = 'shipped';`;
const never = new AbortController().signal;

test('query filters, orders, selects, limits and skips, and counts nothing it was not asked to', async t => {
  const fixture = await databaseWith(t, SHOP);
  if (!fixture) return;
  const { bridge } = fixture;
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
  assert.deepEqual((await bridge.query('orders', { ...options, offset: 2 })).rows, [{ id: 3, total: null }]);
  assert.deepEqual(
    await bridge.batchRead('shipped', { select: ['id'], orderBy: [{ field: 'id' }], limit: 2 }),
    [{ id: 1 }, { id: 3 }],
  );
  assert.equal(await bridge.count('orders', { where: { total: { $gt: 100 } } }), 2);
});

test('options may be left out, and one order may stand for a list', async t => {
  const fixture = await databaseWith(t, SHOP);
  if (!fixture) return;
  const { bridge } = fixture;
  assert.equal((await bridge.query('orders')).rows.length, 4);
  assert.equal((await bridge.read('orders')).rows.length, 4);
  assert.equal((await bridge.batchRead('orders')).length, 4);
  assert.equal(await bridge.count('orders'), 4);
  const orderBy = { field: 'id', dir: 'desc' } as unknown as { field: string }[];
  assert.deepEqual((await bridge.query('orders', { orderBy, select: ['id'], limit: 1 })).rows, [{ id: 4 }]);
  assert.equal(await resolveBridge('mysql'), MysqlBridge);
});

test('targets are tables and views, here by their names and elsewhere with their database', async t => {
  const fixture = await databaseWith(
    t,
    `${SHOP} create table \`a.b\` (id int); create table \`a\`\`b\` (id int);`,
  );
  if (!fixture) return;
  const { bridge, name, sql, atEnd } = fixture;
  await sql(`create database ${name}_other`);
  atEnd(`drop database ${name}_other`);
  await sql(`create table ${name}_other.things (id int primary key)`);
  const names = (await bridge.listTargets()).map(target => target.name);
  const other = `${name}_other.things`;
  assert.deepEqual(names.slice(0, 4), ['`a.b`', '`a``b`', 'orders', 'shipped']);
  assert.ok(names.includes(other));
  assert.equal(
    names.some(one => /^(mysql|sys|information_schema|performance_schema)\./.test(one)),
    false,
  );
  for (const target of [...names.slice(0, 4), other, `${name}.orders`, `\`${name}\`.\`a.b\``, 'a.b', 'a`b']) {
    assert.ok((await bridge.introspectTarget(target)).columns.length > 0, target);
    assert.ok(Array.isArray((await bridge.query(target, {})).rows), target);
  }
  const nowhere = new MysqlBridge({ url: urlOf(fixture.server) });
  t.after(() => nowhere.disconnect());
  assert.ok((await nowhere.listTargets()).some(target => target.name === `${name}.orders`));
  assert.equal(await nowhere.count(`${name}.orders`, {}), 4);
  await assert.rejects(nowhere.count('orders', {}), /there is no table or view "orders"/);
});

test('a target is described in the words of the server, its rows estimated and never counted', async t => {
  const fixture = await databaseWith(
    t,
    `${numbers(500)} create table data (a bigint unsigned, b varchar(10) not null, c enum('x','y') null, d decimal(10,2) null, primary key (b, a));
     create table uniquely (u int not null unique);`,
  );
  if (!fixture) return;
  const { bridge, sql } = fixture;
  await sql('analyze table numbers');
  const { columns, ...rest } = await bridge.introspectTarget('data');
  assert.deepEqual(
    columns.map(column => ({ ...column, type: column.type.replace(/\(\d+\) unsigned/, ' unsigned') })),
    [
      { name: 'a', type: 'bigint unsigned', nullable: false, primaryKey: true },
      { name: 'b', type: 'varchar(10)', nullable: false, primaryKey: true },
      { name: 'c', type: "enum('x','y')", nullable: true, primaryKey: false },
      { name: 'd', type: 'decimal(10,2)', nullable: true, primaryKey: false },
    ],
  );
  assert.deepEqual(rest, { name: 'data', rowCount: 0 });
  const { rowCount = 0 } = await bridge.introspectTarget('numbers');
  assert.ok(rowCount > 400 && rowCount < 600, `${rowCount}`);
  assert.equal((await bridge.introspectTarget('uniquely')).columns[0]?.primaryKey, false);
  await sql('create view some as select label from numbers');
  assert.equal('rowCount' in (await bridge.introspectTarget('some')), false);
});

test('an unknown table or column is named, wherever it stands', async t => {
  const fixture = await databaseWith(t, SHOP);
  if (!fixture) return;
  const { bridge } = fixture;
  const table = /there is no table or view "ordres"/;
  const column = /there is no column "stauts" in "orders"/;
  await assert.rejects(bridge.query('ordres', {}), table);
  await assert.rejects(bridge.read('ordres', {}), table);
  await assert.rejects(bridge.count('ordres', {}), table);
  await assert.rejects(bridge.introspectTarget('ordres'), table);
  await assert.rejects(bridge.count('orders', { where: { $or: [{ $not: { stauts: 'stauts' } }] } }), column);
  await assert.rejects(bridge.query('orders', { where: { stauts: null } }), column);
  await assert.rejects(bridge.query('orders', { where: { stauts: [] } }), column);
  await assert.rejects(bridge.query('orders', { select: ['id', 'stauts'] }), column);
  await assert.rejects(bridge.query('orders', { orderBy: [{ field: 'stauts' }] }), column);
  await assert.rejects(bridge.read('orders', { fields: ['stauts'] }), column);
  for (const internal of [
    'mysql.user',
    'information_schema.tables',
    'performance_schema.threads',
    'orders ',
    'ORDERS',
    '',
    '.',
    'a..b',
    '`orders',
    'o\0',
    '😀',
  ]) {
    await assert.rejects(bridge.query(internal, {}), /there is no table or view/, internal);
  }
});

test('an operand that the type cannot hold is refused by name where order would have to make it up', async t => {
  const fixture = await databaseWith(
    t,
    `create table data (n int, d date, p point, b blob); insert into data values (1, '2026-01-31', null, 'x')`,
  );
  if (!fixture) return;
  const { bridge } = fixture;
  await assert.rejects(
    bridge.count('data', { where: { n: { $gt: 'many' } } }),
    /the column "n" is int\S*, and the filter's \$gt gives no value of that type/,
  );
  await assert.rejects(bridge.count('data', { where: { d: { $lt: 'now' } } }), /the column "d" is date/);
  await assert.rejects(
    bridge.count('data', { where: { d: { $lt: '2026-02-30' } } }),
    /the column "d" is date/,
  );
  await assert.rejects(
    bridge.count('data', { where: { p: 'here' } }),
    /the column "p" is point, which filters can only ask/,
  );
  await assert.rejects(
    bridge.count('data', { where: { b: { $contains: 'x' } } }),
    /the column "b" is blob, which has no text/,
  );
  assert.equal(await bridge.count('data', { where: { n: { $ne: 'many' } } }), 1);
  assert.equal(await bridge.count('data', { where: { p: { $exists: false } } }), 1);
});

test('an operator nobody has names itself, the target and the bridge', async t => {
  const fixture = await databaseWith(t, SHOP);
  if (!fixture) return;
  const { bridge } = fixture;
  for (const ask of [
    () => bridge.count('orders', { where: { id: { $regex: '.' } } }),
    () => bridge.query('orders', { where: { id: { $regex: '.' } } }),
    () => bridge.batchRead('orders', { where: { id: { $regex: '.' } } }),
  ]) {
    await assert.rejects(ask, (error: unknown) => {
      assert.ok(error instanceof UnsupportedOperatorError);
      assert.deepEqual(
        [error.op, error.target, error.bridge],
        ['$regex', 'orders', '@semilayer/bridge-mysql'],
      );
      return true;
    });
  }
});

test('the server itself keeps a session from writing', async t => {
  const fixture = await databaseWith(t, `${SHOP} create table old (id int) engine = MyISAM;`);
  if (!fixture) return;
  const session = await Session.open(parseConfig({ url: fixture.url }), undefined);
  t.after(() => session.destroy());
  for (const write of [
    'delete from orders',
    'insert into old values (1)',
    'create table more (id int)',
    'drop view shipped',
    'truncate table orders',
  ]) {
    await assert.rejects(session.ask(write), /READ.ONLY/i, write);
  }
  const [row] = await fixture.sql('select count(*) as n from orders');
  assert.equal(Number(row?.n), 4);
});

test('a table that was changed is seen as it is now, in the very next question', async t => {
  const fixture = await databaseWith(
    t,
    'create table data (id int primary key, v tinyint); insert into data values (1, 5)',
  );
  if (!fixture) return;
  const { bridge, sql } = fixture;
  assert.equal(await bridge.count('data', { where: { v: 5 } }), 1);
  await sql('alter table data modify v varchar(20)');
  await sql("update data set v = '5x'");
  assert.equal(await bridge.count('data', { where: { v: 5 } }), 0);
  assert.equal(await bridge.count('data', { where: { v: '5x' } }), 1);
  await sql('alter table data add w int default 7');
  assert.deepEqual((await bridge.query('data', {})).rows, [{ id: 1, v: '5x', w: 7 }]);
  assert.equal(await bridge.count('data', { where: { w: 7 } }), 1);
  await sql('alter table data convert to character set latin1');
  await sql("update data set v = 'é'");
  assert.equal(await bridge.count('data', { where: { v: 'é' } }), 1);
  assert.equal(await bridge.count('data', { where: { v: '中' } }), 0);
  await sql('alter table data convert to character set utf8mb4');
  assert.equal(await bridge.count('data', { where: { v: 'é' } }), 1);
  await sql('alter table data drop w');
  await assert.rejects(bridge.count('data', { where: { w: 7 } }), /there is no column "w"/);
  await sql('drop table data');
  await assert.rejects(bridge.query('data', {}), /there is no table or view "data"/);
});

test('a user who may read some columns alone reads those', async t => {
  const fixture = await databaseWith(t, SHOP);
  if (!fixture) return;
  const { sql, name, server, atEnd } = fixture;
  const user = `part_${name.slice(-6)}`;
  await sql(`create user ${user} identified by 'some words'`);
  await sql(`grant select (id, status) on ${name}.orders to ${user}`);
  atEnd(`drop user ${user}`);
  const bridge = new MysqlBridge({ url: urlOf({ ...server, user, password: 'some words' }, name) });
  t.after(() => bridge.disconnect());
  for (let turn = 0; turn < 2; turn++) {
    assert.deepEqual((await bridge.query('orders', { where: { id: 1 } })).rows, [
      { id: 1, status: 'shipped' },
    ]);
    await assert.rejects(bridge.query('orders', { select: ['total'] }), /there is no column "total"/);
  }
});

test('filters as deep, as wide and as long as they are allowed', async t => {
  const fixture = await databaseWith(
    t,
    `create table data (id int primary key, n int, t text); insert into data values (1, 5, 'x'), (2, 6, 'a\\0b')`,
  );
  if (!fixture) return;
  const { bridge } = fixture;
  let where: object = { n: 5 };
  for (let level = 0; level < 64; level++)
    where = level % 2 ? { $and: [{ id: { $gt: 0 } }, where] } : { $not: { $not: where } };
  assert.equal(await bridge.count('data', { where: { $or: [{ n: 99 }, { n: 5 }] } }), 1);
  await bridge.count('data', { where }).then(
    count => assert.equal(count, 1),
    error => assert.match(String(error), /deeper/),
  );
  const many = Array.from({ length: 50_000 }, (_, n) => n);
  assert.equal(await bridge.count('data', { where: { n: { $in: many } } }), 2);
  assert.equal(await bridge.count('data', { where: { t: { $in: many.map(String).concat('x') } } }), 1);
  assert.equal(await bridge.count('data', { where: { $or: many.slice(0, 5_000).map(n => ({ n })) } }), 2);
  assert.equal(await bridge.count('data', { where: { t: 'a\0b' } }), 1);
  assert.equal(await bridge.count('data', { where: { t: { $contains: '\0B' } } }), 1);
  assert.equal(await bridge.count('data', { where: { t: 'x'.repeat(1_000_000) } }), 0);
});

test('what cannot be reached is told apart in a sentence without the password', async t => {
  const server = await mysqlServer(t);
  if (!server) return;
  const silent = createServer(() => {}).listen(0, '127.0.0.1');
  await once(silent, 'listening');
  const { port: closed } = silent.address() as { port: number };
  silent.close();
  await once(silent, 'close');
  const secret = 'kX9-very-secret';
  const cases: [Record<string, unknown>, RegExp][] = [
    [{ password: secret }, /^the MySQL server at 127\.0\.0\.1:\d+ refused the user "root" or the password$/],
    [{ user: 'nobody-there', password: secret }, /refused the user "nobody-there" or the password$/],
    [{ database: 'nowhere_at_all' }, /^there is no database "nowhere_at_all" at 127\.0\.0\.1:\d+$/],
    [{ port: closed }, /^nothing listens at 127\.0\.0\.1:\d+$/],
    [{ host: 'no-such-host.invalid' }, /^the host "no-such-host\.invalid" is unknown$/],
    [{ host: '/no/such/socket' }, /^there is no socket at \/no\/such\/socket$/],
  ];
  for (const [change, message] of cases) {
    const bridge = new MysqlBridge({ ...server, restart: undefined, socket: undefined, ...change });
    await assert.rejects(bridge.connect(), (error: unknown) => {
      assert.ok(error instanceof SourceUnreachableError, String(error));
      assert.match(error.message, message);
      assert.equal(`${error.message}${error.stack}`.includes(secret), false);
      return true;
    });
    await bridge.disconnect();
  }
});

test('a Unix socket will do, in the fields or in the URL', async t => {
  const server = await mysqlServer(t);
  if (!server?.socket) return;
  const { user, password, socket } = server;
  const userinfo = `${user}:${encodeURIComponent(password)}`;
  for (const config of [
    { user, password, socketPath: socket },
    { user, password, host: socket },
    { url: `mysql://${userinfo}@/?socket=${encodeURIComponent(socket)}` },
    { url: `mariadb://${userinfo}@localhost/?socket=${encodeURIComponent(socket)}` },
  ]) {
    const bridge = new MysqlBridge(config);
    await bridge.ping();
    await bridge.disconnect();
  }
});

test('settings of the server that would change an answer do not reach it', async t => {
  const fixture = await databaseWith(
    t,
    `${numbers(20)} create table data (id int primary key auto_increment, c char(5), d datetime, t timestamp null);
     insert into data values (1, 'a', '2026-01-31 10:00:00', '2026-01-31 10:00:00')`,
  );
  if (!fixture) return;
  const { sql, url, atEnd } = fixture;
  const settings = {
    sql_mode: "'ANSI,NO_BACKSLASH_ESCAPES,PAD_CHAR_TO_FULL_LENGTH'",
    time_zone: "'+05:00'",
    sql_select_limit: '3',
    autocommit: '0',
  };
  for (const [name, value] of Object.entries(settings)) {
    atEnd(`set global ${name} = default`);
    await sql(`set global ${name} = ${value}`);
  }
  const bridge = new MysqlBridge({ url });
  t.after(() => bridge.disconnect());
  const row = { id: 1, c: 'a', d: '2026-01-31T10:00:00', t: '2026-01-31T10:00:00Z' };
  assert.deepEqual((await bridge.query('data', { where: { c: 'a', t: '2026-01-31T10:00:00Z' } })).rows, [
    row,
  ]);
  assert.equal((await bridge.query('numbers', {})).rows.length, 20);
  assert.equal(await bridge.count('numbers', { where: { label: { $contains: '\\' } } }), 0);
  await sql("insert into data values (2, 'b', null, null)");
  await sql('commit');
  assert.equal(await bridge.count('data', {}), 2, 'no snapshot is kept from question to question');
});

test('a bridge whose connections are closed in use ends its questions', async t => {
  const fixture = await databaseWith(
    t,
    `${numbers(5)} create view slow as select id, sleep(20) as s from numbers;`,
  );
  if (!fixture) return;
  const bridge = new MysqlBridge({ url: fixture.url });
  const answer = assert.rejects(bridge.stream('query', 'slow', {}, never).next());
  await new Promise(resolve => setTimeout(resolve, 200));
  await bridge.disconnect();
  await answer;
  await assert.rejects(bridge.count('numbers', {}), /not connected any more/);
  await bridge.connect();
  assert.equal(await bridge.count('numbers', {}), 5);
  await bridge.disconnect();
});
