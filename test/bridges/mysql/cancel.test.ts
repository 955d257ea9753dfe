/** Cancels that go wrong on their way: the statement ends all the same, or the connection is given up in time. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { type AddressInfo, connect, createServer } from 'node:net';
import { type TestContext, test } from 'node:test';
import { parseConfig } from '../../../src/bridges/mysql/config.ts';
import { Connections } from '../../../src/bridges/mysql/connections.ts';
import { MysqlBridge } from '../../../src/bridges/mysql/mysql-bridge.ts';
import type { Receiver } from '../../../src/bridges/mysql/session.ts';
import { ownMysqlServer } from '../../support/mysql-server.ts';
import { tcpProxy } from '../../support/tcp-proxy.ts';
import { databaseWith, numbers, running, until } from './fixture.ts';

ownMysqlServer();

const SLOW = `${numbers(5)} create view slow as select id, sleep(20) as s from numbers;`;
const NOBODY: Receiver = { fields: () => {}, row: () => {}, end: () => {}, fail: () => {} };

test('a kill that arrives between two statements is not the last: the server is rid of the second too', async t => {
  const fixture = await databaseWith(t, SLOW);
  if (!fixture) return;
  const kills = { lost: 0 };
  const port = await losingTheFirstKill(t, Number(new URL(fixture.url).port), kills);
  const bridge = new MysqlBridge({ url: through(port, fixture.url) });
  t.after(() => bridge.disconnect());
  const cancel = new AbortController();
  const answer = assert.rejects(bridge.stream('query', 'slow', {}, cancel.signal).next(), /gone/);
  await until(async () => (await running(fixture)).length === 1, 5_000);
  cancel.abort(new Error('gone'));
  await answer;
  await until(async () => (await running(fixture)).length === 0, 1_000);
  assert.equal(kills.lost, 1);
});

test('a server that stands still holds a cancel up once, whatever number of connections could ask it', async t => {
  const fixture = await databaseWith(t, SLOW);
  if (!fixture) return;
  const proxy = await tcpProxy(t, Number(new URL(fixture.url).port));
  const connections = new Connections(parseConfig({ url: through(proxy.port, fixture.url) }), 100);
  t.after(() => connections.close());
  const [asking, ...others] = await Promise.all([1, 2, 3, 4].map(() => connections.acquire()));
  assert.ok(asking);
  for (const session of others) connections.release(session);
  asking.start('select id, s from slow', NOBODY);
  await until(async () => (await running(fixture)).length === 1, 5_000);
  proxy.stall();
  await connections.discard(asking);
  assert.equal(connections.use.inUse, 0);
  // The server has not heard of any of this, and its database could not be dropped.
  for (const id of await running(fixture)) await fixture.sql(`kill ${id}`);
});

function through(port: number, url: string): string {
  return Object.assign(new URL(url), { port: String(port) }).href;
}

/** A link on which the first `kill query` becomes a statement that does nothing, and is as long. */
async function losingTheFirstKill(t: TestContext, target: number, kills: { lost: number }): Promise<number> {
  const server = createServer(near => {
    const far = connect(target, '127.0.0.1');
    near.on('data', (data: Buffer) => {
      const at = kills.lost === 0 ? data.indexOf('kill query ') : -1;
      if (at >= 0) {
        kills.lost++;
        data.fill(' ', at).write('do 1', at);
      }
      far.write(data);
    });
    far.pipe(near);
    for (const [one, other] of [
      [near, far],
      [far, near],
    ] as const) {
      one.on('error', () => {});
      one.on('close', () => other.destroy());
    }
  }).listen(0, '127.0.0.1');
  t.after(() => server.close());
  await once(server, 'listening');
  return (server.address() as AddressInfo).port;
}
