/** The runtime against a raw gateway of version 1, over a real WebSocket. */
import assert from 'node:assert/strict';
import { rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import {
  type Bridge,
  type BridgeClass,
  type RunnerEvent,
  type StartRunnerOptions,
  startRunner,
} from '../../src/runner/index.ts';
import { deferred } from '../support/deferred.ts';
import { openScriptedGateway } from '../support/scripted-gateway.ts';
import type { ScriptedRunner } from '../support/scripted-runner.ts';
import { temporaryDirectory } from '../support/temporary.ts';

const TOKEN = 'rk_canary-token-0123456789';
const SOURCE = {
  id: 's1',
  name: 'shop',
  bridge: 'fake',
  credentialsLocation: 'managed',
  config: { url: 'fake:canary-url' },
};

function start(t: TestContext, gatewayUrl: string, options: Partial<StartRunnerOptions> = {}) {
  const events: RunnerEvent[] = [];
  const runner = startRunner({
    gatewayUrl,
    runnerId: 'edge',
    ...(options.tokenFile === undefined ? { authToken: TOKEN } : {}),
    env: {},
    onEvent: event => events.push(event),
    ...options,
  });
  t.after(() => runner.cancel());
  return { runner, events };
}

/** A bridge whose answers the test gives. */
function bridge(methods: Partial<Bridge>): { resolveBridge: () => BridgeClass } {
  class Fake {
    async connect(): Promise<void> {}
    async disconnect(): Promise<void> {}
    async listTargets(): Promise<string[]> {
      return ['orders'];
    }
  }
  Object.assign(Fake.prototype, methods);
  return { resolveBridge: () => Fake as unknown as BridgeClass };
}

let jobs = 0;
function job(session: ScriptedRunner, kind: string, extra: Record<string, unknown> = {}): string {
  const id = `job-${++jobs}`;
  const { source = SOURCE, target = 'orders', options = {}, deadlineMs = 30_000 } = extra;
  session.send({ type: 'job', id, params: { source, job: { kind, target, options } }, deadlineMs });
  return id;
}

/** Waits for something that a real socket or file will bring about. */
async function until(holds: () => boolean): Promise<void> {
  while (!holds()) await new Promise(resolve => setTimeout(resolve, 1));
}

test('dials with the token in the header alone, says hello, and sends nothing a version 1 gateway does not know', async t => {
  const gateway = await openScriptedGateway(t);
  const { runner } = start(t, gateway.url);
  const session = await gateway.session();
  const hello = await session.next('hello');
  assert.equal(gateway.upgrades[0]?.authorization, `Bearer ${TOKEN}`);
  assert.equal(gateway.upgrades[0]?.url, '/connect');
  assert.equal(hello.version, 1);
  assert.equal(hello.runnerId, 'edge');
  assert.deepEqual(hello.capabilities, []);
  session.send({ type: 'hello-ack', serverVersion: 1, assignedSources: [] });
  session.send({ type: 'from-the-future' });
  session.send({ type: 'ping' });
  await session.next('heartbeat');
  await runner.stop();
  const { code } = await session.closed;
  assert.equal(code, 1000);
  assert.deepEqual([...new Set(session.frames.map(frame => frame.type))].sort(), ['heartbeat', 'hello']);
  assert.ok(!JSON.stringify(session.frames).includes(TOKEN));
  assert.deepEqual(await runner.closed, { code: 1000, reason: 'stopped' });
});

test('each kind of job is answered in its own form', async t => {
  const gateway = await openScriptedGateway(t);
  const page = { rows: [{ a: 1 }, { a: 2 }], nextCursor: 'c', total: 9 };
  start(
    t,
    gateway.url,
    bridge({
      query: async () => page,
      read: async () => page,
      batchRead: async () => page.rows,
      count: async () => 7,
      introspectTarget: async name => ({ name, columns: [] }),
      aggregate: async () => [{ dims: {}, measures: { n: 1 }, count: 1 }],
    }),
  );
  const session = await gateway.greeted([SOURCE]);
  const query = job(session, 'query');
  const { meta } = await session.ending(query);
  assert.deepEqual(
    { ...(meta as object), durationMs: 0 },
    { count: 2, durationMs: 0, nextCursor: 'c', total: 9 },
  );
  assert.deepEqual(session.rowsOf(query), page.rows);

  const batch = job(session, 'batchRead');
  assert.equal((await session.ending(batch)).type, 'done');
  const count = job(session, 'count');
  await session.ending(count);
  assert.deepEqual(
    session.frames.filter(frame => frame.id === count && frame.type === 'chunk'),
    [{ id: count, type: 'chunk', rows: [], total: 7 }],
  );
  const targets = job(session, 'listTargets', { target: '' });
  await session.ending(targets);
  assert.deepEqual(session.rowsOf(targets), [{ name: 'orders' }]);
  const schema = job(session, 'introspectTarget');
  await session.ending(schema);
  assert.deepEqual(session.rowsOf(schema), [{ name: 'orders', columns: [] }]);
  const proof = job(session, 'test', { target: '' });
  await session.ending(proof);
  assert.equal((session.rowsOf(proof)[0] as { ok: boolean }).ok, true);
  const aggregate = job(session, 'aggregate');
  await session.ending(aggregate);
  assert.deepEqual(session.frames.find(frame => frame.id === aggregate)?.agg, [
    { dims: {}, measures: { n: 1 }, count: 1 },
  ]);
  for (const kind of ['search', 'similar', 'teleport']) {
    const { type, code } = await session.ending(job(session, kind));
    assert.deepEqual([type, code], ['error', 'UNSUPPORTED_JOB'], kind);
  }
});

test('every failure ends its job in one error frame with the code that names it, and no secret', async t => {
  const gateway = await openScriptedGateway(t);
  const failing = (error: unknown) => bridge({ query: async () => Promise.reject(error) });
  const unsupported = Object.assign(new Error('no $near'), { name: 'UnsupportedOperatorError' });
  const unreachable = Object.assign(new Error('ECONNREFUSED fake:canary-url'), {
    name: 'SourceUnreachableError',
  });
  const local = { id: 's2', name: 'crm', bridge: 'fake', credentialsLocation: 'runner-local' };
  const cases: [options: Partial<StartRunnerOptions>, source: unknown, code: string, says: RegExp][] = [
    [failing(new Error('syntax error near fake:canary-url')), SOURCE, 'SOURCE_QUERY_FAILED', /\[redacted\]/],
    [failing(unsupported), SOURCE, 'UNSUPPORTED_OPERATOR', /near/],
    [failing(unreachable), SOURCE, 'SOURCE_UNREACHABLE', /ECONNREFUSED/],
    [failing('a string'), SOURCE, 'SOURCE_QUERY_FAILED', /a string/],
    [
      bridge({ query: async () => ({ rows: ['no row' as never] }) }),
      SOURCE,
      'SOURCE_QUERY_FAILED',
      /not a row/,
    ],
    [
      bridge({ query: async () => ({ rows: [{ a: 'x'.repeat(17_000_000) }] }) }),
      SOURCE,
      'ROW_TOO_LARGE',
      /17000/,
    ],
    [bridge({}), { ...SOURCE, id: 'other' }, 'SOURCE_NOT_ASSIGNED', /shop/],
    [bridge({}), local, 'SOURCE_CONFIG_MISSING', /SEMILAYER_SOURCE_CRM_URL/],
    [{}, { ...SOURCE, bridge: 'no-such-bridge' }, 'BRIDGE_NOT_FOUND', /npm install no-such-bridge/],
  ];
  for (const [options, source, code, says] of cases) {
    const { runner } = start(t, gateway.url, options);
    const session = await gateway.greeted([SOURCE, local, { ...SOURCE, bridge: 'no-such-bridge', id: 's3' }]);
    const asked = code === 'BRIDGE_NOT_FOUND' ? { ...(source as object), id: 's3' } : source;
    const end = await session.ending(job(session, 'query', { source: asked }));
    assert.deepEqual([end.type, end.code], ['error', code]);
    assert.match(String(end.message), says);
    assert.ok(!JSON.stringify(session.frames).includes('canary-url'));
    await runner.cancel();
  }
});

test('a malformed job fails alone; a malformed frame closes with 4400', async t => {
  const gateway = await openScriptedGateway(t);
  start(t, gateway.url, bridge({ count: async () => 1 }));
  const session = await gateway.greeted([SOURCE]);
  session.send({
    type: 'job',
    id: 'broken',
    params: { source: SOURCE, job: { kind: 'count' } },
    deadlineMs: 1000,
  });
  assert.equal((await session.ending('broken')).code, 'INTERNAL');
  assert.equal((await session.ending(job(session, 'count'))).type, 'done');
  session.send('{"type":"cancel"}');
  assert.equal((await session.closed).code, 4400);
  await gateway.greeted([SOURCE]);
});

test('cancel and deadline end a job that hangs, once, and the bridge is told', async t => {
  const gateway = await openScriptedGateway(t);
  const aborted = deferred<unknown>();
  let asked = 0;
  start(
    t,
    gateway.url,
    bridge({
      count: (_target, _options, signal) => {
        const hangsOn = asked++ > 0;
        return new Promise((_, reject) => {
          signal?.addEventListener('abort', () => {
            aborted.resolve(signal.reason);
            // What a bridge says of a job that has ended comes too late.
            if (!hangsOn) reject(signal.reason);
          });
        });
      },
    }),
  );
  const session = await gateway.greeted([SOURCE]);
  const early = job(session, 'count');
  session.send({ type: 'cancel', id: early });
  assert.equal((await session.ending(early)).code, 'CANCELLED');
  assert.equal(asked, 0, 'a job cancelled before its source was opened asks the database nothing');
  const hung = job(session, 'count');
  await until(() => asked === 1);
  session.send({ type: 'cancel', id: 'unknown' });
  session.send({ type: 'cancel', id: hung });
  session.send({ type: 'cancel', id: hung });
  assert.equal((await session.ending(hung)).code, 'CANCELLED');
  await aborted.promise;
  const late = job(session, 'count', { deadlineMs: 20 });
  assert.equal((await session.ending(late)).code, 'QUERY_TIMEOUT');
  for (const deadlineMs of [0, -1]) {
    assert.equal((await session.ending(job(session, 'count', { deadlineMs }))).code, 'QUERY_TIMEOUT');
  }
  session.send({ type: 'ping' });
  await session.next('heartbeat');
  for (const id of [hung, late]) assert.equal(session.frames.filter(frame => frame.id === id).length, 1);
});

test('jobs run side by side up to the concurrency, the others wait their turn', async t => {
  const gateway = await openScriptedGateway(t);
  const gates: (() => void)[] = [];
  start(t, gateway.url, {
    concurrency: 2,
    ...bridge({ count: () => new Promise(resolve => gates.push(() => resolve(1))) }),
  });
  const session = await gateway.greeted([SOURCE]);
  const ids = [job(session, 'count'), job(session, 'count'), job(session, 'count')];
  await until(() => gates.length === 2);
  session.send({ type: 'ping' });
  await session.next('heartbeat');
  assert.equal(gates.length, 2);
  gates[0]?.();
  await session.ending(ids[0] as string);
  await until(() => gates.length === 3);
  gates[1]?.();
  gates[2]?.();
  await session.ending(ids[2] as string);
});

test('stop lets the job under way end and takes no other; what is left when the grace is over is cancelled', async t => {
  const gateway = await openScriptedGateway(t);
  const gate = deferred<number>();
  const { runner } = start(t, gateway.url, bridge({ count: () => gate.promise }));
  const session = await gateway.greeted([SOURCE]);
  const running = job(session, 'count');
  await until(() => runner.status.activeJobs > 0);
  const stopped = runner.stop({ gracePeriodMs: 10_000 });
  const refused = job(session, 'count');
  assert.equal((await session.ending(refused)).code, 'CANCELLED');
  gate.resolve(1);
  assert.equal((await session.ending(running)).type, 'done');
  assert.deepEqual(await stopped, { drained: true });

  const hanging = start(t, gateway.url, bridge({ count: () => new Promise(() => {}) }));
  const second = await gateway.greeted([SOURCE]);
  const hung = job(second, 'count');
  await until(() => hanging.runner.status.activeJobs > 0);
  assert.deepEqual(await hanging.runner.stop({ gracePeriodMs: 10 }), { drained: false });
  assert.equal((await second.ending(hung)).code, 'CANCELLED');
});

test('a refused token stops a runner for good; one in a file is read again and the runner is back by itself', async t => {
  const refuse = (request: { headers: { authorization?: string } }) =>
    request.headers.authorization === 'Bearer rk_new' ? undefined : { status: 401 };
  const gateway = await openScriptedGateway(t, refuse);
  const { runner } = start(t, gateway.url);
  assert.equal((await runner.closed).code, 4401);

  const file = join(await temporaryDirectory(t), 'token');
  await writeFile(file, 'rk_old\n');
  const { events } = start(t, gateway.url, { tokenFile: file });
  await until(() => events.some(event => event.type === 'waiting-for-token'));
  await writeFile(`${file}.new`, 'rk_new\n');
  await rename(`${file}.new`, file);
  await gateway.greeted();
});

test('a token file that does not change is given up after the wait', async t => {
  const gateway = await openScriptedGateway(t, () => ({ status: 401 }));
  const file = join(await temporaryDirectory(t), 'token');
  await writeFile(file, 'rk_old\n');
  const { runner } = start(t, gateway.url, { tokenFile: file, tokenWaitMs: 100 });
  const { code, reason } = await runner.closed;
  assert.equal(code, 4401);
  assert.match(reason, /still holds the same/);
});

test('what answers instead of a gateway is named, and the token follows no redirect', async t => {
  const elsewhere = await openScriptedGateway(t);
  const answers: [
    answer: { status: number; headers?: Record<string, string>; body?: string },
    says: RegExp,
  ][] = [
    [{ status: 302, headers: { location: elsewhere.url.replace('ws', 'http') } }, /redirect to http/],
    [{ status: 407 }, /proxy/],
    [{ status: 404 }, /\/connect/],
    [{ status: 200, headers: { 'content-type': 'text/html' }, body: '<html>' }, /web page/],
    [{ status: 503 }, /not ready/],
  ];
  for (const [answer, says] of answers) {
    const gateway = await openScriptedGateway(t, () => answer);
    const { runner, events } = start(t, gateway.url);
    const retrying = () => events.find(event => event.type === 'retrying');
    await until(() => retrying() !== undefined);
    assert.match(JSON.stringify(retrying()), says);
    await runner.cancel();
  }
  assert.equal(elsewhere.upgrades.length, 0);
});

test('comes back after the gateway went away, and jobs of the lost connection are gone', async t => {
  const gateway = await openScriptedGateway(t);
  const { events, runner } = start(t, gateway.url, bridge({ count: () => new Promise(() => {}) }));
  const first = await gateway.greeted([SOURCE]);
  job(first, 'count');
  await until(() => runner.status.activeJobs > 0);
  first.socket.close(1012, 'restarting');
  const second = await gateway.greeted([SOURCE]);
  second.send({ type: 'ping' });
  const { stats } = await second.next('heartbeat');
  assert.equal((stats as { activeJobs: number }).activeJobs, 0);
  assert.ok(events.some(event => event.type === 'disconnected' && event.code === 1012));
});

test('frames shown to the embedding program hold no config, and a callback that throws harms nobody', async t => {
  const gateway = await openScriptedGateway(t);
  const seen: string[] = [];
  start(t, gateway.url, {
    ...bridge({ count: async () => 1 }),
    onFrame: (direction, frame) => {
      seen.push(`${direction} ${JSON.stringify(frame)}`);
      throw new Error('callback');
    },
    onConnected: () => {
      throw new Error('callback');
    },
  });
  const session = await gateway.greeted([SOURCE]);
  await session.ending(job(session, 'count'));
  assert.ok(seen.some(line => line.startsWith('in {"type":"hello-ack"')));
  assert.ok(seen.some(line => line.startsWith('out ')));
  const all = seen.join('\n');
  assert.ok(!all.includes('canary') && all.includes('[redacted]'));
});

test('a runner that was stopped in the middle of a stream lets go of its source', async t => {
  const gateway = await openScriptedGateway(t);
  let disconnects = 0;
  const { runner } = start(
    t,
    gateway.url,
    bridge({
      async disconnect() {
        disconnects++;
      },
      async *stream(_kind, _target, _options, signal) {
        while (!signal.aborted) {
          yield [{ a: 1 }];
          await new Promise(resolve => setImmediate(resolve));
        }
        return {};
      },
    }),
  );
  const session = await gateway.greeted([SOURCE]);
  const id = job(session, 'query');
  await until(() => session.rowsOf(id).length > 0);
  session.socket.close(4401, 'rotated');
  assert.equal((await runner.closed).code, 4401);
  await until(() => disconnects === 2);
});

test('a runner-local source that is renamed is another database, and gets a connection of its own', async t => {
  const gateway = await openScriptedGateway(t);
  const opened: string[] = [];
  class Fake {
    readonly #url: string;
    constructor(config: Record<string, unknown>) {
      this.#url = String(config.url);
      opened.push(this.#url);
    }
    async connect(): Promise<void> {}
    async disconnect(): Promise<void> {}
    async count(): Promise<number> {
      return this.#url.length;
    }
  }
  start(t, gateway.url, {
    resolveBridge: () => Fake as unknown as BridgeClass,
    env: { SEMILAYER_SOURCE_SHOP_URL: 'one', SEMILAYER_SOURCE_CRM_URL: 'three' },
  });
  const local = { id: 's1', name: 'shop', bridge: 'fake', credentialsLocation: 'runner-local' };
  const session = await gateway.greeted([local]);
  await session.ending(job(session, 'count', { source: local }));
  session.send({ type: 'assignments-changed', assignedSources: [{ ...local, name: 'crm' }] });
  await session.ending(job(session, 'count', { source: { ...local, name: 'crm' } }));
  assert.deepEqual(opened, ['one', 'three']);
});

test('a runner that was stopped says so itself, and what a count counted is in its event', async t => {
  const gateway = await openScriptedGateway(t);
  const reasons: string[] = [];
  const { runner, events } = start(t, gateway.url, {
    ...bridge({ count: async () => 41 }),
    onDisconnected: reason => reasons.push(reason),
  });
  const session = await gateway.greeted([SOURCE]);
  const done = await session.ending(job(session, 'count'));
  assert.ok(!('total' in (done.meta as object)));
  const ended = events.find(event => event.type === 'job-ended');
  assert.equal(ended?.type === 'job-ended' && ended.total, 41);
  await runner.stop();
  assert.deepEqual(reasons, ['runner stopped']);
});
