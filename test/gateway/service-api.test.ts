/** The service API over real HTTP: records, errors, roles, lists, guards. */
import assert from 'node:assert/strict';
import { request } from 'node:http';
import { connect } from 'node:net';
import { text } from 'node:stream/consumers';
import { test } from 'node:test';
import { openGateway, type TestGateway } from '../support/gateway.ts';

const UUID = '7b0c6a3e-2f4d-4c53-9d39-5a2f0f6f3c11';

test('creating a runner shows its token once and never again', async t => {
  const { ask } = await openGateway(t);
  const created = await ask('POST', '/v1/runners', { name: 'edge-1' });
  assert.equal(created.status, 201);
  const { token, id } = created.json;
  assert.match(token, /^rk_[0-9A-Za-z]{49}$/);
  assert.equal(created.json.type, 'customer');
  assert.equal(created.json.status, 'never connected');
  for (const path of [
    '/v1/runners',
    '/v1/runners/edge-1',
    `/v1/runners/${id.toUpperCase()}`,
    '/v1/audit',
    '/v1/jobs',
  ]) {
    const { status, text } = await ask('GET', path);
    assert.equal(status, 200, path);
    assert.ok(!text.includes(token), path);
  }
});

test('names that cannot be, types that may not be and duplicates are refused, and nothing is created', async t => {
  const { ask } = await openGateway(t);
  for (const name of ['Edge', 'a b', '../x', 'x'.repeat(64), UUID, '', 'a\n', '😀']) {
    const { status, json } = await ask('POST', '/v1/runners', { name });
    assert.equal(status, 400, name);
    assert.equal(json.code, 'invalid_request', name);
  }
  const saas = await ask('POST', '/v1/runners', { name: 'hosted', type: 'saas' });
  assert.equal(saas.status, 400);
  assert.match(saas.json.detail, /saas/);
  await ask('POST', '/v1/runners', { name: 'edge' });
  const twin = await ask('POST', '/v1/runners', { name: 'edge' });
  assert.deepEqual([twin.status, twin.json.code], [409, 'conflict']);
  const { json } = await ask('GET', '/v1/runners');
  assert.deepEqual(
    json.items.map(one => one.name),
    ['edge'],
  );
});

test('what is not there is 404 by name and by ID', async t => {
  const { ask } = await openGateway(t);
  const paths: [method: string, path: string, body?: unknown][] = [
    ['GET', '/v1/runners/none'],
    ['GET', `/v1/runners/${UUID}`],
    ['POST', '/v1/runners/none/rotate'],
    ['POST', '/v1/runners/none/revoke'],
    ['DELETE', '/v1/runners/none'],
    ['GET', '/v1/sources/none'],
    ['POST', '/v1/sources/none/query', { target: 't' }],
    ['POST', '/v1/sources/none/test'],
    ['DELETE', '/v1/keys/none'],
    ['GET', '/v1/elsewhere'],
  ];
  for (const [method, path, body] of paths) {
    const { status, json, headers } = await ask(method, path, body);
    assert.deepEqual([status, json.code], [404, 'not_found'], path);
    assert.match(headers.get('content-type') ?? '', /^application\/problem\+json/);
  }
});

test('assignments change all or nothing', async t => {
  const { ask } = await openGateway(t);
  await ask('POST', '/v1/runners', { name: 'edge' });
  await ask('POST', '/v1/sources', { name: 'a', bridge: 'sqlite', credentialsLocation: 'runner-local' });
  await ask('POST', '/v1/sources', { name: 'b', bridge: 'sqlite', credentialsLocation: 'runner-local' });
  const partly = await ask('POST', '/v1/runners/edge/sources', { sources: ['a', 'none'] });
  assert.equal(partly.status, 404);
  assert.deepEqual((await ask('GET', '/v1/runners/edge')).json.sources, []);
  assert.deepEqual((await ask('POST', '/v1/runners/edge/sources', { sources: ['b', 'a'] })).json.sources, [
    'a',
    'b',
  ]);
  assert.deepEqual((await ask('POST', '/v1/runners/edge/sources', { sources: ['a'] })).json.sources, [
    'a',
    'b',
  ]);
  assert.equal((await ask('DELETE', '/v1/runners/edge/sources', { sources: ['a'] })).status, 204);
  assert.deepEqual((await ask('GET', '/v1/runners/edge')).json.sources, ['b']);
  assert.deepEqual((await ask('PUT', '/v1/runners/edge/sources', { sources: ['a'] })).json.sources, ['a']);
  assert.deepEqual((await ask('GET', '/v1/sources/a')).json.runners, ['edge']);
});

test('an assigned source is removed only by force', async t => {
  const { ask, shop } = await openGateway(t);
  await shop();
  const kept = await ask('DELETE', '/v1/sources/shop');
  assert.equal(kept.status, 409);
  assert.match(kept.json.detail, /edge/);
  assert.equal((await ask('DELETE', '/v1/sources/shop?force=true')).status, 204);
  assert.deepEqual((await ask('GET', '/v1/runners/edge')).json.sources, []);
});

test('a config is never sent back, and leaving the gateway wipes it', async t => {
  const { ask } = await openGateway(t);
  const url = 'postgresql://app:canary-secret@db/app';
  const created = await ask('POST', '/v1/sources', { name: 'crm', bridge: 'postgres', config: { url } });
  assert.equal(created.json.bridge, '@semilayer/bridge-postgres');
  assert.equal(created.json.credentialsLocation, 'managed');
  const changed = await ask('PATCH', '/v1/sources/crm', { credentialsLocation: 'runner-local' });
  assert.equal(changed.json.credentialsLocation, 'runner-local');
  const back = await ask('PATCH', '/v1/sources/crm', { credentialsLocation: 'managed' });
  assert.equal(back.status, 400);
  for (const answer of [
    created,
    changed,
    back,
    await ask('GET', '/v1/audit'),
    await ask('GET', '/v1/sources'),
  ]) {
    assert.ok(!answer.text.includes('canary'));
  }
});

test('questions nobody can answer say which of the two reasons it is', async t => {
  const { ask } = await openGateway(t);
  await ask('POST', '/v1/sources', { name: 'crm', bridge: 'postgres', credentialsLocation: 'runner-local' });
  const unassigned = await ask('POST', '/v1/sources/crm/query', { target: 't' });
  assert.deepEqual([unassigned.status, unassigned.json.code], [503, 'source_not_assigned']);
  await ask('POST', '/v1/runners', { name: 'edge' });
  await ask('POST', '/v1/runners/edge/sources', { sources: ['crm'] });
  const offline = await ask('POST', '/v1/sources/crm/query', { target: 't' });
  assert.deepEqual([offline.status, offline.json.code], [503, 'no_runners_online']);
});

test('bodies that are not as documented are refused by the name of the place, without their values', async t => {
  const { ask, shop } = await openGateway(t);
  await shop();
  const refused: [path: string, body: unknown, said: RegExp][] = [
    ['/v1/runners', '{"name":', /not JSON/],
    ['/v1/runners', { nam: 'x' }, /"name"|"nam"/],
    ['/v1/runners', { name: 'x', type: 'other' }, /customer, saas/],
    ['/v1/runners/edge/rotate', { overlapMs: 999 }, /overlapMs/],
    ['/v1/runners/edge/rotate', { overlapMs: 604_800_001 }, /overlapMs/],
    ['/v1/sources', { name: 'x', bridge: '../evil' }, /bridge/],
    ['/v1/sources/shop/query', { target: 'orders', wher: {} }, /"wher"/],
    ['/v1/sources/shop/query', { target: 'orders', deadlineMs: 0 }, /deadlineMs/],
    ['/v1/sources/shop/query', { target: 'orders', deadlineMs: 86_400_001 }, /deadlineMs/],
    ['/v1/sources/shop/query', { target: 'orders', deadlineMs: 1.5 }, /deadlineMs/],
    ['/v1/sources/shop/query', { target: 'orders', where: { a: {} } }, /empty object/],
    ['/v1/sources/shop/query', { target: 'orders', where: { a: { $like: 5 } } }, /not a string/],
    ['/v1/sources/shop/query', { target: 'orders', cursor: 'x' }, /cursor/],
    ['/v1/sources/shop/query', { target: 'orders', where: '['.repeat(1) }, /where/],
    ['/v1/runners', `{"name":${'['.repeat(200)}`, /nests deeper/],
  ];
  for (const [path, body, said] of refused) {
    const { status, json } = await ask('POST', path, body);
    assert.deepEqual([status, json.code], [400, 'invalid_request'], JSON.stringify(body).slice(0, 80));
    assert.match(json.detail, said);
  }
  const unknown = await ask('POST', '/v1/sources/shop/query', {
    target: 'orders',
    where: { a: { $near: 1 } },
  });
  assert.deepEqual([unknown.status, unknown.json.code], [400, 'unsupported_operator']);
  const large = await ask('POST', '/v1/runners', JSON.stringify({ name: 'x'.repeat(2_000_000) }));
  assert.equal(large.status, 413);
  const form = await ask('POST', '/v1/runners', 'name=x', {
    'content-type': 'application/x-www-form-urlencoded',
  });
  assert.equal(form.status, 415);
});

test('lists page to the end, once each, whatever the limit', async t => {
  const { ask } = await openGateway(t);
  const names = Array.from({ length: 23 }, (_, index) => `edge-${String(index).padStart(2, '0')}`);
  for (const name of names) await ask('POST', '/v1/runners', { name });
  const listed: unknown[] = [];
  let cursor: string | null = null;
  do {
    const query: string = cursor === null ? '' : `&cursor=${cursor}`;
    const { json } = await ask('GET', `/v1/runners?limit=5${query}`);
    listed.push(...json.items.map(one => one.name));
    cursor = json.nextCursor;
  } while (cursor !== null);
  assert.deepEqual(listed, names);
  const some = await ask('GET', '/v1/runners?q=EDGE-1&limit=100');
  assert.equal(some.json.items.length, 10);
  const none = await ask('GET', '/v1/runners?status=online');
  assert.deepEqual([none.json.items, none.json.nextCursor], [[], null]);
  for (const query of ['limit=0', 'limit=1001', 'limit=x', 'cursor=%00']) {
    assert.equal((await ask('GET', `/v1/runners?${query}`)).status, 400, query);
  }
});

test('each role may do its own and no more', async t => {
  const gateway = await openGateway(t);
  const { ask, shop } = gateway;
  await shop();
  const calls: [method: string, path: string, roles: string[]][] = [
    ['GET', '/v1/whoami', ['admin', 'operator', 'read-only', 'query-only']],
    ['GET', '/v1/runners', ['admin', 'operator', 'read-only']],
    ['GET', '/v1/sources', ['admin', 'operator', 'read-only', 'query-only']],
    ['POST', '/v1/sources/shop/query', ['admin', 'operator', 'query-only']],
    ['POST', '/v1/runners/edge/rotate', ['admin', 'operator']],
    ['GET', '/v1/jobs', ['admin', 'operator', 'read-only']],
    ['GET', '/v1/audit', ['admin', 'operator', 'read-only']],
    ['GET', '/metrics', ['admin', 'operator', 'read-only']],
    ['GET', '/v1/keys', ['admin']],
    ['POST', '/v1/keys', ['admin']],
  ];
  for (const role of ['admin', 'operator', 'read-only', 'query-only']) {
    const { json } = await ask('POST', '/v1/keys', { name: `key-${role}`, role });
    for (const [method, path, roles] of calls) {
      const body = method === 'POST' ? {} : undefined;
      const { status } = await ask(method, path, body, { authorization: `Bearer ${json.key}` });
      assert.equal(status === 403, !roles.includes(role), `${role} ${method} ${path}: ${status}`);
    }
  }
});

test('a revoked key is refused at once, and the last admin key stays', async t => {
  const { ask } = await openGateway(t);
  const made = await ask('POST', '/v1/keys', { name: 'ci', role: 'operator' });
  const as = { authorization: `Bearer ${made.json.key}` };
  assert.equal((await ask('GET', '/v1/runners', undefined, as)).status, 200);
  assert.equal((await ask('DELETE', '/v1/keys/ci')).status, 204);
  const refused = await ask('GET', '/v1/runners', undefined, as);
  assert.deepEqual([refused.status, refused.json.code], [401, 'unauthorized']);
  assert.equal((await ask('DELETE', '/v1/keys/admin')).status, 409);
  assert.equal((await ask('GET', '/v1/runners', undefined, { authorization: '' })).status, 401);
  const listed = await ask('GET', '/v1/keys');
  assert.deepEqual(
    listed.json.items.map(one => [one.name, one.revokedAt !== null]),
    [
      ['admin', false],
      ['ci', true],
    ],
  );
});

test('a Console link opens one session, once', async t => {
  const { ask } = await openGateway(t);
  const link = await ask('POST', '/v1/session/links');
  assert.equal(link.status, 201);
  const { code } = link.json;
  assert.ok(String(link.json.url).endsWith(`/#code=${code}`));
  const session = await ask('POST', '/v1/session', { code }, { authorization: '' });
  assert.equal(session.status, 201);
  const as = { authorization: `Bearer ${session.json.token}` };
  assert.equal((await ask('GET', '/v1/whoami', undefined, as)).json.name, 'admin');
  assert.equal((await ask('POST', '/v1/session', { code }, { authorization: '' })).status, 401);
});

test('a foreign Host is 421 and a foreign Origin 403, with or without a key', async t => {
  const gateway = await openGateway(t, {
    publicUrl: 'https://gw.example.com',
    allowedHosts: ['runner.internal:8443'],
  });
  const { port } = gateway.gateway;
  const hosts: [host: string, status: number][] = [
    [`127.0.0.1:${port}`, 200],
    [`localhost:${port}`, 200],
    [`[::1]:${port}`, 200],
    ['gw.example.com', 200],
    ['GW.example.com', 200],
    ['runner.internal:8443', 200],
    ['127.0.0.1:1', 421],
    ['127.0.0.1', 421],
    [`127.evil.com:${port}`, 421],
    [`localhost.evil.com:${port}`, 421],
    ['gw.example.com:81', 421],
    ['runner.internal', 421],
    [`localhost:${port}@evil.com`, 421],
  ];
  for (const [host, status] of hosts) assert.equal(await statusWith(gateway, { host }), status, host);
  const own = `127.0.0.1:${port}`;
  const origins: [origin: string, status: number][] = [
    [`http://${own}`, 200],
    ['https://gw.example.com', 200],
    ['https://evil.com', 403],
    ['null', 403],
    [`https://${own}`, 403],
    [`http://localhost:${port}`, 403],
    [`http://127.0.0.1:${port}.evil.com`, 403],
  ];
  for (const [origin, status] of origins) {
    assert.equal(await statusWith(gateway, { host: own, origin }), status, origin);
    assert.equal(
      await statusWith(gateway, { host: own, origin, authorization: '' }, '/livez'),
      status,
      origin,
    );
  }
  const foreign = await gateway.ask('GET', '/v1/whoami', undefined, { origin: 'https://evil.com' });
  assert.deepEqual([foreign.status, foreign.json.code], [403, 'forbidden']);
});

test('what can be read as no request is answered as a mistake too', async t => {
  const { ask, gateway } = await openGateway(t);
  const long = await ask('GET', `/v1/runners/${'a'.repeat(20_000)}`);
  assert.deepEqual([long.status, long.json.code], [400, 'invalid_request']);
  assert.match(long.json.detail, /16 KiB/);
  const socket = connect({ port: gateway.port, host: '127.0.0.1' });
  socket.end('GARBAGE\r\n\r\n');
  const answer = await text(socket);
  assert.match(answer, /^HTTP\/1\.1 400 Bad Request\r\n/);
  assert.match(answer, /application\/problem\+json/);
  assert.equal(JSON.parse(answer.split('\r\n\r\n')[1] ?? '').code, 'invalid_request');
});

test('events tell of what changes, and a listener that comes back hears what it missed', async t => {
  const { ask, gateway, key } = await openGateway(t);
  const listen = async (lastId?: string) => {
    const abort = new AbortController();
    const response = await fetch(`${gateway.url}/v1/events`, {
      headers: { authorization: `Bearer ${key}`, ...(lastId ? { 'last-event-id': lastId } : {}) },
      signal: abort.signal,
    });
    const reader = (response.body as ReadableStream<Uint8Array>).getReader();
    let text = '';
    return {
      stop: () => abort.abort(),
      async until(pattern: RegExp) {
        for (;;) {
          const match = pattern.exec(text);
          if (match) return match;
          text += new TextDecoder().decode((await reader.read()).value);
        }
      },
    };
  };
  const first = await listen();
  const { json } = await ask('POST', '/v1/runners', { name: 'edge' });
  const [, id] = await first.until(new RegExp(`id: (\\d+)\\nevent: runner.changed\\ndata: .*${json.id}`));
  first.stop();
  await ask('DELETE', '/v1/runners/edge');
  const second = await listen(id as string);
  await second.until(/event: runner.removed/);
  second.stop();
});

test('health is open, metrics are not, and every answer says which request it answers', async t => {
  const { ask } = await openGateway(t);
  for (const path of ['/livez', '/readyz', '/health']) {
    const { status, json, headers } = await ask('GET', path, undefined, { authorization: '' });
    assert.deepEqual([status, json.status], [200, 'ok']);
    assert.match(headers.get('x-request-id') ?? '', /^[0-9a-f-]{36}$/);
  }
  assert.equal((await ask('GET', '/metrics', undefined, { authorization: '' })).status, 401);
  assert.match((await ask('GET', '/metrics')).text, /^semilayer_gateway_sessions 0$/m);
});

function statusWith(
  gateway: TestGateway,
  headers: Record<string, string>,
  path = '/v1/whoami',
): Promise<number> {
  return new Promise((resolve, reject) => {
    const outgoing = request(
      {
        host: '127.0.0.1',
        port: gateway.gateway.port,
        path,
        headers: { authorization: `Bearer ${gateway.key}`, ...headers },
      },
      response => {
        response.resume();
        resolve(response.statusCode ?? 0);
      },
    );
    outgoing.on('error', reject);
    outgoing.end();
  });
}

test('a status that the items of a list cannot have is refused by name', async t => {
  const { ask, shop } = await openGateway(t);
  await shop();
  const refused = ['runners?status=onlin', 'jobs?status=done', 'jobs?state=done', 'keys?status=old'];
  for (const path of [...refused, 'sources?status=online', 'audit?status=runner.made', 'runners?status=']) {
    const { status, json } = await ask('GET', `/v1/${path}`);
    assert.deepEqual([path, status, json.code], [path, 400, 'invalid_request']);
    assert.match(json.detail, /^stat(us|e) /);
  }
  const some = ['runners?status=never%20connected', 'jobs?state=queued', 'keys?status=active'];
  for (const path of [...some, 'audit?status=runner.create']) {
    assert.equal((await ask('GET', `/v1/${path}`)).status, 200, path);
  }
});

test('what is wrong with a body is said in words', async t => {
  const { ask, shop } = await openGateway(t);
  await shop();
  const cases: [path: string, body: unknown, said: string][] = [
    ['/v1/runners/edge/rotate', { overlapMs: 5 }, 'overlapMs must be 0, or 1000 to 604800000'],
    ['/v1/runners', { name: '' }, 'name must not be empty'],
    ['/v1/runners', { name: 5 }, 'name must be text'],
    ['/v1/sources/shop/query', { target: 'orders', limit: -1 }, 'limit must be 0 or more'],
    ['/v1/sources/shop/query', { target: 'orders', deadlineMs: 1.5 }, 'deadlineMs must be a whole number'],
    ['/v1/sources/shop/query', { target: 'orders', where: [] }, 'where must be an object'],
    ['/v1/sources', { name: 'x', bridge: 'Not A Name' }, 'bridge does not have the form that is documented'],
  ];
  for (const [path, body, said] of cases) assert.equal((await ask('POST', path, body)).json.detail, said);
});

test('the URL of a source must fit its bridge, and managed credentials must be there', async t => {
  const { ask } = await openGateway(t);
  const url = 'mysql://root:canary@db/shop';
  const bodies: Record<string, unknown>[] = [
    { bridge: 'postgres', config: { url } },
    { bridge: 'sqlite', config: { url } },
    { bridge: '@semilayer/bridge-sqlite', config: { url: '' } },
    { bridge: 'sqlite', config: {} },
    { bridge: 'postgres', config: {} },
    { bridge: 'postgres' },
    { bridge: 'postgres', credentialsLocation: 'managed' },
  ];
  for (const body of bodies) {
    const { status, json, text } = await ask('POST', '/v1/sources', { name: 'shop', ...body });
    assert.deepEqual([body, status, json.code], [body, 400, 'invalid_request']);
    assert.match(json.detail, /config/);
    assert.ok(!text.includes('canary'));
  }
  assert.equal((await ask('GET', '/v1/sources')).json.items.length, 0);

  const good = { name: 'shop', bridge: 'mysql', config: { url } };
  assert.equal((await ask('POST', '/v1/sources', good)).status, 201);
  const own = { name: 'own', bridge: '@acme/bridge-oracle', config: { url: 'oracle:whatever' } };
  assert.equal((await ask('POST', '/v1/sources', own)).status, 201);
  for (const change of [{ config: { url: 'file:/x.db' } }, { bridge: 'postgres' }]) {
    assert.equal((await ask('PATCH', '/v1/sources/shop', change)).status, 400);
  }
  const both = { bridge: 'postgres', config: { url: 'postgresql://db/shop' } };
  assert.equal((await ask('PATCH', '/v1/sources/shop', both)).status, 200);
  assert.equal((await ask('PATCH', '/v1/sources/shop', { name: 'store' })).status, 200);
});
