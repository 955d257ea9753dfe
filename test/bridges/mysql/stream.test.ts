import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect, createServer, type Socket } from 'node:net';
import { performance } from 'node:perf_hooks';
import { type TestContext, test } from 'node:test';
import { SourceUnreachableError } from '../../../src/bridges/bridge.ts';
import { parseConfig } from '../../../src/bridges/mysql/config.ts';
import { MysqlBridge } from '../../../src/bridges/mysql/mysql-bridge.ts';
import { Session } from '../../../src/bridges/mysql/session.ts';
import { connectTo, ownMysqlServer, urlOf } from '../../support/mysql-server.ts';
import { databaseWith, drained, numbers, running, until } from './fixture.ts';

ownMysqlServer();

const never = new AbortController().signal;
const SLOW = `${numbers(5)} create view slow as select id, sleep(20) as s from numbers;`;

test('rows come in batches of about 64 KiB, as lines of JSON, the first before the others', async t => {
  const fixture = await databaseWith(t, numbers(20_000));
  if (!fixture) return;
  const batches = fixture.bridge.stream('query', 'numbers', { orderBy: [{ field: 'id' }] }, never);
  let id = 0;
  for await (const batch of batches) {
    assert.ok(!Array.isArray(batch));
    assert.ok(batch.lines.length < 90_000, `${batch.lines.length} bytes`);
    const lines = batch.lines.toString().split('\n');
    assert.equal(lines.pop(), '');
    assert.equal(lines.length, batch.count);
    for (const line of lines) {
      id++;
      assert.equal(line, `{"id":${id},"label":"row ${id}"}`);
    }
  }
  assert.equal(id, 20_000);
});

test('a slow caller holds up the server, not this process', async t => {
  const fixture = await databaseWith(
    t,
    `${numbers(100_000)} create view wide as select id, repeat('x', 2000) as pad from numbers;`,
  );
  if (!fixture) return;
  const stream = fixture.bridge.stream('query', 'wide', {}, never);
  const first = await stream.next();
  assert.equal(first.done, false);
  await until(async () => (await running(fixture)).length === 1, 2_000);
  const before = process.memoryUsage().arrayBuffers;
  let seen = (first.value as { count: number }).count;
  let most = 0;
  for (let turn = 0; turn < 20; turn++) {
    await new Promise(resolve => setTimeout(resolve, 10));
    most = Math.max(most, process.memoryUsage().arrayBuffers - before);
  }
  assert.ok(most < 8_000_000, `${most} bytes for a caller that takes nothing`);
  assert.equal((await running(fixture)).length, 1, 'the server waits');
  const { sizes } = await drained(stream);
  seen += sizes.reduce((sum, size) => sum + size, 0);
  assert.equal(seen, 100_000);
});

test('a cancelled query ends with the reason, and the server is rid of it within a second', async t => {
  const fixture = await databaseWith(t, SLOW);
  if (!fixture) return;
  const { bridge } = fixture;
  const reason = new Error('cancelled by the caller');
  for (const ask of [
    (signal: AbortSignal) => bridge.stream('query', 'slow', {}, signal).next(),
    (signal: AbortSignal) => bridge.stream('read', 'slow', {}, signal).next(),
    (signal: AbortSignal) => bridge.count('slow', { where: { s: 1 } }, signal),
  ]) {
    const cancel = new AbortController();
    const answer = assert.rejects(ask(cancel.signal), error => error === reason);
    await until(async () => (await running(fixture)).length === 1, 5_000);
    cancel.abort(reason);
    await answer;
    await until(async () => (await running(fixture)).length === 0, 1_000);
  }
  const late = new AbortController();
  late.abort(reason);
  await assert.rejects(bridge.stream('read', 'numbers', {}, late.signal).next(), error => error === reason);
  assert.equal(await bridge.count('numbers', {}), 5);
});

test('a caller that leaves in the middle of the rows takes the query with it', async t => {
  const fixture = await databaseWith(
    t,
    `${numbers(100_000)} create view wide as select id, repeat('x', 2000) as pad from numbers;`,
  );
  if (!fixture) return;
  const stream = fixture.bridge.stream('query', 'wide', {}, never);
  assert.equal((await stream.next()).done, false);
  assert.equal((await running(fixture)).length, 1);
  await stream.return(undefined);
  await until(async () => (await running(fixture)).length === 0, 1_000);
  // And while the caller holds a batch, which no `next` is waiting for.
  const cancel = new AbortController();
  const held = fixture.bridge.stream('query', 'wide', {}, cancel.signal);
  assert.equal((await held.next()).done, false);
  cancel.abort(new Error('gone'));
  await until(async () => (await running(fixture)).length === 0, 1_000);
  await assert.rejects(held.next(), /gone/);
  assert.equal(await fixture.bridge.count('numbers', {}), 100_000);
});

test('a cancel ends nothing but its own query, whenever it comes', async t => {
  const fixture = await databaseWith(t, SLOW);
  if (!fixture) return;
  const { bridge } = fixture;
  const others = await Promise.all([1, 2, 3].map(() => connectTo(fixture.server)));
  t.after(() => Promise.all(others.map(other => other.end())));
  const sleeping = others.map(other => other.query('select sleep(3) as interrupted'));
  const ours = Array.from({ length: 3 }, () => bridge.query('numbers', { orderBy: [{ field: 'id' }] }));
  for (let turn = 0; turn < 40; turn++) {
    const cancel = new AbortController();
    const stream = bridge.stream('query', turn % 2 ? 'slow' : 'numbers', {}, cancel.signal);
    const answer = stream.next().catch(() => undefined);
    await new Promise(resolve => setTimeout(resolve, turn % 8));
    cancel.abort(new Error('cancelled'));
    await answer;
    await stream.return(undefined);
    assert.equal((await bridge.query('numbers', {})).rows.length, 5);
  }
  for (const { rows } of await Promise.all(ours)) assert.equal(rows.length, 5);
  for (const [rows] of await Promise.all(sleeping)) assert.deepEqual(rows, [{ interrupted: 0 }]);
  assert.deepEqual(await running(fixture), []);
});

test("a number of a connection that is somebody else's, as behind one address of several servers, is never killed", async t => {
  const fixture = await databaseWith(t, '');
  if (!fixture) return;
  const open = () => Session.open(parseConfig({ url: fixture.url }), undefined);
  const [killer, ours] = await Promise.all([open(), open()]);
  const theirs = await connectTo(fixture.server);
  t.after(() => Promise.all([killer.destroy(), ours.destroy(), theirs.end()]));
  ours.id = String(theirs.threadId);
  const sleeping = theirs.query('select sleep(1) as interrupted');
  const seen = `select 1 from information_schema.processlist where id = ${theirs.threadId} and info like 'select sleep%'`;
  await until(async () => (await fixture.sql(seen)).length === 1, 5_000);
  assert.equal(await killer.kill(ours), false);
  assert.deepEqual((await sleeping)[0], [{ interrupted: 0 }]);
});

test('the server itself gives up soon after the deadline, should nobody be left to cancel', async t => {
  const fixture = await databaseWith(t, SLOW);
  if (!fixture) return;
  const started = performance.now();
  await assert.rejects(fixture.bridge.count('slow', { where: { s: 1 } }, never, 200), /max.*time/i);
  assert.ok(performance.now() - started < 10_000);
  assert.equal(await fixture.bridge.count('numbers', {}, never, 5_000), 5);
});

test('an idle connection that was ended, and one ended before its first row, are replaced unseen', async t => {
  const fixture = await databaseWith(
    t,
    `${numbers(5)} create view slowly as select id, sleep(0.1) as s from numbers;`,
  );
  if (!fixture) return;
  const { bridge, sql } = fixture;
  const mine = async (): Promise<number[]> =>
    (
      await sql(
        `select id from information_schema.processlist where db = '${fixture.name}' and id <> connection_id()`,
      )
    ).map(row => Number(row.id ?? row.ID));
  assert.equal(await bridge.count('numbers', {}), 5);
  for (const id of await mine()) await sql(`kill ${id}`);
  assert.equal(await bridge.count('numbers', {}), 5);
  const answer = bridge.query('slowly', {});
  await until(async () => (await running(fixture)).length === 1, 5_000);
  for (const id of await mine()) await sql(`kill ${id}`);
  assert.equal((await answer).rows.length, 5);
});

test('a query that an administrator kills fails in the words of the server, and the bridge goes on', async t => {
  const fixture = await databaseWith(
    t,
    `${numbers(5)} create view slowly as select id, sleep(1) as s from numbers;`,
  );
  if (!fixture) return;
  const { bridge, sql } = fixture;
  const answer = assert.rejects(bridge.count('slowly', { where: { s: 5 } }), /interrupted/i);
  await until(async () => (await running(fixture)).length === 1, 5_000);
  const [id] = await running(fixture);
  await sql(`kill query ${id}`);
  await answer;
  assert.equal(await bridge.count('numbers', {}), 5);
});

test('more questions than connections wait their turn, and a cancelled one no longer', async t => {
  const fixture = await databaseWith(t, numbers(50_000));
  if (!fixture) return;
  const bridge = new MysqlBridge({ url: fixture.url, pool: { max: 2 } });
  t.after(() => bridge.disconnect());
  const held = [bridge.stream('query', 'numbers', {}, never), bridge.stream('query', 'numbers', {}, never)];
  for (const stream of held) assert.equal((await stream.next()).done, false);
  const cancel = new AbortController();
  const impatient = assert.rejects(bridge.count('numbers', {}, cancel.signal), /no longer/);
  const patient = bridge.count('numbers', {});
  cancel.abort(new Error('no longer'));
  await impatient;
  await held[0]?.return(undefined);
  assert.equal(await patient, 50_000);
  await held[1]?.return(undefined);
});

test('a server that is full makes questions wait for a connection that we have', async t => {
  const fixture = await databaseWith(t, numbers(50_000));
  if (!fixture) return;
  const { sql, server, name } = fixture;
  const user = `few_${name.slice(-6)}`;
  await sql(`create user ${user} identified by 'few words' with max_user_connections 1`);
  await sql(`grant select on ${name}.* to ${user}`);
  t.after(() => connectTo(server).then(other => other.query(`drop user ${user}`).finally(() => other.end())));
  const url = urlOf({ ...server, user, password: 'few words' }, name);
  const bridge = new MysqlBridge({ url });
  t.after(() => bridge.disconnect());
  const held = bridge.stream('query', 'numbers', {}, never);
  assert.equal((await held.next()).done, false);
  const waiting = bridge.count('numbers', {});
  const other = new MysqlBridge({ url });
  await assert.rejects(other.connect(), (error: unknown) => {
    assert.ok(error instanceof SourceUnreachableError);
    assert.match(error.message, /has too many connections$/);
    return true;
  });
  await drained(held);
  assert.equal(await waiting, 50_000);
});

test('a restart of the server costs the rows under way and nothing after', async t => {
  const fixture = await databaseWith(
    t,
    `${numbers(100_000)} create view wide as select id, repeat('x', 2000) as pad from numbers;`,
  );
  if (!fixture?.server.restart) return;
  const { bridge } = fixture;
  const idle = [1, 2, 3].map(() => bridge.count('numbers', {}));
  await Promise.all(idle);
  const stream = bridge.stream('query', 'wide', {}, never);
  assert.equal((await stream.next()).done, false);
  await fixture.server.restart();
  await assert.rejects(drained(stream), (error: unknown) => {
    assert.ok(error instanceof SourceUnreachableError);
    assert.match(error.message, /^the MySQL server at 127\.0\.0\.1:\d+ closed the connection$/);
    return true;
  });
  assert.deepEqual(
    await Promise.all([1, 2, 3].map(() => bridge.count('numbers', {}))),
    [100_000, 100_000, 100_000],
  );
});

test('a connection that something on the way forgot while it was idle is not waited for long', async t => {
  const fixture = await databaseWith(t, numbers(5));
  if (!fixture) return;
  const proxy = await forgetfulProxy(t, fixture.server.port);
  const bridge = new MysqlBridge({ url: urlOf({ ...fixture.server, port: proxy.port }, fixture.name) });
  t.after(() => bridge.disconnect());
  assert.equal(await bridge.count('numbers', {}), 5);
  proxy.forget();
  const now = performance.now.bind(performance);
  t.mock.method(performance, 'now', () => now() + 20_000);
  assert.equal(await bridge.count('numbers', {}), 5);
});

/** Passes bytes on, until it is told to forget the connections it has: then they stay open and nothing passes. */
async function forgetfulProxy(t: TestContext, port: number): Promise<{ port: number; forget: () => void }> {
  const sockets = new Set<Socket>();
  const server = createServer(client => {
    const upstream = connect(port, '127.0.0.1');
    client.pipe(upstream).pipe(client);
    for (const socket of [client, upstream]) {
      sockets.add(socket);
      socket.on('error', () => {});
    }
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => {
    server.close();
    for (const socket of sockets) socket.destroy();
  });
  return {
    port: (server.address() as { port: number }).port,
    forget: () => {
      for (const socket of sockets) socket.unpipe().pause();
    },
  };
}
