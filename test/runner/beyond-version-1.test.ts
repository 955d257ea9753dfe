/** What a runner offers and a gateway may confirm: our runtime against a raw gateway that does. */
import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { type BridgeClass, Policy, type RunnerEvent, startRunner } from '../../src/runner/index.ts';
import { deferred } from '../support/deferred.ts';
import { openScriptedGateway } from '../support/scripted-gateway.ts';
import type { ScriptedRunner } from '../support/scripted-runner.ts';

const SOURCE = { id: 's1', name: 'shop', bridge: 'fake', credentialsLocation: 'managed', config: {} };
const OTHER = { ...SOURCE, id: 's2', name: 'crm' };

interface Stage {
  gateway: Awaited<ReturnType<typeof openScriptedGateway>>;
  runner: ReturnType<typeof startRunner>;
  events: RunnerEvent[];
  /** A count waits here for its answer, by its target. */
  counts: Map<string, ReturnType<typeof deferred<number>>>;
}

async function stage(
  t: TestContext,
  options: { concurrency?: number; policy?: Policy } = {},
): Promise<Stage> {
  const gateway = await openScriptedGateway(t);
  const events: RunnerEvent[] = [];
  const counts = new Map<string, ReturnType<typeof deferred<number>>>();
  class Waiting {
    async connect(): Promise<void> {}
    async disconnect(): Promise<void> {}
    async count(target: string): Promise<number> {
      const gate = deferred<number>();
      counts.set(target, gate);
      return await gate.promise;
    }
  }
  const runner = startRunner({
    gatewayUrl: gateway.url,
    runnerId: 'edge',
    authToken: 'rk_test',
    env: {},
    onEvent: event => events.push(event),
    resolveBridge: () => Waiting as unknown as BridgeClass,
    ...options,
  });
  t.after(() => runner.cancel());
  return { gateway, runner, events, counts };
}

function count(session: ScriptedRunner, target: string, source = SOURCE): string {
  const id = `job-${target}`;
  const params = { source, job: { kind: 'count', target, options: {} } };
  session.send({ type: 'job', id, params, deadlineMs: 30_000, attempt: 1 });
  return id;
}

async function until(holds: () => boolean): Promise<void> {
  while (!holds()) await new Promise(resolve => setTimeout(resolve, 1));
}

const ATTEMPTS = { features: { attempts: { acceptMs: 80 } } };

test('a job that takes its time is accepted, one that is answered at once says no more than its answer', async t => {
  const { gateway, counts } = await stage(t);
  const session = await gateway.greeted([SOURCE], ATTEMPTS);
  const slow = count(session, 'slow');
  assert.equal((await session.next('accept')).id, slow);
  const quick = count(session, 'quick');
  await until(() => counts.has('quick'));
  counts.get('quick')?.resolve(1);
  assert.equal((await session.ending(quick)).type, 'done');
  counts.get('slow')?.resolve(2);
  await session.ending(slow);
  assert.deepEqual(
    session.frames.filter(frame => frame.type === 'accept').map(frame => frame.id),
    [slow],
  );
});

test('a job there is no room for goes back: in all, of its source, and while leaving', async t => {
  const policy = Policy.parse(JSON.stringify({ version: 1, sources: { crm: { concurrency: 1 }, shop: {} } }));
  const { gateway, runner, counts } = await stage(t, { concurrency: 2, policy });
  const session = await gateway.greeted([SOURCE, OTHER], ATTEMPTS);
  const first = count(session, 'first', OTHER);
  const sameSource = count(session, 'same-source', OTHER);
  assert.deepEqual(await session.next('reject'), { type: 'reject', id: sameSource, reason: 'busy' });
  const second = count(session, 'second');
  const third = count(session, 'third');
  assert.deepEqual(await session.next('reject'), { type: 'reject', id: third, reason: 'busy' });
  const stopped = runner.stop({ gracePeriodMs: 10_000 });
  const late = count(session, 'late');
  assert.deepEqual(await session.next('reject'), { type: 'reject', id: late, reason: 'draining' });
  await until(() => counts.has('first') && counts.has('second'));
  counts.get('first')?.resolve(1);
  counts.get('second')?.resolve(1);
  for (const id of [first, second]) assert.equal((await session.ending(id)).type, 'done');
  assert.deepEqual(await stopped, { drained: true });
  // What went back never began: it has no ending of its own.
  assert.equal(
    session.frames.some(frame => frame.type === 'error'),
    false,
  );
});

test('a runner that leaves waits until the gateway has its endings', async t => {
  const { gateway, runner, counts } = await stage(t);
  const session = await gateway.greeted([SOURCE], { features: { drain: {}, endings: {} } });
  const running = count(session, 'running');
  await until(() => counts.has('running'));
  const stopped = runner.stop({ gracePeriodMs: 10_000 });
  await session.next('drain');
  session.send({ type: 'ended', count: 0 });
  counts.get('running')?.resolve(1);
  await session.ending(running);
  let left = false;
  void session.closed.then(() => {
    left = true;
  });
  // A round trip later it is still there.
  session.send({ type: 'ping' });
  await session.next('heartbeat');
  assert.equal(left, false);
  session.send({ type: 'ended', count: 1 });
  assert.deepEqual(await stopped, { drained: true });
  assert.equal((await session.closed).code, 1000);
});

test('a runner whose last endings are not acknowledged leaves all the same, and says so', async t => {
  const { gateway, runner, counts, events } = await stage(t);
  const session = await gateway.greeted([SOURCE], { features: { drain: {}, endings: {} } });
  const running = count(session, 'running');
  await until(() => counts.has('running'));
  const stopped = runner.stop({ gracePeriodMs: 10_000 });
  counts.get('running')?.resolve(1);
  await session.ending(running);
  assert.deepEqual(await stopped, { drained: true });
  assert.ok(events.some(event => event.type === 'warning' && /last endings/.test(event.message)));
});

test('when its gateway leaves, a runner stands on another connection before it lets the old one go', async t => {
  const { gateway, runner, events, counts } = await stage(t, { concurrency: 1 });
  const features = { features: { drain: {}, endings: {}, attempts: { acceptMs: 2_000 } } };
  const old = await gateway.greeted([SOURCE], features);
  const running = count(old, 'running');
  await until(() => counts.has('running'));
  old.send({ type: 'drain' });
  const next = await gateway.session();
  await next.next('hello');
  // Not yet greeted there: the old one stays.
  assert.equal(
    old.frames.some(frame => frame.type === 'drain'),
    false,
  );
  assert.equal(runner.status.connected, true);
  next.send({ type: 'hello-ack', serverVersion: 1, assignedSources: [SOURCE], ...features });
  await old.next('drain');
  // Its room is that of the runner, not of a connection.
  const beyond = count(next, 'beyond');
  assert.deepEqual(await next.next('reject'), { type: 'reject', id: beyond, reason: 'busy' });
  counts.get('running')?.resolve(7);
  assert.equal((await old.ending(running)).type, 'done');
  old.send({ type: 'ended', count: 1 });
  assert.equal((await old.closed).code, 1000);
  const after = count(next, 'after');
  await until(() => counts.has('after'));
  counts.get('after')?.resolve(1);
  assert.equal((await next.ending(after)).type, 'done');
  assert.equal(
    events.some(event => event.type === 'disconnected'),
    false,
  );
  assert.deepEqual(
    events.filter(({ type }) => type === 'gateway-leaving' || type === 'connected').map(({ type }) => type),
    ['connected', 'gateway-leaving', 'connected'],
  );
});

test('a gateway that says it leaves with nothing agreed on that is not left', async t => {
  const { gateway, events } = await stage(t);
  const session = await gateway.greeted([SOURCE]);
  session.send({ type: 'drain' });
  session.send({ type: 'ping' });
  await session.next('heartbeat');
  assert.equal(
    events.some(event => event.type === 'gateway-leaving'),
    false,
  );
});

test('a gateway that leaves with no other in its place is held until it closes, then looked for', async t => {
  const gateway = await openScriptedGateway(t, () => (refusing ? { status: 503 } : undefined));
  let refusing = false;
  const events: RunnerEvent[] = [];
  const runner = startRunner({
    gatewayUrl: gateway.url,
    runnerId: 'edge',
    authToken: 'rk_test',
    env: {},
    onEvent: event => events.push(event),
  });
  t.after(() => runner.cancel());
  const session = await gateway.greeted([], { features: { drain: {} } });
  refusing = true;
  session.send({ type: 'drain' });
  await until(() => events.some(event => event.type === 'retrying'));
  assert.equal(runner.status.connected, true);
  session.socket.close(1001, 'gateway shutting down');
  await until(() => events.some(event => event.type === 'disconnected'));
  assert.equal(runner.status.connected, false);
  refusing = false;
  await gateway.greeted();
});

test('a runner that is stopped while its gateway leaves ends the jobs of both connections', async t => {
  const { gateway, runner, counts } = await stage(t);
  const features = { features: { drain: {} } };
  const old = await gateway.greeted([SOURCE], features);
  const first = count(old, 'first');
  await until(() => counts.has('first'));
  old.send({ type: 'drain' });
  const next = await gateway.greeted([SOURCE], features);
  const second = count(next, 'second');
  await until(() => counts.has('second'));
  const stopped = runner.stop({ gracePeriodMs: 10_000 });
  await next.next('drain');
  counts.get('first')?.resolve(1);
  counts.get('second')?.resolve(2);
  assert.equal((await old.ending(first)).type, 'done');
  assert.equal((await next.ending(second)).type, 'done');
  assert.deepEqual(await stopped, { drained: true });
  assert.equal((await old.closed).code, 1000);
  assert.equal((await next.closed).code, 1000);
});
