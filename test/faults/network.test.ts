/** The faults of networks: each ends in one stream and one ending for every caller, and in a link that heals by itself. */
import assert from 'node:assert/strict';
import dns from 'node:dns';
import { test } from 'node:test';
import type { Bridge, BridgeClass } from '../../src/bridges/bridge.ts';
import { type RunnerEvent, startRunner } from '../../src/runner/index.ts';
import { makeCertificates } from '../support/certificates.ts';
import { clockedRunner } from '../support/clocked-runner.ts';
import { deferred } from '../support/deferred.ts';
import { FakeClock, settle } from '../support/fake-clock.ts';
import { connectRunner, openGateway, type TestGateway } from '../support/gateway.ts';
import { askRows, checkHistory } from '../support/history.ts';
import { openBareGateway } from '../support/raw-websocket.ts';
import { openScriptedGateway } from '../support/scripted-gateway.ts';
import { connectScripted } from '../support/scripted-runner.ts';
import { tcpProxy } from '../support/tcp-proxy.ts';

const orders = { source: 'shop', target: 'orders' };
const LOST = ['runner_failed'];
/** Dialled by the port of a proxy, a gateway is asked for by a Host that is not its own. */
const PROXIED = { allowedHosts: ['127.0.0.1'] };

const callerOf = ({ gateway, key }: TestGateway) => ({ url: gateway.url, key });
const connectThrough = (port: number) => `ws://127.0.0.1:${port}/connect`;

/** Attempts of the last job. */
async function attemptsOf({ ask }: TestGateway): Promise<unknown> {
  return (await ask('GET', '/v1/jobs?limit=1')).json.items[0]?.attempts;
}

/** A bridge that streams rows of about 100 bytes for as long as it is asked to, and tells how many. */
function endless(): { resolveBridge: () => BridgeClass; made: () => number } {
  let made = 0;
  const pad = 'x'.repeat(80);
  class Endless {
    async connect(): Promise<void> {}
    async disconnect(): Promise<void> {}
    async count(): Promise<number> {
      return made;
    }
    async *stream(...[, , { limit }]: Parameters<NonNullable<Bridge['stream']>>) {
      for (let id = 1; id <= Number(limit); ) {
        const rows = [];
        while (rows.length < 500 && id <= Number(limit)) rows.push({ id: id++, pad });
        made += rows.length;
        yield rows;
      }
    }
  }
  return { resolveBridge: () => Endless as unknown as BridgeClass, made: () => made };
}

test('half-open link: a job not taken moves in 2 s, the gateway finds the link in 7 s, an idle runner in 12 s', async t => {
  const clock = new FakeClock();
  const gateway = await openGateway(t, { clock, ...PROXIED });
  const { token } = await gateway.shop();
  const proxy = await tcpProxy(t, gateway.gateway.port);
  const halfOpen = clockedRunner(t, clock, { url: connectThrough(proxy.port), token });
  await halfOpen.event('connected');
  proxy.stall();
  const answer = askRows(callerOf(gateway), orders);
  const other = clockedRunner(t, clock, { url: gateway.connectUrl, token });
  await other.event('connected');
  await until(async () => (await attemptsOf(gateway)) === 1);
  // It was not taken: long before anybody knows of the link, the job is with a runner that takes it.
  await clock.advance(1_500);
  assert.equal(await attemptsOf(gateway), 1);
  await clock.advance(500);
  const seen = await answer;
  checkHistory(seen, { total: 200 });
  assert.equal(seen.ending, 'complete');
  assert.equal(await attemptsOf(gateway), 2);
  const sessions = async () => (await gateway.ask('GET', '/v1/runners/edge')).json.sessions.length;
  // The gateway has a job there that was not let go of: the link is asked sooner than an idle one.
  await clock.advance(4_000);
  assert.equal(await sessions(), 2);
  await clock.advance(1_000);
  assert.equal(await sessions(), 1);
  // Its runner knows of no job.
  await clock.advance(4_500);
  assert.equal(
    halfOpen.events.some(({ type }) => type === 'disconnected'),
    false,
  );
  await clock.advance(500);
  const { code } = await halfOpen.event('disconnected');
  assert.equal(code, 4408);
  proxy.heal();
  await clock.advance(5_000);
  await until(async () => (await sessions()) === 2);
});

test('a runner that slept reads why its link was given up before it writes to it', async t => {
  const clock = new FakeClock();
  const gateway = await openBareGateway(t);
  const { event } = clockedRunner(t, clock, { url: gateway.url, token: 'rk_test' });
  const peer = await gateway.peer();
  await peer.message('hello');
  peer.json({ type: 'hello-ack', serverVersion: 1, assignedSources: [] });
  await event('connected');
  const payload = Buffer.from('..nothing heard');
  payload.writeUInt16BE(4408);
  // In a timer, as it is at a wake: what has come is read after it. A heartbeat and two pings are due, of which the first is
  // answered with a reset and the next fails.
  setTimeout(() => {
    peer.frame({ opcode: 8, payload });
    peer.socket.destroy();
    clock.stall(26_000);
  }, 0);
  const { code } = await event('disconnected');
  assert.equal(code, 4408);
});

test('a gateway that takes connections and greets nobody is dialled for as long as it does', async t => {
  const clock = new FakeClock();
  const gateway = await openScriptedGateway(t);
  const { events, event } = clockedRunner(t, clock, { url: gateway.url, token: 'rk_test' });
  const count = (wanted: RunnerEvent['type']) => events.filter(({ type }) => type === wanted).length;
  for (let attempt = 1; attempt <= 8; attempt++) {
    const session = await gateway.session();
    await session.next('hello');
    await clock.advance(9_900);
    assert.equal(count('retrying'), attempt - 1);
    await clock.advance(100);
    assert.equal((await session.closed).code, 4408);
    await until(async () => count('retrying') === attempt);
    // No further than to the next attempt: its ten seconds begin with it.
    while (count('connecting') === attempt) await clock.advance(50);
  }
  const session = await gateway.session();
  session.send({ type: 'hello-ack', serverVersion: 1, assignedSources: [] });
  await event('connected');
});

test('idle cut at 60 s: an idle link is never silent for so long', async t => {
  const clock = new FakeClock();
  const gateway = await openGateway(t, { clock, ...PROXIED });
  const { token } = await gateway.shop();
  const heartbeats: number[] = [];
  const proxy = await tcpProxy(t, gateway.gateway.port, {
    clock,
    idleMs: 60_000,
    onMessage: (_way, { type }) => {
      if (type === 'heartbeat') heartbeats.push(clock.now());
      return undefined;
    },
  });
  const { event, events } = clockedRunner(t, clock, { url: connectThrough(proxy.port), token });
  await event('connected');
  for (let beat = 1; beat <= 12; beat++) {
    for (let second = 0; second < 25; second++) await clock.advance(1_000);
    await until(async () => heartbeats.length >= beat);
  }
  assert.deepEqual(
    events.map(({ type }) => type).filter(type => type !== 'round-trip'),
    ['connecting', 'connected'],
  );
  assert.equal(proxy.taken(), 1);
});

test('slow caller: only what it can hold is read from the database, and the other jobs do not wait', async t => {
  const gateway = await openGateway(t, PROXIED);
  const { token } = await gateway.shop();
  const rows = 1_000_000;
  const { made, ...bridge } = endless();
  await connectRunner(t, { gatewayUrl: gateway.connectUrl, runnerId: 'edge', authToken: token, ...bridge });
  const response = await fetch(`${gateway.gateway.url}/v1/sources/shop/query`, {
    method: 'POST',
    headers: {
      authorization: `Bearer ${gateway.key}`,
      'content-type': 'application/json',
      accept: 'application/x-ndjson',
    },
    body: JSON.stringify({ target: 'orders', limit: rows }),
  });
  const reader = response.body!.getReader();
  await reader.read();
  // The others are answered, and after some of them nothing more is read for the one that takes nothing.
  let before = -1;
  for (let still = 0; still < 20; ) {
    const { status } = await gateway.ask('POST', '/v1/sources/shop/count', { target: 'orders' });
    assert.equal(status, 200);
    still = made() === before ? still + 1 : 0;
    before = made();
  }
  assert.ok(before < rows / 5, `${before} rows were read for a caller that takes none`);
  await reader.cancel();
});

test('slow uplink of one runner: its own rows alone are late', async t => {
  const gateway = await openGateway(t, PROXIED);
  const { token } = await gateway.shop({ rows: 4_000 });
  const slow = await tcpProxy(t, gateway.gateway.port, { bytesPerSecond: 500_000 });
  const runner = { runnerId: 'edge', authToken: token };
  await connectRunner(t, { gatewayUrl: connectThrough(slow.port), ...runner });
  const order: string[] = [];
  const late = askRows(callerOf(gateway), orders).then(seen => {
    order.push('late');
    return seen;
  });
  await until(async () => (await attemptsOf(gateway)) === 1);
  await connectRunner(t, { gatewayUrl: gateway.connectUrl, ...runner });
  for (let n = 0; n < 20; n++) {
    const seen = await askRows(callerOf(gateway), { ...orders, limit: 5 });
    checkHistory(seen, { total: 5 });
    order.push('quick');
  }
  const seen = await late;
  checkHistory(seen, { total: 4_000 });
  assert.equal(seen.ending, 'complete');
  assert.equal(order.at(-1), 'late');
});

test('reset mid-row, before the first whole rows: a survivor answers, and half a row is nowhere', async t => {
  const gateway = await openGateway(t, PROXIED);
  const { token } = await gateway.shop();
  let resets = 0;
  const proxy = await tcpProxy(t, gateway.gateway.port, {
    onMessage: (way, { rows }) => (way === 'up' && rows > 0 && resets++ === 0 ? 'halve' : undefined),
  });
  const runner = { gatewayUrl: connectThrough(proxy.port), runnerId: 'edge', authToken: token };
  await connectRunner(t, runner);
  await connectRunner(t, runner);
  const seen = await askRows(callerOf(gateway), orders);
  checkHistory(seen, { total: 200 });
  assert.equal(seen.ending, 'complete');
  assert.equal(await attemptsOf(gateway), 2);
});

test('reset mid-row, after the first rows: what came is a prefix, and the caller is told that it is', async t => {
  const gateway = await openGateway(t, PROXIED);
  const { token } = await gateway.shop();
  let received = 0;
  const proxy = await tcpProxy(t, gateway.gateway.port, {
    onMessage: (_way, { rows }) => (received > 0 && rows > 0 ? 'halve' : undefined),
  });
  const runner = { runnerId: 'edge', authToken: token, ...endless() };
  await connectRunner(t, { gatewayUrl: connectThrough(proxy.port), ...runner });
  const seen = await askRows(callerOf(gateway), { ...orders, limit: 1_000_000 }, rows => {
    received = rows;
  });
  checkHistory(seen, { total: 1_000_000, codes: LOST });
  assert.deepEqual([seen.ending, seen.status], ['failed', 200]);
  assert.ok(seen.rows.length > 0);
  assert.equal(await attemptsOf(gateway), 1);
});

test('TCP in 1-byte slices: every frame is whole where it arrives', async t => {
  const gateway = await openGateway(t, PROXIED);
  const { token } = await gateway.shop({ rows: 60 });
  const proxy = await tcpProxy(t, gateway.gateway.port, { sliceBytes: 1 });
  const reasons: string[] = [];
  const runner = await connectRunner(t, {
    gatewayUrl: connectThrough(proxy.port),
    runnerId: 'edge',
    authToken: token,
    onDisconnected: reason => reasons.push(reason),
  });
  const seen = await askRows(callerOf(gateway), orders);
  checkHistory(seen, { total: 60 });
  assert.equal(seen.ending, 'complete');
  assert.deepEqual(reasons, []);
  await gateway.ask('POST', '/v1/runners/edge/revoke');
  assert.equal((await runner.closed).code, 4401);
});

test('DNS change: the name is asked again for every dial', async t => {
  const first = await openScriptedGateway(t);
  const port = Number(new URL(first.url).port);
  const second = await openScriptedGateway(t, undefined, { host: '127.0.0.2', port });
  let address = '127.0.0.1';
  const asked: string[] = [];
  type Found = (error: null, found: { address: string; family: number }[]) => void;
  t.mock.method(dns, 'lookup', (name: string, _options: unknown, found: Found) => {
    asked.push(name);
    found(null, [{ address, family: 4 }]);
  });
  const runner = startRunner({
    gatewayUrl: `ws://gateway.test:${port}/connect`,
    runnerId: 'edge',
    authToken: 'rk_x',
    env: {},
  });
  t.after(() => runner.cancel());
  const before = await first.greeted();
  address = '127.0.0.2';
  before.socket.close(1001);
  await second.greeted();
  assert.deepEqual(new Set(asked), new Set(['gateway.test']));
  assert.equal(first.upgrades.length, 1);
});

test('expired, untrusted or wrong-host certificate: named, tried again, and no token is shown to it', async t => {
  const good = await makeCertificates(t);
  const cases: [string, Partial<Parameters<typeof makeCertificates>[1]>, RegExp][] = [
    ['expired', { days: -1 }, /certificate has expired/],
    ['untrusted', {}, /unknown authority/],
    ['wrong host', { names: ['DNS:elsewhere.example'] }, /another host name/],
  ];
  for (const [what, options, reason] of cases) {
    const bad = await makeCertificates(t, options);
    const gateway = await openGateway(t, { tls: { cert: bad.cert, key: bad.key } });
    const retrying = deferred<Extract<RunnerEvent, { type: 'retrying' }>>();
    const runner = startRunner({
      gatewayUrl: `wss://127.0.0.1:${gateway.gateway.port}/connect`,
      runnerId: 'edge',
      authToken: 'rk_x',
      env: {},
      ca: [what === 'untrusted' ? good.ca : bad.ca],
      onEvent: event => {
        if (event.type === 'retrying') retrying.resolve(event);
      },
    });
    const { reason: said, cause } = await retrying.promise;
    assert.match(said, reason, what);
    assert.equal(cause, 'unreachable', 'a token that had been shown would have been refused');
    await runner.cancel();
  }
});

test('clock jump: an hour forward or back takes nothing from a job, nor gives it more', async t => {
  for (const jumpMs of [3_600_000, -3_600_000]) {
    const clock = new FakeClock();
    const gateway = await openGateway(t, { clock, ...PROXIED });
    const { token, runnerId } = await gateway.shop();
    const first = await connectScripted(t, gateway.connectUrl, token, runnerId);
    const reply = gateway.ask('POST', '/v1/sources/shop/query', { target: 'orders', deadlineMs: 30_000 });
    await first.next('job');
    const second = await connectScripted(t, gateway.connectUrl, token, runnerId);
    clock.jumpedMs = jumpMs;
    await clock.advance(1_000);
    first.socket.terminate();
    const moved = await second.next('job');
    assert.equal(moved.deadlineMs, 29_000);
    second.send({ type: 'done', id: moved.id });
    assert.equal((await reply).status, 200);
  }
});

/** Waits for something that real sockets will bring about, a turn of the loop at a time. */
async function until(holds: () => Promise<boolean>): Promise<void> {
  while (!(await holds())) await settle();
}
