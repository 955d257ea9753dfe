/** Values from outside that break what takes them for ordinary: deadlines, names, rows, the room on a disk. */
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import type { Bridge } from '../../src/bridges/bridge.ts';
import { DemoProcess } from '../../src/commands/demo-process.ts';
import { type RunnerEvent, startRunner } from '../../src/runner/index.ts';
import { openGateway } from '../support/gateway.ts';
import { openProgram } from '../support/program.ts';
import { openScriptedGateway } from '../support/scripted-gateway.ts';
import { connectScripted, type ScriptedRunner } from '../support/scripted-runner.ts';

const BIN = fileURLToPath(new URL('../../bin/semilayer.js', import.meta.url));
const KEY = `sk_${'k'.repeat(40)}`;

/** Our runner at a gateway that says what the test says; its bridge counts and streams as it is told. */
async function scripted(t: TestContext, methods: Partial<Bridge>, sources: unknown[]) {
  const gateway = await openScriptedGateway(t);
  const events: RunnerEvent[] = [];
  class Fake {
    async connect(): Promise<void> {}
    async disconnect(): Promise<void> {}
  }
  Object.assign(Fake.prototype, methods);
  const runner = startRunner({
    gatewayUrl: gateway.url,
    runnerId: 'edge',
    authToken: 'rk_x',
    env: { SEMILAYER_SOURCE_A_B_URL: 'fake:1', SEMILAYER_SOURCE_OTHER_URL: 'fake:2' },
    resolveBridge: () => Fake as never,
    onEvent: event => events.push(event),
  });
  t.after(() => runner.cancel());
  return { session: await gateway.greeted(sources), events };
}

const local = (name: string) => ({ id: name, name, bridge: 'fake', credentialsLocation: 'runner-local' });

let jobs = 0;
async function ask(session: ScriptedRunner, source: unknown, kind: string, deadlineMs: unknown = 30_000) {
  const id = `job-${++jobs}`;
  const job = { kind, target: 'orders', options: {} };
  session.send(
    `{"type":"job","id":"${id}","deadlineMs":${deadlineMs},"params":${JSON.stringify({ source, job })}}`,
  );
  return await session.ending(id);
}

test('deadlines of 0, -1, NaN and 2^31: over at once, no job at all, or as long as it takes', async t => {
  // A timer of 5 ms fires after one that fires at once, and before none that is far away.
  const count = () => new Promise<number>(resolve => setTimeout(() => resolve(7), 5));
  const { session } = await scripted(t, { count }, [local('other')]);
  for (const deadlineMs of ['0', '-1', '-0'])
    assert.equal((await ask(session, local('other'), 'count', deadlineMs)).code, 'QUERY_TIMEOUT', deadlineMs);
  for (const deadlineMs of ['null', '"NaN"', '1e999'])
    assert.equal((await ask(session, local('other'), 'count', deadlineMs)).code, 'INTERNAL', deadlineMs);
  // A Node timer of so much fires at once.
  for (const deadlineMs of ['2147483648', '4294967296', '1e300', '9007199254740993'])
    assert.equal((await ask(session, local('other'), 'count', deadlineMs)).type, 'done', deadlineMs);
  const gateway = await openGateway(t);
  await gateway.shop();
  for (const deadlineMs of [0, -1, 'NaN', null, 1.5, 2 ** 31, 2 ** 53 + 1]) {
    const body = { target: 'orders', deadlineMs };
    const { status, json } = await gateway.ask('POST', '/v1/sources/shop/query', body);
    assert.deepEqual([status, json.code], [400, 'invalid_request'], String(deadlineMs));
  }
});

test('two names that become one variable: both are named, at once and in their jobs, and the rest work', async t => {
  const sources = [local('a-b'), local('a_b'), local('other')];
  const { session, events } = await scripted(t, { count: async () => 7 }, sources);
  for (const source of sources.slice(0, 2)) {
    const { code, message } = await ask(session, source, 'count');
    assert.equal(code, 'SOURCE_CONFIG_MISSING');
    assert.match(String(message), /a-b.*a_b|a_b.*a-b/);
    assert.doesNotMatch(String(message), /fake:/);
  }
  assert.equal((await ask(session, sources[2], 'count')).type, 'done');
  const warnings = events.filter(event => event.type === 'warning');
  assert.ok(warnings.length > 0);
  for (const { message } of warnings) assert.match(message, /SEMILAYER_SOURCE_A_B/);
});

test('a row larger than a frame: ROW_TOO_LARGE after the rows before it, and the connection lives', async t => {
  async function* stream(): ReturnType<NonNullable<Bridge['stream']>> {
    yield [{ id: 1 }];
    yield [{ id: 2, text: 'x'.repeat(17 * 1_048_576) }];
    return undefined;
  }
  const { session } = await scripted(t, { stream, count: async () => 7 }, [local('other')]);
  const ending = await ask(session, local('other'), 'query');
  assert.equal(ending.code, 'ROW_TOO_LARGE');
  assert.deepEqual(session.rowsOf(String(ending.id)), [{ id: 1 }]);
  assert.equal((await ask(session, local('other'), 'count')).type, 'done');
});

test('names of the language in rows and in filters: keys like any other', async t => {
  const gateway = await openGateway(t);
  const { token, runnerId } = await gateway.shop();
  const runner = await connectScripted(t, gateway.connectUrl, token, runnerId);
  const where = '{"target":"orders","where":{"__proto__":{"$eq":1}}}';
  const reply = gateway.ask('POST', '/v1/sources/shop/query', where);
  const { id, params } = await runner.next('job');
  assert.ok(JSON.stringify(params).includes('"where":{"__proto__":{"$eq":1}}'));
  runner.send(`{"type":"chunk","id":"${id}","rows":[{"__proto__":{"polluted":true},"constructor":1}]}`);
  runner.send({ type: 'done', id });
  assert.ok((await reply).text.includes('{"__proto__":{"polluted":true},"constructor":1}'));
  assert.equal(({} as Record<string, unknown>).polluted, undefined);
});

test('disk full: 503 and nothing acknowledged that is not there, reading goes on, and a start with room has it all', async t => {
  const program = await openProgram(t);
  const start = async (limit: string) => {
    const command = `trap '' XFSZ; ${limit} exec "$0" "$@"`;
    const args = ['gateway', '--port', '0', '--data-dir', 'data'];
    const child = new DemoProcess(
      ['/bin/sh', '-c', command, process.execPath, '--', BIN, ...args],
      {
        PATH: process.env.PATH,
        HOME: program.cwd,
        SEMILAYER_CONFIG_DIR: join(program.cwd, 'config'),
        SEMILAYER_API_KEY: KEY,
      },
      program.cwd,
    );
    t.after(() => child.destroy());
    const [, url = ''] = await child.line(/listening on (http:\S+)/);
    return { child, url };
  };
  const send = (url: string, method: string, body?: unknown) =>
    fetch(`${url}/v1/runners`, {
      method,
      headers: { authorization: `Bearer ${KEY}`, 'content-type': 'application/json' },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
  // In blocks of half a kilobyte: no file grows beyond, as on a disk with no more room.
  const full = await start('ulimit -f 800;');
  const acknowledged: string[] = [];
  let refusal: Response | undefined;
  for (let n = 0; !refusal; n++) {
    const answer = await send(full.url, 'POST', { name: `r-${n}` });
    if (answer.status === 201) acknowledged.push(`r-${n}`);
    else refusal = answer;
  }
  assert.deepEqual(
    [refusal.status, ((await refusal.json()) as { code: string }).code],
    [503, 'service_unavailable'],
  );
  assert.ok(acknowledged.length > 0);
  const names = async (url: string) =>
    ((await (await send(`${url}`, 'GET')).json()) as { items: { name: string }[] }).items
      .map(({ name }) => name)
      .sort();
  assert.deepEqual(await names(full.url), acknowledged.sort());
  full.child.kill('SIGKILL');
  await full.child.ended;
  const { url } = await start('');
  assert.deepEqual(await names(url), acknowledged);
  assert.equal((await send(url, 'POST', { name: 'with-room' })).status, 201);
});
