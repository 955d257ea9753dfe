import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import type pg from 'pg';
import { PostgresBridge } from '../../../src/bridges/postgres/postgres-bridge.ts';
import { rowsOf } from '../../../src/bridges/stream-rows.ts';
import { ownPostgresServer, postgresServer } from '../../support/postgres-server.ts';
import { databaseWith } from './bridge.ts';

ownPostgresServer();

const MANY = `create table many (id int primary key, label text);
  insert into many select i, 'row ' || i from generate_series(1, 200000) i;
  create view slow as select id, pg_sleep(60)::text as nothing from many;
  create view huge as select a.id as a, b.id as b from many a, many b;`;

/** What the server is doing for others than the asker, in the bridge's own database. */
async function activity(owner: pg.Client): Promise<{ state: string; query: string }[]> {
  const { rows } = await owner.query(
    `select state, query from pg_stat_activity
      where datname = current_database() and application_name = 'semilayer' and state <> 'idle'`,
  );
  return rows;
}

/** Resolves once the server does nothing for the bridge; fails after a second, which is the promise. */
async function quiet(owner: pg.Client): Promise<void> {
  const deadline = performance.now() + 1_000;
  for (;;) {
    const busy = await activity(owner);
    if (busy.length === 0) return;
    assert.ok(performance.now() < deadline, `still there after a second: ${JSON.stringify(busy)}`);
  }
}

async function running(owner: pg.Client, what: string): Promise<void> {
  while (!(await activity(owner)).some(one => one.state === 'active' && one.query.includes(what)));
}

async function ids(bridge: PostgresBridge, limit = 3): Promise<unknown[]> {
  const { rows } = await bridge.query('many', { orderBy: [{ field: 'id' }], limit });
  return rows.map(row => row.id);
}

test('a cancelled query is gone from the server within a second, and its connection serves on', async t => {
  const fixture = await databaseWith(t, MANY, { pool: { max: 1 } });
  if (!fixture) return;
  const { bridge, owner } = fixture;
  for (const target of ['slow', 'huge']) {
    const abort = new AbortController();
    const stream = bridge.stream(
      'query',
      target,
      { orderBy: [{ field: target === 'huge' ? 'b' : 'id' }] },
      abort.signal,
    );
    const first = stream.next();
    await running(owner, target);
    const reason = new Error('the caller has left');
    abort.abort(reason);
    await assert.rejects(first, reason);
    await quiet(owner);
    assert.deepEqual(await ids(bridge), [1, 2, 3]);
  }
  const abort = new AbortController();
  const count = bridge.count('huge', {}, abort.signal);
  await running(owner, 'huge');
  abort.abort(new Error('enough'));
  await assert.rejects(count, /enough/);
  await quiet(owner);
});

test('a stream left early lets go of the server, whether it waits for its reader or is in the middle of rows', async t => {
  const fixture = await databaseWith(t, MANY, { pool: { max: 1 } });
  if (!fixture) return;
  const { bridge, owner } = fixture;
  for (const batches of [1, 3]) {
    const stream = bridge.stream('query', 'huge', {}, new AbortController().signal);
    for (let read = 0; read < batches; read++) await stream.next();
    await stream.return(undefined);
    await quiet(owner);
    assert.deepEqual(await ids(bridge), [1, 2, 3]);
  }
});

test('a reader that does not read leaves the rows with the server', async t => {
  const fixture = await databaseWith(t, MANY);
  if (!fixture) return;
  const { bridge, owner } = fixture;
  const stream = bridge.stream('query', 'huge', {}, new AbortController().signal);
  await stream.next();
  // The server fills what it may and then waits: for the next request, or for the connection to take more.
  for (;;) {
    const { rows } = await owner.query(
      `select wait_event from pg_stat_activity
        where datname = current_database() and application_name = 'semilayer' and state = 'active'`,
    );
    if (rows.some(row => row.wait_event === 'ClientWrite' || row.wait_event === 'ClientRead')) break;
  }
  const before = process.memoryUsage().arrayBuffers;
  assert.ok(before < 32 * 1_048_576, `${before} bytes are held for a reader that reads nothing`);
  await stream.return(undefined);
  await quiet(owner);
});

test('the database refuses to write, and gives up by itself when the time is over', async t => {
  const fixture = await databaseWith(
    t,
    `create table touched (id int);
     create function touch() returns int language plpgsql as $$ begin insert into touched values (1); return 1; end $$;
     create view writing as select touch() as id;
     create view sleepy as select pg_sleep(30)::text as id;`,
  );
  if (!fixture) return;
  const { bridge, owner } = fixture;
  await assert.rejects(bridge.query('writing'), /read-only transaction/);
  assert.equal((await owner.query('select 1 from touched')).rowCount, 0);
  const stream = bridge.stream('query', 'sleepy', {}, new AbortController().signal, 900);
  await assert.rejects(stream.next(), /statement timeout/);
});

test('a restarted server, an idle connection that was cut and a session that was ended cost no question', async t => {
  const fixture = await databaseWith(t, MANY);
  if (!fixture) return;
  const { bridge, server, owner } = fixture;
  assert.deepEqual(await ids(bridge), [1, 2, 3]);
  await owner.query(
    `select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'semilayer' and datname = current_database()`,
  );
  assert.deepEqual(await ids(bridge), [1, 2, 3]);
  assert.equal(await bridge.count('many'), 200_000);
  if (server.dataDir === undefined) return;
  await server.restart();
  assert.deepEqual(await ids(bridge), [1, 2, 3]);
  assert.deepEqual(
    (await bridge.listTargets()).map(target => target.name),
    ['huge', 'many', 'slow'],
  );
});

test('a session ended in the middle of its rows is an error, never a short answer', async t => {
  const fixture = await databaseWith(t, MANY);
  if (!fixture) return;
  const { bridge, owner } = fixture;
  const stream = bridge.stream('query', 'huge', {}, new AbortController().signal);
  await stream.next();
  await owner.query(
    `select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'semilayer' and datname = current_database()`,
  );
  await assert.rejects(
    async () => {
      for await (const _ of stream);
    },
    { name: 'SourceUnreachableError' },
  );
  assert.deepEqual(await ids(bridge), [1, 2, 3]);
});

test('questions beyond the pool wait their turn, and one that is cancelled gives its place up', async t => {
  const fixture = await databaseWith(t, MANY, { pool: { max: 2 } });
  if (!fixture) return;
  const { bridge } = fixture;
  const held = [1, 2].map(() => bridge.stream('query', 'many', {}, new AbortController().signal));
  for (const stream of held) await stream.next();
  const abort = new AbortController();
  const cancelled = bridge.stream('query', 'many', {}, abort.signal).next();
  const waiting = Promise.all(Array.from({ length: 10 }, () => ids(bridge, 1)));
  abort.abort(new Error('left the queue'));
  await assert.rejects(cancelled, /left the queue/);
  for (const stream of held) await stream.return(undefined);
  assert.deepEqual(await waiting, Array(10).fill([1]));
});

test('a table that changes under a statement answers with what it has now', async t => {
  const fixture = await databaseWith(
    t,
    `create table shapes (id int primary key, a text); insert into shapes values (1, 'x')`,
  );
  if (!fixture) return;
  const { bridge, owner } = fixture;
  const all = async () => (await bridge.query('shapes', { where: { id: 1 } })).rows;
  assert.deepEqual(await all(), [{ id: 1, a: 'x' }]);
  assert.deepEqual(await all(), [{ id: 1, a: 'x' }]);
  await owner.query(`alter table shapes add column b date default '2024-01-01'`);
  assert.deepEqual(await all(), [{ id: 1, a: 'x', b: '2024-01-01' }]);
  await owner.query('alter table shapes add column c int default 3');
  assert.deepEqual((await bridge.query('shapes', { select: ['c'], where: { c: 3 } })).rows, [{ c: 3 }]);
  await owner.query('alter table shapes alter column id type text');
  assert.deepEqual((await bridge.query('shapes', { where: { id: '1' }, select: ['id'] })).rows, [
    { id: '1' },
  ]);
  await owner.query('alter table shapes drop column b');
  assert.deepEqual(await all(), [{ id: '1', a: 'x', c: 3 }]);
  await owner.query('drop table shapes');
  await assert.rejects(all(), /no table or view "shapes"/);
});

test('what keeps a connection from standing is told apart, in a sentence without the password', async t => {
  const server = await postgresServer(t);
  if (!server) return;
  const secret = 'c4n4ry-p4ssw0rd';
  const { host, port, user, database, password } = server;
  const cases: [Record<string, unknown>, RegExp][] = [
    [{ url: `postgresql://${user}:${secret}@${host}:${port}/${database}` }, /refused the user's password/],
    [
      { url: `postgresql://${user}:${secret}@no-such-host.invalid:${port}/${database}` },
      /no such host|name server/,
    ],
    [{ url: `postgresql://${user}:${secret}@${host}:1/${database}` }, /connection refused/],
    [{ url: `postgresql://${user}:${secret}@${host}:${port}/${database}?sslmode=require` }, /no TLS/],
    [{ host, port, user, password, database: 'nowhere' }, /database "nowhere" does not exist/],
    [{ host: '/no/such/directory', user, password: secret, database }, /no server socket/],
    [{ url: `mysql://${user}:${secret}@${host}/${database}` }, /postgresql:\/\//],
    [{ url: `postgresql://${user}:${secret}%zz@${host}/x` }, /%25/],
    [{ url: `not a url ${secret}` }, /no URL/],
    [{ host, port: 'many', password: secret }, /port is not a number/],
    [{ host, sslmode: 'perhaps', password: secret }, /sslmode is none of/],
  ];
  for (const [config, message] of cases) {
    const failed = await failureOf(config);
    assert.equal(failed.name, 'SourceUnreachableError', String(message));
    assert.match(failed.message, message);
    assert.ok(!failed.message.includes(secret), failed.message);
    assert.ok(!failed.message.includes('\n'));
  }
});

async function failureOf(config: Record<string, unknown>): Promise<Error> {
  try {
    const bridge = new PostgresBridge(config);
    await bridge.connect();
    await bridge.disconnect();
  } catch (error) {
    return error as Error;
  }
  throw new Error(`connected with ${Object.keys(config)}`);
}

test('without a tap on the connection the driver’s own rows say the same', async t => {
  const fixture = await databaseWith(t, MANY);
  if (!fixture) return;
  const { server } = fixture;
  const { RowTap } = await import('../../../src/bridges/postgres/row-tap.ts');
  t.mock.method(RowTap, 'on', () => undefined);
  const bridge = await connected(t, { url: server.url });
  let seen = 0;
  for await (const batch of bridge.stream(
    'query',
    'many',
    { orderBy: [{ field: 'id' }] },
    new AbortController().signal,
  )) {
    for (const row of rowsOf(batch)) assert.deepEqual(row, { id: ++seen, label: `row ${seen}` });
  }
  assert.equal(seen, 200_000);
});

async function connected(t: TestContext, config: Record<string, unknown>): Promise<PostgresBridge> {
  const bridge = new PostgresBridge(config);
  await bridge.connect();
  t.after(() => bridge.disconnect());
  return bridge;
}
