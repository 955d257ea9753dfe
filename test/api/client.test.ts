import assert from 'node:assert/strict';
import type { AddressInfo } from 'node:net';
import { createServer } from 'node:net';
import { type TestContext, test } from 'node:test';
import { type Client, createClient } from '../../src/api/client.ts';
import { AppError } from '../../src/errors.ts';
import { FakeService, ndjson } from '../support/fake-service.ts';

const KEY = 'sk_canary0123456789';

test('sends the key, and JSON both ways', async t => {
  const { service, client } = await start(t);
  service.on('POST /v1/runners', { status: 201, json: { id: 'x' } });
  assert.deepEqual(await client.post('/v1/runners', { name: 'edge' }), { id: 'x' });
  const { key, body, accept } = service.last();
  assert.deepEqual({ key, body, accept }, { key: KEY, body: { name: 'edge' }, accept: 'application/json' });
});

test('walks a list to its end', async t => {
  const { service, client } = await start(t);
  service.on('GET /v1/sources?limit=1000', { json: { items: [1, 2], nextCursor: 'a b' } });
  service.on('GET /v1/sources?limit=1000&cursor=a+b', { json: { items: [3], nextCursor: null } });
  const items: unknown[] = [];
  for await (const page of client.pages('/v1/sources')) items.push(...page);
  assert.deepEqual(items, [1, 2, 3]);
});

test('a problem becomes an error with its code, its detail and its hint', async t => {
  const { service, client } = await start(t);
  service.problem('GET /v1/whoami', 409, 'conflict', { hint: 'do this' });
  await rejects(client.get('/v1/whoami'), 'conflict', { message: 'detail of conflict', hint: 'do this' });
  service.on('GET /v1/whoami', { status: 401, json: { title: 'Unauthorized' } });
  await rejects(client.get('/v1/whoami'), 'unauthorized');
  service.problem('GET /v1/whoami', 429, 'too_many_jobs');
  service.on('GET /v1/whoami', {
    status: 429,
    json: { code: 'too_many_jobs' },
    headers: { 'retry-after': '7' },
  });
  await rejects(client.get('/v1/whoami'), 'too_many_jobs', { hint: 'try again in 7 s' });
});

test('a redirect is not followed: the key stays here', async t => {
  const other = await FakeService.start(t);
  const { service, client } = await start(t);
  service.on('GET /v1/whoami', { status: 307, json: {}, headers: { location: `${other.url}/v1/whoami` } });
  const error = await rejects(client.get('/v1/whoami'), 'service_unreachable');
  assert.ok(error.message.includes(other.url));
  assert.equal(other.requests.length, 0);
});

test('something else that answers there is said to be something else', async t => {
  const { service, client } = await start(t);
  for (const status of [200, 404, 502]) {
    service.on('GET /v1/whoami', { status, json: 'x', headers: { 'content-type': 'text/html' } });
    await rejects(client.get('/v1/whoami'), 'service_unreachable');
  }
});

test('nobody there, and a connection that is dropped at once', async t => {
  await rejects(clientOf('http://127.0.0.1:9').get('/v1/whoami'), 'service_unreachable');
  const server = createServer(socket => socket.destroy()).listen(0, '127.0.0.1');
  t.after(() => server.close());
  await new Promise(listening => server.once('listening', listening));
  const { port } = server.address() as AddressInfo;
  await rejects(clientOf(`http://127.0.0.1:${port}`).get('/v1/whoami'), 'service_unreachable');
});

test('an answer that is cut in the middle is incomplete', async t => {
  const { service, client } = await start(t);
  service.on('GET /v1/whoami', response => {
    response.writeHead(200, { 'content-type': 'application/json' });
    response.write('{"name":', () => response.socket?.destroySoon());
  });
  await rejects(client.get('/v1/whoami'), 'incomplete_response');
});

test('rows come as lines, split anywhere, even inside a character', async t => {
  const { service, client } = await start(t);
  const bytes = Buffer.from('{"a":"é😀"}\n{"a":2}\n');
  service.on('POST /q', response => {
    response.writeHead(200, { 'content-type': 'application/x-ndjson' });
    const send = (index: number): void => {
      if (index === bytes.length) response.end();
      else response.write(bytes.subarray(index, index + 1), () => setImmediate(send, index + 1));
    };
    send(0);
  });
  assert.deepEqual(await lines(client), { rows: ['{"a":"é😀"}', '{"a":2}'], error: undefined });
  assert.equal(service.last().accept, 'application/x-ndjson');
});

test('a failure among the rows ends them with its own code', async t => {
  const { service, client } = await start(t);
  const failure = { $error: { code: 'runner_failed', message: 'lost', rows: 1 } };
  service.on('POST /q', ndjson([{ a: 1 }, failure], 'cut'));
  const { rows, error } = await lines(client);
  assert.deepEqual(rows, ['{"a":1}']);
  assert.equal(error?.code, 'runner_failed');
  assert.equal(error?.message, 'lost');
});

test('a row that looks like a failure is a row when the answer ends as it should', async t => {
  const { service, client } = await start(t);
  service.on('POST /q', ndjson([{ $error: 1 }, { a: 1 }, { $error: { code: 'x' } }]));
  const { rows, error } = await lines(client);
  assert.equal(rows.length, 3);
  assert.equal(error, undefined);
});

test('rows without an ending are incomplete, and half a row is no row', async t => {
  const { service, client } = await start(t);
  service.on('POST /q', ndjson([{ a: 1 }], 'cut'));
  assert.equal((await lines(client)).error?.code, 'incomplete_response');
  service.on('POST /q', response => {
    response.writeHead(200, { 'content-type': 'application/x-ndjson' });
    response.end('{"a":1}\n{"a":');
  });
  const { rows, error } = await lines(client);
  assert.deepEqual(rows, ['{"a":1}']);
  assert.equal(error?.code, 'incomplete_response');
});

test('the service waits while nobody pulls', async t => {
  const { service, client } = await start(t);
  let written = 0;
  let stuck = (): void => {};
  const full = new Promise<void>(resolve => {
    stuck = resolve;
  });
  service.on('POST /q', response => {
    response.writeHead(200, { 'content-type': 'application/x-ndjson' });
    const line = `${JSON.stringify({ a: 'x'.repeat(65_000) })}\n`;
    const more = (): void => {
      let room = true;
      for (; room && written < 10_000; written++) room = response.write(line);
      if (!room) stuck();
    };
    response.on('drain', more);
    more();
  });
  const stream = client.stream('/q', {});
  await stream.next();
  await full;
  await new Promise(resolve => setImmediate(resolve));
  assert.ok(written < 10_000);
  await stream.return();
});

test('an abort ends what is under way', async t => {
  const stop = new AbortController();
  const { service } = await start(t);
  let gone = (): void => {};
  const closed = new Promise<void>(resolve => {
    gone = resolve;
  });
  service.on('POST /q', response => {
    response.once('close', gone);
    stop.abort();
  });
  const client = createClient({
    serviceUrl: service.url,
    key: KEY,
    version: '1',
    insecure: false,
    signal: stop.signal,
  });
  assert.equal((await lines(client)).error?.code, 'CANCELLED');
  await closed;
});

test('a key does not cross a network unencrypted, unless that is allowed', () => {
  const options = { serviceUrl: 'http://service.example.com', key: KEY, version: '1' };
  assert.throws(() => createClient({ ...options, insecure: false }), { code: 'usage' });
  createClient({ ...options, insecure: true });
  createClient({ ...options, serviceUrl: 'http://[::1]:4400', insecure: false });
});

test('a key with a line break in it is refused without being quoted', () => {
  assert.throws(
    () =>
      createClient({ serviceUrl: 'http://localhost', key: 'sk_a\r\nx: y', version: '1', insecure: false }),
    (error: unknown) =>
      error instanceof AppError && error.code === 'usage' && !error.message.includes('sk_a'),
  );
});

async function start(t: TestContext): Promise<{ service: FakeService; client: Client }> {
  const service = await FakeService.start(t);
  return { service, client: clientOf(service.url) };
}

function clientOf(serviceUrl: string): Client {
  return createClient({ serviceUrl, key: KEY, version: '1.2.3', insecure: false });
}

async function lines(client: Client): Promise<{ rows: string[]; error: AppError | undefined }> {
  const rows: string[] = [];
  try {
    for await (const batch of client.stream('/q', {})) rows.push(...batch);
    return { rows, error: undefined };
  } catch (error) {
    assert.ok(error instanceof AppError);
    return { rows, error };
  }
}

async function rejects(
  call: Promise<unknown>,
  code: string,
  expected: { message?: string; hint?: string } = {},
): Promise<AppError> {
  const error = await call.then(
    () => assert.fail('it did not fail'),
    (thrown: unknown) => thrown,
  );
  assert.ok(error instanceof AppError, String(error));
  assert.equal(error.code, code);
  assert.ok(!`${error.message}${error.hint}`.includes(KEY));
  if (expected.message !== undefined) assert.equal(error.message, expected.message);
  if (expected.hint !== undefined) assert.equal(error.hint, expected.hint);
  return error;
}
