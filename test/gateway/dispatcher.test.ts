/** Where a job goes, where it goes next, and its one ending: raw version 1 runners against the real gateway. */
import assert from 'node:assert/strict';
import { connect } from 'node:net';
import { test } from 'node:test';
import { FakeClock } from '../support/fake-clock.ts';
import { openGateway, type TestGateway } from '../support/gateway.ts';
import { connectScripted, type Frame, type ScriptedRunner } from '../support/scripted-runner.ts';

const ask = { target: 'orders' };
const NDJSON = { accept: 'application/x-ndjson' };

function answer(runner: ScriptedRunner, job: Frame, rows: unknown[]): void {
  runner.send({ type: 'chunk', id: job.id, rows });
  runner.send({ type: 'done', id: job.id });
}

test('a job goes to the session with the fewest in flight', async t => {
  const gateway = await openGateway(t);
  const { token, runnerId } = await gateway.shop();
  const one = await connectScripted(t, gateway.connectUrl, token, runnerId);
  const other = await connectScripted(t, gateway.connectUrl, token, runnerId);
  const answers = Array.from({ length: 6 }, () => gateway.ask('POST', '/v1/sources/shop/query', ask));
  for (let turn = 0; turn < 3; turn++) {
    for (const runner of [one, other]) answer(runner, await heldJob(runner, turn), []);
  }
  for (const { status } of await Promise.all(answers)) assert.equal(status, 200);

  /** The first three are answered only when three are there: six jobs, three on each. */
  async function heldJob(runner: ScriptedRunner, turn: number): Promise<Frame> {
    if (turn === 0) while (jobsOf(runner).length < 3) await runner.next('job');
    return jobsOf(runner)[turn] as Frame;
  }
});

test('a job whose runner is lost before the caller has seen a row goes to another, under another id', async t => {
  const gateway = await openGateway(t);
  const { token, runnerId } = await gateway.shop();
  const first = await connectScripted(t, gateway.connectUrl, token, runnerId);
  const reply = gateway.ask('POST', '/v1/sources/shop/query', ask);
  const before = await first.next('job');
  const second = await connectScripted(t, gateway.connectUrl, token, runnerId);
  first.socket.terminate();
  const after = await second.next('job');
  assert.notEqual(after.id, before.id);
  assert.deepEqual(after.params, before.params);
  assert.ok((after.deadlineMs as number) <= (before.deadlineMs as number));
  // What belongs to the attempt that was lost is nobody's any more.
  second.send({ type: 'chunk', id: before.id, rows: [{ from: 'the first attempt' }] });
  second.send({ type: 'done', id: before.id });
  answer(second, after, [{ from: 'the second' }]);
  const { status, json } = await reply;
  assert.equal(status, 200);
  assert.deepEqual(json.rows, [{ from: 'the second' }]);
  const jobs = await gateway.ask('GET', '/v1/jobs');
  assert.equal(jobs.json.items[0]?.attempts, 2);
});

test('a job that a leaving runner hands back goes to another', async t => {
  const gateway = await openGateway(t);
  const { token, runnerId } = await gateway.shop();
  const leaving = await connectScripted(t, gateway.connectUrl, token, runnerId, { features: { drain: {} } });
  const reply = gateway.ask('POST', '/v1/sources/shop/query', ask);
  const job = await leaving.next('job');
  const staying = await connectScripted(t, gateway.connectUrl, token, runnerId);
  leaving.send({ type: 'drain' });
  leaving.send({ type: 'error', id: job.id, code: 'CANCELLED', message: 'stopping' });
  answer(staying, await staying.next('job'), [{ ok: true }]);
  assert.deepEqual((await reply).json.rows, [{ ok: true }]);
});

test('a draining runner is given no new job', async t => {
  const gateway = await openGateway(t);
  const { token, runnerId } = await gateway.shop();
  const leaving = await connectScripted(t, gateway.connectUrl, token, runnerId, { features: { drain: {} } });
  leaving.send({ type: 'drain' });
  await untilStatus(gateway, 'draining');
  const alone = await gateway.ask('POST', '/v1/sources/shop/query', ask);
  assert.equal(alone.status, 503);
  assert.equal(alone.json.code, 'no_runners_online');
  const staying = await connectScripted(t, gateway.connectUrl, token, runnerId);
  const reply = gateway.ask('POST', '/v1/sources/shop/query', ask);
  answer(staying, await staying.next('job'), []);
  assert.equal((await reply).status, 200);
  assert.equal(jobsOf(leaving).length, 0);
});

test('a job that three runners in turn were lost with fails with runner_failed', async t => {
  const gateway = await openGateway(t);
  const { token, runnerId } = await gateway.shop();
  let current = await connectScripted(t, gateway.connectUrl, token, runnerId);
  const reply = gateway.ask('POST', '/v1/sources/shop/query', ask);
  for (let attempt = 1; attempt <= 3; attempt++) {
    await current.next('job');
    const next = await connectScripted(t, gateway.connectUrl, token, runnerId);
    current.socket.terminate();
    current = next;
  }
  const { status, json } = await reply;
  assert.equal(status, 502);
  assert.equal(json.code, 'runner_failed');
  assert.equal(jobsOf(current).length, 0);
});

test('a runner lost after the first row ends the answer with an error line and an unclean end', async t => {
  const gateway = await openGateway(t);
  const { token, runnerId } = await gateway.shop();
  const first = await connectScripted(t, gateway.connectUrl, token, runnerId);
  const second = await connectScripted(t, gateway.connectUrl, token, runnerId);
  const answered = stream(gateway.gateway.url, gateway.key);
  const [owner, job] = await Promise.race([
    first.next('job').then(frame => [first, frame] as const),
    second.next('job').then(frame => [second, frame] as const),
  ]);
  owner.send({ type: 'chunk', id: job.id, rows: [{ n: 1 }, { n: 2 }] });
  const body = await answered;
  assert.equal(await body.line(), '{"n":1}');
  assert.equal(await body.line(), '{"n":2}');
  owner.socket.terminate();
  const last = JSON.parse(await body.line()) as { $error: { code: string; rows: number } };
  assert.equal(last.$error.code, 'runner_failed');
  assert.equal(last.$error.rows, 2);
  await assert.rejects(body.line(), /terminated|aborted|closed/);
});

test('more jobs than the runners take wait their turn, and are answered in it', async t => {
  const gateway = await openGateway(t);
  const { token, runnerId } = await gateway.shop();
  const runner = await connectScripted(t, gateway.connectUrl, token, runnerId, {
    features: { concurrency: { limit: 1 } },
  });
  const answers = [0, 1, 2].map(n => gateway.ask('POST', '/v1/sources/shop/query', { target: `t${n}` }));
  for (let turn = 0; turn < 3; turn++) {
    const job = await runner.next('job');
    assert.equal(jobsOf(runner).length, turn + 1);
    answer(runner, job, []);
  }
  for (const { status } of await Promise.all(answers)) assert.equal(status, 200);
});

test('a full queue is 429 with Retry-After, and has room again when callers leave it', async t => {
  const gateway = await openGateway(t);
  const { token, runnerId } = await gateway.shop();
  const runner = await connectScripted(t, gateway.connectUrl, token, runnerId, {
    features: { concurrency: { limit: 1 } },
  });
  // A thousand bare sockets cost a tenth of a thousand fetches.
  const body = JSON.stringify(ask);
  const request = [
    'POST /v1/sources/shop/count HTTP/1.1',
    `host: 127.0.0.1:${gateway.gateway.port}`,
    `authorization: Bearer ${gateway.key}`,
    'content-type: application/json',
    `content-length: ${body.length}`,
    `\r\n${body}`,
  ].join('\r\n');
  const waiting = Array.from({ length: 1_001 }, () => connect(gateway.gateway.port, '127.0.0.1'));
  for (const socket of waiting) socket.write(request);
  const taken = await runner.next('job');
  await untilQueued(gateway, jobs => jobs === 1_000);
  const { status, json, headers } = await gateway.ask('POST', '/v1/sources/shop/count', ask);
  assert.equal(status, 429);
  assert.equal(json.code, 'too_many_jobs');
  assert.match(headers.get('retry-after') ?? '', /^[1-9]\d*$/);
  for (const socket of waiting) socket.destroy();
  // The runner has ended nothing: it is the callers that left alone who made room.
  await untilQueued(gateway, jobs => jobs === 0);
  const waits = gateway.ask('POST', '/v1/sources/shop/query', ask);
  await untilQueued(gateway, jobs => jobs === 1);
  runner.send({ type: 'error', id: taken.id, code: 'CANCELLED', message: 'told to' });
  answer(runner, await runner.next('job'), []);
  assert.equal((await waits).status, 200);
});

test('past its deadline a job is 504 and the runner is told to cancel', async t => {
  const clock = new FakeClock();
  const gateway = await openGateway(t, { clock });
  const { token, runnerId } = await gateway.shop();
  const runner = await connectScripted(t, gateway.connectUrl, token, runnerId);
  const reply = gateway.ask('POST', '/v1/sources/shop/query', { ...ask, deadlineMs: 1_500 });
  const job = await runner.next('job');
  assert.equal(job.deadlineMs, 1_500);
  await clock.advance(1_499);
  assert.equal(runner.frames.at(-1)?.type, 'job');
  await clock.advance(1);
  const { status, json } = await reply;
  assert.equal(status, 504);
  assert.equal(json.code, 'QUERY_TIMEOUT');
  assert.equal((await runner.next('cancel')).id, job.id);
});

test('a caller that leaves cancels its job, and the slot is free when the runner has ended it', async t => {
  const gateway = await openGateway(t);
  const { token, runnerId } = await gateway.shop();
  const runner = await connectScripted(t, gateway.connectUrl, token, runnerId, {
    features: { concurrency: { limit: 1 } },
  });
  const body = stream(gateway.gateway.url, gateway.key);
  const job = await runner.next('job');
  runner.send({ type: 'chunk', id: job.id, rows: [{ n: 1 }] });
  const leaving = await body;
  await leaving.line();
  leaving.abort();
  assert.equal((await runner.next('cancel')).id, job.id);
  const next = gateway.ask('POST', '/v1/sources/shop/query', ask);
  await untilQueued(gateway, jobs => jobs === 1);
  runner.send({ type: 'error', id: job.id, code: 'CANCELLED', message: 'cancelled' });
  answer(runner, await runner.next('job'), [{ n: 2 }]);
  assert.deepEqual((await next).json.rows, [{ n: 2 }]);
});

test('a runner’s own error code is passed on with the status of the contract', async t => {
  const gateway = await openGateway(t);
  const { token, runnerId } = await gateway.shop();
  const runner = await connectScripted(t, gateway.connectUrl, token, runnerId);
  const table: [string, number, string][] = [
    ['SOURCE_QUERY_FAILED', 422, 'SOURCE_QUERY_FAILED'],
    ['SOURCE_UNREACHABLE', 502, 'SOURCE_UNREACHABLE'],
    ['SOURCE_CONFIG_MISSING', 502, 'SOURCE_CONFIG_MISSING'],
    ['SOURCE_NOT_ASSIGNED', 502, 'SOURCE_NOT_ASSIGNED'],
    ['UNSUPPORTED_OPERATOR', 400, 'unsupported_operator'],
    ['UNSUPPORTED_JOB', 502, 'UNSUPPORTED_JOB'],
    ['BRIDGE_NOT_FOUND', 502, 'BRIDGE_NOT_FOUND'],
    ['ROW_TOO_LARGE', 502, 'ROW_TOO_LARGE'],
    ['QUERY_TIMEOUT', 504, 'QUERY_TIMEOUT'],
    ['INTERNAL', 502, 'INTERNAL'],
    ['SOMETHING_NEW', 502, 'SOMETHING_NEW'],
    ['<b>no code</b>', 502, 'INTERNAL'],
  ];
  for (const [sent, status, code] of table) {
    const reply = gateway.ask('POST', '/v1/sources/shop/query', ask);
    const job = await runner.next('job');
    runner.send({ type: 'error', id: job.id, code: sent, message: 'why' });
    const { status: got, json } = await reply;
    assert.deepEqual([sent, got, json.code], [sent, status, code]);
    assert.equal(json.detail, 'why');
  }
});

test('a version 1 runner whose caller does not read is not read either, and goes on when the caller does', async t => {
  const gateway = await openGateway(t);
  const { token, runnerId } = await gateway.shop();
  const runner = await connectScripted(t, gateway.connectUrl, token, runnerId);
  const answered = stream(gateway.gateway.url, gateway.key);
  const job = await runner.next('job');
  const text = 'x'.repeat(1_000_000);
  const total = 64;
  let sent = 0;
  const sending = (async () => {
    for (let n = 0; n < total; n++, sent++) {
      const chunk = JSON.stringify({ type: 'chunk', id: job.id, rows: [{ n, text }] });
      await new Promise(flushed => runner.socket.send(chunk, flushed));
    }
    runner.send({ type: 'done', id: job.id });
  })();
  const body = await answered;
  // 64 MB cannot all be in the sockets' buffers: most of it waits with the runner.
  await steady(gateway, () => sent);
  assert.ok(sent < 48, `${sent} MB were taken`);
  for (let n = 0; n < total; n++) assert.equal((JSON.parse(await body.line()) as { n: number }).n, n);
  assert.equal(await body.line(), '');
  await sending;
});

test('a gateway that stops answers the callers that wait and sends its runners away with 1001', async t => {
  const gateway = await openGateway(t);
  const { token, runnerId } = await gateway.shop();
  const runner = await connectScripted(t, gateway.connectUrl, token, runnerId);
  const reply = gateway.ask('POST', '/v1/sources/shop/query', ask);
  await runner.next('job');
  await gateway.close();
  const { status, json } = await reply;
  assert.deepEqual([status, json.code], [502, 'runner_failed']);
  assert.equal((await runner.closed).code, 1001);
});

function jobsOf(runner: ScriptedRunner): Frame[] {
  return runner.frames.filter(frame => frame.type === 'job');
}

/** Resolves once the gateway has had many turns and what it has taken of a runner has grown in none of them. */
async function steady(gateway: Gateway, taken: () => number): Promise<void> {
  let last = -1;
  for (let still = 0; still < 20; ) {
    await gateway.ask('GET', '/v1/jobs');
    still = taken() === last ? still + 1 : 0;
    last = taken();
  }
}

async function until(condition: () => boolean | Promise<boolean>): Promise<void> {
  while (!(await condition())) await new Promise(resolve => setTimeout(resolve, 20));
}

type Gateway = Awaited<ReturnType<typeof openGateway>>;

async function untilStatus(gateway: Gateway, status: string): Promise<void> {
  await until(async () => (await gateway.ask('GET', '/v1/runners/edge')).json.status === status);
}

async function untilQueued(gateway: Gateway, holds: (jobs: number) => boolean): Promise<void> {
  await until(async () => {
    const { text } = await gateway.ask('GET', '/metrics');
    return holds(Number(/^semilayer_gateway_jobs_queued (\d+)$/m.exec(text)?.[1]));
  });
}

/** An NDJSON answer read by hand: `line` gives the next line, '' at a clean end, and rejects at an unclean one. */
async function stream(url: string, key: string): Promise<{ line: () => Promise<string>; abort: () => void }> {
  const stop = new AbortController();
  const response = await fetch(`${url}/v1/sources/shop/query`, {
    method: 'POST',
    headers: { ...NDJSON, authorization: `Bearer ${key}`, 'content-type': 'application/json' },
    body: JSON.stringify(ask),
    signal: stop.signal,
  });
  assert.equal(response.status, 200);
  const reader = (response.body as ReadableStream<Uint8Array>).getReader();
  const parts: string[] = [];
  const lines: string[] = [];
  const decoder = new TextDecoder();
  return {
    abort: () => stop.abort(),
    async line() {
      while (lines.length === 0) {
        const { done, value } = await reader.read();
        if (done) return '';
        const text = decoder.decode(value, { stream: true });
        const pieces = text.split('\n');
        parts.push(pieces[0] ?? '');
        for (const piece of pieces.slice(1)) {
          lines.push(parts.splice(0).join(''));
          parts.push(piece);
        }
      }
      return lines.shift() as string;
    },
  };
}

test('a job that its runner cancelled is not said to have lost its runner', async t => {
  const gateway = await openGateway(t);
  const { token, runnerId } = await gateway.shop();
  const runner = await connectScripted(t, gateway.connectUrl, token, runnerId);
  const reply = gateway.ask('POST', '/v1/sources/shop/query', ask);
  for (let attempt = 0; attempt < 3; attempt++) {
    const { id } = await runner.next('job');
    runner.send({ type: 'error', id, code: 'CANCELLED', message: 'operator' });
  }
  const { json } = await reply;
  assert.deepEqual([json.code, json.detail], ['runner_failed', 'the runner cancelled the job']);
});

test('an empty chunk is no answer yet: the job can still be moved, and a failure has its status', async t => {
  const gateway = await openGateway(t);
  const { token, runnerId } = await gateway.shop();
  const first = await connectScripted(t, gateway.connectUrl, token, runnerId);
  const reply = gateway.ask('POST', '/v1/sources/shop/query', ask, NDJSON);
  const { id } = await first.next('job');
  // The heartbeat that is seen says that the chunk before it was.
  first.send({ type: 'chunk', id, rows: [] });
  first.send({ type: 'chunk', id, rows: [], total: 3 });
  await seen(gateway, first);
  const second = await connectScripted(t, gateway.connectUrl, token, runnerId);
  first.socket.terminate();
  const failed = reply.then(({ text }) => assert.fail(`the job was not moved: ${text}`));
  const moved = await Promise.race([second.next('job'), failed]);
  second.send({ type: 'chunk', id: moved.id, rows: [] });
  second.send({ type: 'error', id: moved.id, code: 'SOURCE_QUERY_FAILED', message: 'no such table' });
  assert.equal((await reply).status, 422);
});

/** Resolves once the gateway has read what this runner sent before. */
async function seen(gateway: TestGateway, runner: ScriptedRunner): Promise<void> {
  const before = Date.now();
  runner.send({ type: 'heartbeat' });
  for (;;) {
    const { json } = await gateway.ask('GET', '/v1/runners/edge');
    if (json.sessions.some(one => Date.parse(String(one.lastHeartbeatAt)) >= before)) return;
  }
}
