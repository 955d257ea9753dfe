/** A raw runner of version 1 against the real gateway: handshake, refusals, rotation, assignments. */
import assert from 'node:assert/strict';
import { request } from 'node:http';
import { test } from 'node:test';
import { deferred } from '../support/deferred.ts';
import { FakeClock } from '../support/fake-clock.ts';
import { openGateway } from '../support/gateway.ts';
import { connectScripted, dialRaw, refusedUpgrade } from '../support/scripted-runner.ts';

test('a version 1 runner is acknowledged in version 1 and answers a query', async t => {
  const { ask, shop, connectUrl } = await openGateway(t);
  const { token, runnerId } = await shop();
  const runner = await connectScripted(t, connectUrl, token, runnerId);
  const ack = runner.frames[0];
  assert.deepEqual(Object.keys(ack ?? {}).sort(), ['assignedSources', 'serverVersion', 'type']);
  assert.equal(ack?.serverVersion, 1);

  const answer = ask('POST', '/v1/sources/shop/query', { target: 'anything' });
  const job = await runner.next('job');
  assert.deepEqual(Object.keys(job).sort(), ['deadlineMs', 'id', 'params', 'type']);
  runner.send({ type: 'chunk', id: job.id, rows: [{ a: 1 }] });
  runner.send({ type: 'unheard-of', id: job.id });
  runner.send({ type: 'chunk', id: job.id, rows: [{ a: 2 }] });
  runner.send({ type: 'done', id: job.id, meta: { count: 2, durationMs: 3 } });
  const { status, json } = await answer;
  assert.equal(status, 200);
  assert.deepEqual(json.rows, [{ a: 1 }, { a: 2 }]);
  assert.deepEqual({ ...json.meta }, { count: 2, durationMs: 3, runnerId });
});

test('a runner that names itself instead of its UUID is taken, in its own letter case only', async t => {
  const { shop, connectUrl } = await openGateway(t);
  const { token, runnerId } = await shop();
  await connectScripted(t, connectUrl, token, 'edge');
  await connectScripted(t, connectUrl, token, runnerId.toUpperCase());
  const capital = await dialRaw(t, connectUrl, token);
  capital.send({ type: 'hello', version: 1, runnerId: 'EDGE', capabilities: [] });
  assert.equal((await capital.closed).code, 4403);
});

test('a token of another runner closes with 4403', async t => {
  const { ask, shop, connectUrl } = await openGateway(t);
  const { token } = await shop();
  await ask('POST', '/v1/runners', { name: 'other' });
  const runner = await dialRaw(t, connectUrl, token);
  runner.send({ type: 'hello', version: 1, runnerId: 'other', capabilities: [] });
  assert.equal((await runner.closed).code, 4403);
});

test('frames out of order or out of shape close with 4400', async t => {
  const { shop, connectUrl } = await openGateway(t);
  const { token, runnerId } = await shop();
  const hello = { type: 'hello', version: 1, runnerId, capabilities: [] };
  const scripts: unknown[][] = [
    ['{'],
    [{ type: 'heartbeat' }],
    [hello, hello],
    [{ ...hello, version: 0 }],
    [{ ...hello, version: 1.5 }],
    [{ ...hello, capabilities: 'all' }],
    [`{"type":"hello","x":${'['.repeat(500_000)}`],
  ];
  for (const script of scripts) {
    const runner = await dialRaw(t, connectUrl, token);
    for (const frame of script) runner.send(frame);
    const { code } = await runner.closed;
    assert.equal(code, 4400, JSON.stringify(script).slice(0, 80));
  }
});

test('a runner that needs a later version than ours is closed with 4406, a later one that does not is taken', async t => {
  const { shop, connectUrl } = await openGateway(t);
  const { token, runnerId } = await shop();
  const later = await connectScripted(t, connectUrl, token, runnerId, { version: 7 });
  assert.equal(later.frames[0]?.serverVersion, 1);
  const runner = await dialRaw(t, connectUrl, token);
  runner.send({ type: 'hello', version: 3, minVersion: 2, runnerId, capabilities: [] });
  const { code, reason } = await runner.closed;
  assert.equal(code, 4406);
  assert.match(reason, /1.*2/);
});

test('the same 401 is given to a wrong token, none at all, and one of a runner that was deleted', async t => {
  const { ask, shop, connectUrl } = await openGateway(t);
  const { token } = await shop();
  await ask('DELETE', '/v1/runners/edge');
  const answers = [
    await refusedUpgrade(connectUrl, { authorization: `Bearer ${token}` }),
    await refusedUpgrade(connectUrl, { authorization: 'Bearer rk_wrong' }),
    await refusedUpgrade(connectUrl, { authorization: 'Basic eDp5' }),
    await refusedUpgrade(connectUrl, {}),
  ];
  for (const { status, body } of answers) {
    assert.equal(status, 401);
    assert.equal(body, answers[0]?.body);
    assert.ok(!body.includes(token));
  }
});

test('a token in the query string opens nothing', async t => {
  const { shop, connectUrl } = await openGateway(t);
  const { token } = await shop();
  const { status } = await refusedUpgrade(`${connectUrl}?token=${token}`, {});
  assert.equal(status, 401);
});

test('rotation closes the session with 4401, fails its job, and not one row more is forwarded', async t => {
  const { ask, shop, connectUrl, gateway, key } = await openGateway(t);
  const { token, runnerId } = await shop();
  const runner = await connectScripted(t, connectUrl, token, runnerId);
  const response = await pending(gateway.url, key, async () => {
    const job = await runner.next('job');
    runner.send({ type: 'chunk', id: job.id, rows: [{ row: 1 }] });
    return job.id as string;
  });
  const rotated = await ask('POST', '/v1/runners/edge/rotate', {});
  runner.send({ type: 'chunk', id: response.jobId, rows: [{ row: 2 }] });
  runner.send({ type: 'done', id: response.jobId });
  assert.equal((await runner.closed).code, 4401);
  const { text, clean } = await response.rest();
  assert.equal(clean, false, 'the connection must not end cleanly');
  const lines = text
    .trim()
    .split('\n')
    .map(line => JSON.parse(line));
  assert.deepEqual(lines[0], { row: 1 });
  assert.equal(lines.length, 2);
  assert.equal(lines[1].$error.code, 'runner_failed');
  assert.equal(lines[1].$error.rows, 1);
  assert.equal((await refusedUpgrade(connectUrl, { authorization: `Bearer ${token}` })).status, 401);
  await connectScripted(t, connectUrl, rotated.json.token, runnerId);
});

test('an overlap keeps the old token for its time, then ends its sessions; a further rotation ends the oldest', async t => {
  const { ask, shop, connectUrl } = await openGateway(t);
  const { token, runnerId } = await shop();
  const first = await connectScripted(t, connectUrl, token, runnerId);
  const rotated = await ask('POST', '/v1/runners/edge/rotate', { overlapMs: 1_000 });
  assert.notEqual(rotated.json.previousExpiresAt, null);
  const second = await connectScripted(t, connectUrl, rotated.json.token, runnerId);
  await connectScripted(t, connectUrl, token, runnerId);
  const shown = await ask('GET', '/v1/runners/edge');
  assert.equal(shown.json.sessions.length, 3);
  assert.equal((await first.closed).code, 4401);
  assert.equal((await refusedUpgrade(connectUrl, { authorization: `Bearer ${token}` })).status, 401);
  assert.equal(second.socket.readyState, second.socket.OPEN);

  const third = await ask('POST', '/v1/runners/edge/rotate', { overlapMs: 60_000 });
  await ask('POST', '/v1/runners/edge/rotate', { overlapMs: 60_000 });
  assert.equal((await second.closed).code, 4401);
  await connectScripted(t, connectUrl, third.json.token, runnerId);
});

test('revoking and deleting end every session of the runner at once', async t => {
  const { ask, shop, connectUrl } = await openGateway(t);
  const { token, runnerId } = await shop();
  const one = await connectScripted(t, connectUrl, token, runnerId);
  const two = await connectScripted(t, connectUrl, token, runnerId);
  const revoked = await ask('POST', '/v1/runners/edge/revoke');
  assert.equal(revoked.json.status, 'revoked');
  assert.deepEqual(revoked.json.sessions, []);
  assert.equal((await one.closed).code, 4401);
  assert.equal((await two.closed).code, 4401);
  assert.equal((await ask('POST', '/v1/runners/edge/revoke')).status, 200);
  assert.equal((await ask('POST', '/v1/runners/edge/rotate')).status, 409);
  assert.equal((await ask('DELETE', '/v1/runners/edge')).status, 204);
  assert.equal((await ask('POST', '/v1/runners', { name: 'edge' })).status, 201);
});

test('revoking a runner of several sessions ends each answer where it is, and moves what has not begun once', async t => {
  const { ask, shop, connectUrl, gateway, key } = await openGateway(t);
  const { token, runnerId } = await shop();
  const session = () => connectScripted(t, connectUrl, token, runnerId);
  const sessions = await Promise.all([session(), session(), session()]);
  // One job on each, as each goes to the session with the fewest.
  const begun = sessions.map(async one => {
    const { id } = await one.next('job');
    one.send({ type: 'chunk', id, rows: [{ row: 1 }] });
    return id as string;
  });
  const answers = [];
  for (const _ of sessions) answers.push(await pending(gateway.url, key, async () => ''));
  const jobIds = await Promise.all(begun);
  const moved = ask('POST', '/v1/sources/shop/query', { target: 'orders' });
  await Promise.race(sessions.map(one => one.next('job')));
  const other = await ask('POST', '/v1/runners', { name: 'other' });
  await ask('POST', '/v1/runners/other/sources', { sources: ['shop'] });
  const survivor = await connectScripted(t, connectUrl, other.json.token, other.json.id);
  // Whoever does not read learns nothing of it, and goes on sending.
  for (const one of sessions) one.socket.pause();
  await ask('POST', '/v1/runners/edge/revoke', {});
  for (const one of sessions) {
    for (const id of jobIds) one.send({ type: 'chunk', id, rows: [{ row: 2 }] });
    one.socket.resume();
    assert.equal((await one.closed).code, 4401);
  }
  for (const { rest } of answers) {
    const { text, clean } = await rest();
    assert.equal(clean, false);
    const [row, ending, ...more] = text.trimEnd().split('\n');
    assert.deepEqual([row, more], ['{"row":1}', []]);
    assert.match(ending ?? '', /"runner_failed"/);
  }
  const { id } = await survivor.next('job');
  survivor.send({ type: 'chunk', id, rows: [{ row: 3 }] });
  survivor.send({ type: 'done', id });
  assert.deepEqual((await moved).json.rows, [{ row: 3 }]);
  const { items } = (await ask('GET', '/v1/jobs?limit=1')).json;
  assert.equal(items[0]?.attempts, 2);
});

test('a change of assignments reaches the connected runner before it is acknowledged', async t => {
  const { ask, shop, connectUrl } = await openGateway(t);
  const { token, runnerId } = await shop();
  const runner = await connectScripted(t, connectUrl, token, runnerId);
  await ask('POST', '/v1/sources', { name: 'crm', bridge: 'postgres', credentialsLocation: 'runner-local' });
  await ask('POST', '/v1/runners/edge/sources', { sources: ['crm'] });
  const changed = await runner.next('assignments-changed');
  assert.deepEqual(
    (changed.assignedSources as { name: string }[]).map(source => source.name),
    ['crm', 'shop'],
  );
  assert.ok(!('config' in (changed.assignedSources as object[])[0]!));
});

test('status goes from never connected to online to offline as the session comes and goes', async t => {
  const { ask, shop, connectUrl } = await openGateway(t);
  const { token, runnerId } = await shop();
  const status = async () => (await ask('GET', '/v1/runners/edge')).json.status as string;
  assert.equal(await status(), 'never connected');
  const runner = await connectScripted(t, connectUrl, token, runnerId);
  assert.equal(await status(), 'online');
  runner.socket.close(1000);
  await runner.closed;
  assert.equal(await status(), 'offline');
});

/** A streamed query whose first row has arrived: `begin` plays the runner up to then. */
async function pending(url: string, key: string, begin: () => Promise<string>) {
  let text = '';
  const ended = deferred<boolean>();
  const firstRow = deferred<void>();
  const outgoing = request(`${url}/v1/sources/shop/query`, {
    method: 'POST',
    headers: {
      authorization: `Bearer ${key}`,
      accept: 'application/x-ndjson',
      'content-type': 'application/json',
    },
  });
  outgoing.on('response', response => {
    response.setEncoding('utf8').on('data', chunk => {
      text += chunk;
      firstRow.resolve();
    });
    response.on('error', () => {});
    response.on('close', () => ended.resolve(response.complete));
  });
  outgoing.end(JSON.stringify({ target: 'orders' }));
  const jobId = await begin();
  await firstRow.promise;
  return { jobId, rest: async () => ({ clean: await ended.promise, text }) };
}

test('a runner that is not heard for 12 s is told, and cut without waiting for its answer', async t => {
  const clock = new FakeClock();
  const { shop, connectUrl, ask } = await openGateway(t, { clock });
  const { token, runnerId } = await shop();
  const runner = await connectScripted(t, connectUrl, token, runnerId);
  // It answers nothing, neither the ping nor the close frame.
  runner.socket.pause();
  await clock.advance(12_250);
  const { json } = await ask('GET', '/v1/runners/edge');
  assert.deepEqual([json.status, json.sessions], ['offline', []]);
  runner.socket.resume();
  assert.equal((await runner.closed).code, 4408);
});

test('a runner ID of nothing is another runner, and control frames are text', async t => {
  const { shop, connectUrl, ask } = await openGateway(t);
  const { token, runnerId } = await shop();
  const nobody = await dialRaw(t, connectUrl, token);
  nobody.send({ type: 'hello', version: 1, runnerId: '', capabilities: [] });
  assert.equal((await nobody.closed).code, 4403);

  const binary = await dialRaw(t, connectUrl, token);
  const hello = { type: 'hello', version: 1, runnerId, capabilities: [] };
  binary.socket.send(Buffer.from(JSON.stringify(hello)));
  binary.send(hello);
  await binary.next('hello-ack');
  const answer = ask('POST', '/v1/sources/shop/query', { target: 'anything' });
  const { id } = await binary.next('job');
  binary.socket.send(Buffer.from(JSON.stringify({ type: 'chunk', id, rows: [{ from: 'binary' }] })));
  binary.socket.send(Buffer.from(JSON.stringify({ type: 'error', id, code: 'INTERNAL', message: '' })));
  binary.send({ type: 'chunk', id, rows: [{ from: 'text' }] });
  binary.send({ type: 'done', id });
  const { status, json } = await answer;
  assert.deepEqual([status, json.rows], [200, [{ from: 'text' }]]);

  const raw = await connectScripted(t, connectUrl, token, runnerId, { features: { rawRows: {} } });
  raw.socket.send(Buffer.from(`${JSON.stringify({ type: 'heartbeat' })}\n`));
  assert.equal((await raw.closed).code, 4400);
});
