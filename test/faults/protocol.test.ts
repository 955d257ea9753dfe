/** Peers that break the protocol, each side against the other: what is theirs alone fails, and nothing else is hurt. */
import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { deflateRawSync } from 'node:zlib';
import { MAX_FRAGMENTS } from '../../src/protocol/limits.ts';
import { startRunner } from '../../src/runner/index.ts';
import { FakeClock, settle } from '../support/fake-clock.ts';
import { connectRunner, openGateway, type TestGateway } from '../support/gateway.ts';
import { askRows, checkHistory } from '../support/history.ts';
import { dialBare, openBareGateway, type RawPeer } from '../support/raw-websocket.ts';
import { openScriptedGateway } from '../support/scripted-gateway.ts';
import { connectScripted, type Frame, type ScriptedRunner } from '../support/scripted-runner.ts';

const MIB = 1_048_576;
const SOURCE = {
  id: 's1',
  name: 'shop',
  bridge: 'fake',
  credentialsLocation: 'managed',
  config: { url: 'fake:' },
};
const HELLO = { type: 'hello', version: 1, runnerId: 'edge', capabilities: [] };

/** A bare runner that has been greeted, and beside it one that answers, whose jobs must not notice. */
async function bareRunner(t: TestContext): Promise<{ peer: RawPeer; gateway: TestGateway; headers: string }> {
  const gateway = await openGateway(t);
  const { token } = await gateway.shop();
  const { peer, headers } = await dialBare(t, gateway.gateway.port, token);
  peer.json(HELLO);
  await peer.message('hello-ack');
  return { peer, gateway, headers };
}

async function othersAreWell(t: TestContext, gateway: TestGateway): Promise<void> {
  const { token } = (await gateway.ask('POST', '/v1/runners', { name: 'well' })).json;
  await gateway.ask('POST', '/v1/runners/well/sources', { sources: ['shop'] });
  const runner = await connectRunner(t, {
    gatewayUrl: gateway.connectUrl,
    runnerId: 'well',
    authToken: token,
  });
  const seen = await askRows(
    { url: gateway.gateway.url, key: gateway.key },
    { source: 'shop', target: 'orders' },
  );
  checkHistory(seen, { total: 200 });
  assert.equal(seen.ending, 'complete');
  assert.deepEqual(gateway.warnings, []);
  await runner.cancel();
}

/** Our runner and the bare gateway it dialled, acknowledged. */
async function bareGateway(t: TestContext): Promise<{
  peer: RawPeer;
  reasons: string[];
  next(): Promise<RawPeer>;
  offers: (string | undefined)[];
}> {
  const gateway = await openBareGateway(t);
  const reasons: string[] = [];
  const runner = startRunner({
    gatewayUrl: gateway.url,
    runnerId: 'edge',
    authToken: 'rk_x',
    env: {},
    onDisconnected: reason => reasons.push(reason),
  });
  t.after(() => runner.cancel());
  const next = async (): Promise<RawPeer> => {
    const peer = await gateway.peer();
    await peer.message('hello');
    peer.json({ type: 'hello-ack', serverVersion: 1, assignedSources: [SOURCE] });
    return peer;
  };
  return { peer: await next(), reasons, next, offers: gateway.offers };
}

/** What either side may be sent, and the codes that may answer it. */
const OFFENCES: Record<string, { send: (peer: RawPeer) => void; code: number }> = {
  'bad JSON': { send: peer => peer.frame({ payload: '{"type":' }), code: 4400 },
  'bad UTF-8': { send: peer => peer.frame({ payload: Buffer.from([0x7b, 0xc3, 0x28]) }), code: 1007 },
  'JSON nested 500,000 deep': {
    send: peer => peer.frame({ payload: `{"type":"x","deep":${'['.repeat(500_000)}${']'.repeat(500_000)}}` }),
    code: 4400,
  },
  'a frame of more than 16 MiB': {
    send: peer => peer.frame({ payload: '{', claimedLength: 16 * MIB + 1 }),
    code: 1009,
  },
  'more than 16 MiB in fragments': {
    send: peer => {
      for (let part = 0; part < 17; part++)
        peer.frame({ opcode: part === 0 ? 1 : 0, payload: Buffer.alloc(MIB, 0x20), final: false });
    },
    code: 1009,
  },
  'a deflate bomb': {
    send: peer => peer.frame({ payload: deflateRawSync(Buffer.alloc(64 * MIB, 0x20)), compressed: true }),
    code: 1002,
  },
  'a flood of empty fragments': {
    send: peer => {
      peer.frame({ opcode: 1, final: false });
      // An empty continuation is two bytes, six with a mask: a million of them cost the sender nothing.
      for (let part = 0; part < MAX_FRAGMENTS; part++) peer.frame({ opcode: 0, final: false });
    },
    code: 1008,
  },
};

for (const [offence, { send, code }] of Object.entries(OFFENCES)) {
  test(`${offence} from a runner: closed with ${code}, and the others are well`, async t => {
    const { peer, gateway } = await bareRunner(t);
    send(peer);
    assert.equal(await peer.closed, code);
    await othersAreWell(t, gateway);
  });

  test(`${offence} from a gateway: closed with ${code}, and the runner is back`, async t => {
    const { peer, next } = await bareGateway(t);
    send(peer);
    assert.equal(await peer.closed, code);
    const again = await next();
    again.json({ type: 'ping' });
    await again.message('heartbeat');
  });
}

test('compression is neither offered nor taken, so that there is nothing to inflate', async t => {
  const gateway = await openGateway(t);
  const { token } = await gateway.shop();
  const { headers } = await dialBare(t, gateway.gateway.port, token, [
    'Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits',
  ]);
  assert.match(headers, /^HTTP\/1\.1 101 /);
  assert.doesNotMatch(headers, /extensions/i);
  const { offers } = await bareGateway(t);
  assert.deepEqual(offers, [undefined]);
});

test('a frame of 1 MiB and more is taken like any other', async t => {
  const { peer, gateway } = await bareRunner(t);
  const reply = gateway.ask('POST', '/v1/sources/shop/query', { target: 'orders' });
  const { id } = (await peer.message('job')) as { id: string };
  peer.json({ type: 'chunk', id, rows: [{ id: 1, text: 'x'.repeat(3 * MIB) }] });
  peer.json({ type: 'done', id });
  const { status, json } = await reply;
  assert.equal(status, 200);
  assert.equal(String(json.rows[0]?.text).length, 3 * MIB);
});

test('unknown types and keys are ignored, on either side', async t => {
  const { peer, gateway } = await bareRunner(t);
  peer.json({ type: 'chant', verse: 1 });
  const reply = gateway.ask('POST', '/v1/sources/shop/query', { target: 'orders' });
  const { id } = (await peer.message('job')) as { id: string };
  peer.json({ type: 'done', id, chorus: true });
  assert.equal((await reply).status, 200);
  const other = await bareGateway(t);
  other.peer.json({ type: 'chant', verse: 1 });
  other.peer.json({ type: 'ping', chorus: true });
  await other.peer.message('heartbeat');
  assert.deepEqual(other.reasons, []);
});

async function twoJobs(t: TestContext) {
  const gateway = await openGateway(t);
  const { token, runnerId } = await gateway.shop();
  const connect = (): Promise<ScriptedRunner> => connectScripted(t, gateway.connectUrl, token, runnerId);
  const one = await connect();
  const replies: ReturnType<TestGateway['ask']>[] = [];
  const ask = async (runner: ScriptedRunner): Promise<Frame> => {
    replies.push(gateway.ask('POST', '/v1/sources/shop/query', { target: 'orders' }));
    return await runner.next('job');
  };
  const first = await ask(one);
  const other = await connect();
  const second = await ask(other);
  return { gateway, one, other, first, second, replies };
}

test('chunk, done and error for a foreign job, and for one that has ended: nobody gets them', async t => {
  const { gateway, one, other, first, second, replies } = await twoJobs(t);
  for (const frame of [
    { type: 'chunk', id: second.id, rows: [{ id: 'foreign' }] },
    { type: 'error', id: second.id, code: 'INTERNAL', message: 'foreign' },
    { type: 'done', id: second.id },
    { type: 'chunk', id: 'never-was', rows: [{ id: 'foreign' }] },
    { type: 'done', id: 'never-was' },
  ])
    one.send(frame);
  one.send({ type: 'chunk', id: first.id, rows: [{ id: 1 }] });
  one.send({ type: 'done', id: first.id });
  assert.deepEqual((await replies[0])?.json.rows, [{ id: 1 }]);
  for (const frame of [
    { type: 'chunk', id: first.id, rows: [{ id: 'late' }] },
    { type: 'error', id: first.id, code: 'INTERNAL', message: 'late' },
    { type: 'done', id: first.id },
  ])
    one.send(frame);
  other.send({ type: 'chunk', id: second.id, rows: [{ id: 2 }] });
  other.send({ type: 'done', id: second.id });
  assert.deepEqual((await replies[1])?.json.rows, [{ id: 2 }]);
  const { items } = (await gateway.ask('GET', '/v1/jobs')).json;
  assert.deepEqual(
    items.map(({ state, rows, attempts }) => [state, rows as unknown, attempts]),
    [
      ['succeeded', 1, 1],
      ['succeeded', 1, 1],
    ],
  );
  assert.equal((await gateway.ask('GET', '/v1/runners/edge')).json.sessions.length, 2);
});

test('done before chunk, and two dones: the first ending is the ending', async t => {
  const { one, first, replies, gateway } = await twoJobs(t);
  one.send({ type: 'done', id: first.id, meta: { count: 0, durationMs: 1 } });
  one.send({ type: 'chunk', id: first.id, rows: [{ id: 1 }] });
  one.send({ type: 'done', id: first.id, meta: { count: 1, durationMs: 1 } });
  const { status, json } = (await replies[0])!;
  assert.deepEqual([status, json.rows, json.meta.count], [200, [], 0]);
  assert.equal((await gateway.ask('GET', '/v1/jobs?status=succeeded')).json.items.length, 1);
});

test('a job id twice: one job runs, and it has one ending', async t => {
  const gateway = await openScriptedGateway(t);
  let asked = 0;
  let answer: (total: number) => void = () => {};
  class Counting {
    async connect(): Promise<void> {}
    async disconnect(): Promise<void> {}
    count(): Promise<number> {
      asked++;
      return new Promise(resolve => {
        answer = resolve;
      });
    }
  }
  const runner = startRunner({
    gatewayUrl: gateway.url,
    runnerId: 'edge',
    authToken: 'rk_x',
    env: {},
    resolveBridge: () => Counting as never,
  });
  t.after(() => runner.cancel());
  const session = await gateway.greeted([SOURCE]);
  const params = { source: SOURCE, job: { kind: 'count', target: 'orders', options: {} } };
  const job = { type: 'job', id: 'twice', params, deadlineMs: 30_000 };
  session.send(job);
  while (asked === 0) await settle();
  session.send(job);
  session.send({ type: 'job', id: 'twice' });
  session.send({ type: 'ping' });
  await session.next('heartbeat');
  answer(1);
  await session.ending('twice');
  session.send({ type: 'ping' });
  await session.next('heartbeat');
  assert.equal(asked, 1);
  assert.deepEqual(
    session.frames.filter(frame => frame.id === 'twice').map(frame => frame.type),
    ['chunk', 'done'],
  );
});

test('cancel before, after and twice: a job has one ending, and the one after it is not hurt', async t => {
  const { peer } = await bareGateway(t);
  const params = { source: SOURCE, job: { kind: 'search', target: 'orders', options: {} } };
  peer.json({ type: 'cancel', id: 'one' });
  peer.json({ type: 'job', id: 'one', params, deadlineMs: 30_000 });
  await peer.message('error');
  peer.json({ type: 'cancel', id: 'one' });
  peer.json({ type: 'cancel', id: 'one' });
  peer.json({ type: 'ping' });
  await peer.message('heartbeat');
  const endings = peer.messages
    .filter(({ id }) => id === 'one')
    .map(({ payload }) => JSON.parse(String(payload)));
  assert.deepEqual(
    endings.map(({ type, code }) => [type, code]),
    [['error', 'UNSUPPORTED_JOB']],
  );
});

test('hello late or never: closed with 4400 after 5 s, and not before', async t => {
  const clock = new FakeClock();
  const gateway = await openGateway(t, { clock });
  const { token } = await gateway.shop();
  const { peer } = await dialBare(t, gateway.gateway.port, token);
  await clock.advance(4_999);
  peer.frame({ opcode: 9 });
  await peer.message('#pong');
  assert.equal(
    peer.messages.some(({ type }) => type === '#close'),
    false,
  );
  await clock.advance(1);
  assert.equal(await peer.closed, 4400);
});

test('a job for a source that is not assigned: SOURCE_NOT_ASSIGNED, and nothing is opened', async t => {
  const { peer } = await bareGateway(t);
  const source = { ...SOURCE, id: 'another', name: 'another', config: { url: 'file:/nowhere' } };
  const params = { source, job: { kind: 'count', target: 'orders', options: {} } };
  peer.json({ type: 'job', id: 'one', params, deadlineMs: 30_000 });
  const { payload } = await peer.message('error');
  assert.equal(JSON.parse(String(payload)).code, 'SOURCE_NOT_ASSIGNED');
});
