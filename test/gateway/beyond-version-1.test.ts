/** What a gateway and a runner may agree on: raw runners that offer it, against the real gateway. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { type TestContext, test } from 'node:test';
import { bufferGarbage } from '../../src/platform/buffer-garbage.ts';
import { encodeRows } from '../../src/protocol/raw-rows.ts';
import { FakeClock } from '../support/fake-clock.ts';
import { openGateway, type TestGateway } from '../support/gateway.ts';
import { askRows, checkHistory } from '../support/history.ts';
import { dialBare } from '../support/raw-websocket.ts';
import { connectScripted, dialRaw, type Frame, type ScriptedRunner } from '../support/scripted-runner.ts';

const ask = { target: 'orders' };

function answer(runner: ScriptedRunner, job: Frame, rows: unknown[]): void {
  runner.send({ type: 'chunk', id: job.id, rows });
  runner.send({ type: 'done', id: job.id });
}

interface Stage extends TestGateway {
  connect(features: Record<string, unknown>, extra?: Record<string, unknown>): Promise<ScriptedRunner>;
}

async function stage(t: TestContext, clock?: FakeClock): Promise<Stage> {
  const gateway = await openGateway(t, clock ? { clock } : {});
  const { token, runnerId } = await gateway.shop();
  return {
    ...gateway,
    connect: (features, extra = {}) =>
      connectScripted(t, gateway.connectUrl, token, runnerId, { features, ...extra }),
  };
}

test('what was offered is confirmed with its limits, what was not is never sent', async t => {
  const { connect, ask: request } = await stage(t);
  const everything = { concurrency: { limit: 9_999 }, drain: {}, credit: {}, rawRows: {}, caller: {} };
  const runner = await connect({ ...everything, attempts: {}, endings: {}, fastPing: {}, teleport: {} });
  assert.deepEqual(runner.frames[0]?.features, {
    concurrency: { limit: 1_024 },
    drain: {},
    credit: { windowBytes: 1_048_576, grantBytes: 65_536 },
    rawRows: {},
    caller: {},
    attempts: { acceptMs: 2_000 },
    endings: {},
    fastPing: { pingMs: 3_000, deadMs: 7_000 },
  });
  const reply = request('POST', '/v1/sources/shop/query', ask);
  const job = await runner.next('job');
  assert.equal(job.attempt, 1);
  answer(runner, job, []);
  await reply;
  runner.socket.terminate();

  const plain = await connect({});
  const second = request('POST', '/v1/sources/shop/query', ask);
  const old = await plain.next('job');
  assert.deepEqual(Object.keys(old).sort(), ['deadlineMs', 'id', 'params', 'type']);
  answer(plain, old, []);
  assert.equal((await second).status, 200);
});

test('a job that a runner hands back as busy goes to another, and to the first again once one of its jobs has ended', async t => {
  const { connect, ask: request } = await stage(t);
  const busy = await connect({ attempts: {} });
  const reply = request('POST', '/v1/sources/shop/query', ask);
  const refused = await busy.next('job');
  const free = await connect({ attempts: {} });
  busy.send({ type: 'reject', id: refused.id, reason: 'busy' });
  const taken = await free.next('job');
  assert.equal(taken.attempt, 2);
  // What the first says of it now is nobody's any more.
  answer(busy, refused, [{ from: 'the first' }]);
  answer(free, taken, [{ from: 'the second' }]);
  assert.deepEqual((await reply).json.rows, [{ from: 'the second' }]);
});

test('a job that was taken cannot be handed back: its rows are of one attempt', async t => {
  const { connect, gateway, key } = await stage(t);
  const first = await connect({ attempts: {} });
  const seen = askRows({ url: gateway.url, key }, { source: 'shop', target: 'orders' });
  const { id } = await first.next('job');
  first.send({ type: 'chunk', id, rows: [{ id: 1, from: 'the first' }] });
  const second = await connect({ attempts: {} });
  first.send({ type: 'reject', id, reason: 'busy' });
  first.send({ type: 'chunk', id, rows: [{ id: 2, from: 'the first' }] });
  first.send({ type: 'done', id });
  second.next('job').then(
    job => answer(second, job, [{ from: 'the second' }]),
    () => {},
  );
  checkHistory(await seen, { total: 2 });
});

test('a runner that did not agree on it hands nothing back', async t => {
  const { connect, ask: request } = await stage(t);
  const runner = await connect({});
  const reply = request('POST', '/v1/sources/shop/query', ask);
  const job = await runner.next('job');
  runner.send({ type: 'reject', id: job.id, reason: 'draining' });
  answer(runner, job, [{ n: 1 }]);
  assert.deepEqual((await reply).json.rows, [{ n: 1 }]);
});

test('a job that the only runner hands back waits, and is offered again', async t => {
  const clock = new FakeClock();
  const { connect, ask: request } = await stage(t, clock);
  const runner = await connect({ attempts: {} });
  const reply = request('POST', '/v1/sources/shop/query', ask);
  for (let attempt = 1; attempt <= 5; attempt++) {
    const job = await runner.next('job');
    assert.equal(job.attempt, attempt);
    if (attempt === 5) answer(runner, job, [{ ok: true }]);
    else {
      runner.send({ type: 'reject', id: job.id, reason: 'busy' });
      await clockUntil(clock, () => runner.frames.filter(one => one.type === 'job').length > attempt);
    }
  }
  assert.deepEqual((await reply).json.rows, [{ ok: true }]);
});

test('a runner that hands a job back because it leaves is given no other', async t => {
  const { connect, ask: request } = await stage(t);
  const leaving = await connect({ attempts: {} });
  const reply = request('POST', '/v1/sources/shop/query', ask);
  leaving.send({ type: 'reject', id: (await leaving.next('job')).id, reason: 'draining' });
  const { status, json } = await reply;
  assert.deepEqual([status, json.code], [503, 'no_runners_online']);
});

test('a job that is not taken within two seconds goes to a runner that answers, and the first is told', async t => {
  const clock = new FakeClock();
  const { connect, ask: request } = await stage(t, clock);
  const silent = await connect({ attempts: {} });
  const reply = request('POST', '/v1/sources/shop/query', ask);
  const before = await silent.next('job');
  const other = await connect({ attempts: {} });
  await clock.advance(1_900);
  heardNo('job', other);
  await clock.advance(1_000);
  const after = await other.next('job');
  assert.equal((await silent.next('cancel')).id, before.id);
  // A runner that has not answered is the last to be asked.
  const second = request('POST', '/v1/sources/shop/query', ask);
  const next = await other.next('job');
  answer(silent, before, [{ late: true }]);
  answer(other, after, [{ n: 1 }]);
  answer(other, next, [{ n: 2 }]);
  assert.deepEqual((await reply).json.rows, [{ n: 1 }]);
  assert.deepEqual((await second).json.rows, [{ n: 2 }]);
});

test('a gateway that stood still reads what came meanwhile before it says that a job was not taken', async t => {
  const clock = new FakeClock();
  const { connect, ask: request } = await stage(t, clock);
  const taker = await connect({ attempts: {} });
  const reply = request('POST', '/v1/sources/shop/query', ask);
  const job = await taker.next('job');
  const other = await connect({ attempts: {} });
  await clock.advance(1_000);
  await standStill(() => {
    taker.send({ type: 'accept', id: job.id });
    clock.stall(5_000);
  });
  await clock.advance(2_000);
  heardNo('job', other);
  answer(taker, job, [{ n: 1 }]);
  assert.deepEqual((await reply).json.rows, [{ n: 1 }]);
});

test('a hello that came while the gateway stood still is answered, however late it is', async t => {
  const clock = new FakeClock();
  const gateway = await openGateway(t, { clock });
  const { token, runnerId } = await gateway.shop();
  const runner = await dialRaw(t, gateway.connectUrl, token);
  await standStill(() => {
    runner.send({ type: 'hello', version: 1, runnerId, capabilities: [] });
    clock.stall(6_000);
  });
  await runner.next('hello-ack');
});

test('a job that was taken stays, however long it takes', async t => {
  const clock = new FakeClock();
  const { connect, ask: request } = await stage(t, clock);
  const slow = await connect({ attempts: {} });
  const reply = request('POST', '/v1/sources/shop/query', ask);
  const job = await slow.next('job');
  const other = await connect({ attempts: {} });
  slow.send({ type: 'accept', id: job.id });
  for (let second = 0; second < 6; second++) {
    slow.socket.ping();
    await clock.advance(1_000);
  }
  heardNo('job', other);
  answer(slow, job, [{ n: 1 }]);
  assert.deepEqual((await reply).json.rows, [{ n: 1 }]);
});

test('a leaving runner hears how many of its endings have come; one that did not ask hears nothing', async t => {
  const { connect, ask: request } = await stage(t);
  const runner = await connect({ drain: {}, endings: {} });
  const first = request('POST', '/v1/sources/shop/query', ask);
  answer(runner, await runner.next('job'), []);
  await first;
  heardNo('ended', runner);
  const second = request('POST', '/v1/sources/shop/query', ask);
  const job = await runner.next('job');
  runner.send({ type: 'drain' });
  assert.equal((await runner.next('ended')).count, 1);
  answer(runner, job, []);
  assert.equal((await runner.next('ended')).count, 2);
  assert.equal((await second).status, 200);
  runner.socket.terminate();

  const old = await connect({ drain: {} });
  const third = request('POST', '/v1/sources/shop/query', ask);
  const last = await old.next('job');
  old.send({ type: 'drain' });
  answer(old, last, []);
  await third;
  heardNo('ended', old);
});

test('a runner that says it leaves with nothing agreed on that is given jobs as before', async t => {
  const { connect, ask: request } = await stage(t);
  const runner = await connect({});
  runner.send({ type: 'drain' });
  // A round trip later it has been read.
  runner.socket.ping();
  await once(runner.socket, 'pong');
  const reply = request('POST', '/v1/sources/shop/query', ask);
  answer(runner, await runner.next('job'), [{ ok: true }]);
  assert.deepEqual((await reply).json.rows, [{ ok: true }]);
});

test('while a job is under way a silent runner is found in seven seconds, and its job moved', async t => {
  const clock = new FakeClock();
  const { connect, ask: request } = await stage(t, clock);
  const silent = await connect({ fastPing: {} });
  const reply = request('POST', '/v1/sources/shop/query', ask);
  await silent.next('job');
  silent.socket.pause();
  const other = await connect({});
  await clock.advance(7_250);
  const moved = await other.next('job');
  answer(other, moved, [{ ok: true }]);
  assert.deepEqual((await reply).json.rows, [{ ok: true }]);
  silent.socket.resume();
  assert.equal((await silent.closed).code, 4408);
});

test('a gateway that leaves tells the runners that understand first, and lets their jobs end', async t => {
  const { connect, ask: request, gateway } = await stage(t);
  const runner = await connect({ drain: {} });
  const old = await connect({});
  const replies = [0, 1].map(() => request('POST', '/v1/sources/shop/query', ask));
  const jobs = await Promise.all([runner.next('job'), old.next('job')]);
  const closed = gateway.close({ gracePeriodMs: 10_000 });
  await runner.next('drain');
  answer(runner, jobs[0] as Frame, [{ n: 1 }]);
  answer(old, jobs[1] as Frame, [{ n: 1 }]);
  for (const reply of replies) assert.equal((await reply).status, 200);
  await closed;
  assert.equal((await runner.closed).code, 1001);
  heardNo('drain', old);
});

test('an answer of which nothing has left begins again when its runner is lost, with no row of the first', async t => {
  const { connect, ask: request } = await stage(t);
  const first = await connect({});
  const reply = request('POST', '/v1/sources/shop/query', ask);
  const before = await first.next('job');
  first.send({ type: 'chunk', id: before.id, rows: [{ n: 1 }, { n: 2 }] });
  await untilRows(request, 2);
  const second = await connect({});
  first.socket.terminate();
  answer(second, await second.next('job'), [{ n: 1 }]);
  const { status, json } = await reply;
  assert.deepEqual([status, json.rows, json.meta.count], [200, [{ n: 1 }], 1]);

  const again = request('POST', '/v1/sources/shop/query', ask);
  const partly = await second.next('job');
  second.send({ type: 'chunk', id: partly.id, rows: [{ n: 1 }] });
  await untilRows(request, 1);
  const third = await connect({});
  second.socket.terminate();
  answer(third, await third.next('job'), []);
  assert.deepEqual((await again).json.rows, []);
});

test('a caller that takes nothing of a version 1 runner for half a minute is cut, and the runner is read again', async t => {
  const clock = new FakeClock();
  const { connect, ask: request, gateway, key } = await stage(t, clock);
  const runner = await connect({});
  const answered = fetch(`${gateway.url}/v1/sources/shop/query`, {
    method: 'POST',
    headers: {
      accept: 'application/x-ndjson',
      authorization: `Bearer ${key}`,
      'content-type': 'application/json',
    },
    body: JSON.stringify({ ...ask, deadlineMs: 600_000 }),
  });
  const job = await runner.next('job');
  const row = { text: 'x'.repeat(1_000_000) };
  for (let n = 0; n < 40; n++) runner.send({ type: 'chunk', id: job.id, rows: [row] });
  const response = await answered;
  // Half a minute of a clock that nobody sets. It begins when the caller's last buffer is full, which is soon.
  clock.jumpedMs = 3_600_000;
  await clock.advance(25_000);
  const first = async () => (await request('GET', '/v1/jobs')).json.items[0];
  assert.equal((await first())?.state, 'running');
  await until(async () => {
    await clock.advance(1_000);
    return (await first())?.state === 'failed';
  });
  const failure = (await first())?.error as { code: string; message: string } | undefined;
  assert.equal(failure?.code, 'slow_consumer');
  assert.match(failure.message, /took no rows for 3[01] s/);
  assert.equal((await runner.next('cancel')).id, job.id);
  await until(() => runner.socket.bufferedAmount === 0);
  await response.body?.cancel();
});

test('every byte of a runner is read in shares, and the collector told of it: rows as text and rows as lines', async t => {
  const { connect, ask: request } = await stage(t);
  const told = t.mock.method(bufferGarbage, 'passedOn');
  const bytesTold = (): number =>
    told.mock.calls.reduce((sum, { arguments: [bytes] }) => sum + (bytes as number), 0);
  const row = { text: 'x'.repeat(300_000) };
  const lines = await connect({ rawRows: {} });
  const reply = request('POST', '/v1/sources/shop/query', ask);
  const { id } = await lines.next('job');
  for (let n = 0; n < 4; n++)
    lines.socket.send(encodeRows(String(id), 1, Buffer.from(`${JSON.stringify(row)}\n`)));
  lines.send({ type: 'done', id });
  assert.equal((await reply).json.meta.count, 4);
  assert.ok(bytesTold() > 1_200_000, `${bytesTold()} bytes`);
  lines.socket.terminate();

  const text = await connect({});
  told.mock.resetCalls();
  const second = request('POST', '/v1/sources/shop/query', ask);
  answer(text, await text.next('job'), [row, row]);
  assert.equal((await second).status, 200);
  assert.ok(bytesTold() > 600_000, `${bytesTold()} bytes`);
});

test('a flood of frames that nothing comes of ends its connection alone', async t => {
  const { connect, ask: request } = await stage(t);
  const flood = await connect({});
  const other = await connect({});
  for (let n = 0; n < 25_000; n++) flood.send({ type: 'done', id: `nobody-${n}` });
  const { code, reason } = await flood.closed;
  assert.equal(code, 4429);
  assert.match(reason, /retry-after=\d+/);
  const reply = request('POST', '/v1/sources/shop/query', ask);
  answer(other, await other.next('job'), [{ ok: true }]);
  assert.deepEqual((await reply).json.rows, [{ ok: true }]);
});

test('one runner has so many sessions and not one more', async t => {
  // However long a busy machine takes to connect them, none falls silent meanwhile.
  const gateway = await openGateway(t, { clock: new FakeClock() });
  const { token, runnerId } = await gateway.shop();
  const hello = { type: 'hello', version: 1, runnerId, capabilities: [] };
  const connect = async () => {
    const { peer } = await dialBare(t, gateway.gateway.port, token);
    peer.json(hello);
    await peer.message('hello-ack');
  };
  for (let n = 0; n < 1_024; n += 64) await Promise.all(Array.from({ length: 64 }, connect));
  const beyond = await dialRaw(t, gateway.connectUrl, token);
  beyond.send(hello);
  const { code, reason } = await beyond.closed;
  assert.equal(code, 4429);
  assert.match(reason, /retry-after=\d+/);
});

test('a token tried on other runners is told to wait, and its own runner is let in all the same', async t => {
  const gateway = await openGateway(t);
  const { token, runnerId } = await gateway.shop();
  const codes = new Set<number>();
  for (let n = 0; n < 101; n++) {
    const guess = await dialRaw(t, gateway.connectUrl, token);
    guess.send({ type: 'hello', version: 1, runnerId: `guess-${n}`, capabilities: [] });
    codes.add((await guess.closed).code);
  }
  assert.deepEqual([...codes], [4403, 4429]);
  await connectScripted(t, gateway.connectUrl, token, runnerId);
});

function heardNo(type: string, runner: ScriptedRunner): void {
  assert.deepEqual(
    runner.frames.filter(frame => frame.type === type),
    [],
  );
}

/** Does so where a loop fires the timers that fell due: what came in is read after them. */
async function standStill(meanwhile: () => void): Promise<void> {
  await new Promise<void>(resolve => {
    setTimeout(() => {
      meanwhile();
      resolve();
    }, 1);
  });
}

async function untilRows(request: TestGateway['ask'], rows: number): Promise<void> {
  await until(async () => {
    const [newest] = (await request('GET', '/v1/jobs')).json.items as { rows: unknown }[];
    return newest?.rows === rows;
  });
}

/** Waits for something that a real socket will bring about. */
async function until(holds: () => boolean | Promise<boolean>): Promise<void> {
  while (!(await holds())) await new Promise(resolve => setTimeout(resolve, 5));
}

/** As `until`, for what a turn of the clock and a socket bring about together. */
async function clockUntil(clock: FakeClock, holds: () => boolean): Promise<void> {
  while (!holds()) await clock.advance(50);
}
