/** What the Console stands on: its files, the bridges it can ask about, the end of its session. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { openGateway } from '../support/gateway.ts';

test('the page and what it names are served without a key, under a policy', async t => {
  const { ask } = await openGateway(t);
  const page = await ask('GET', '/', undefined, { authorization: '' });
  assert.equal(page.status, 200);
  assert.match(page.headers.get('content-security-policy') ?? '', /frame-ancestors 'none'/);
  const [, script = ''] = /src="(\/assets\/[^"]+\.js)"/.exec(page.text) ?? [];
  const asset = await ask('GET', script, undefined, { authorization: '' });
  assert.equal(asset.status, 200);
  assert.match(asset.headers.get('content-type') ?? '', /^text\/javascript/);
  assert.equal((await ask('HEAD', '/')).status, 200);
  assert.equal((await ask('GET', '/assets/index.html')).status, 404);
});

test('bridges are told with the fields of their config, to any role that may know of sources', async t => {
  const { ask } = await openGateway(t);
  const { json: key } = await ask('POST', '/v1/keys', { name: 'asker', role: 'query-only' });
  const { status, json } = await ask('GET', '/v1/bridges', undefined, { authorization: `Bearer ${key.key}` });
  assert.equal(status, 200);
  const sqlite = json.items.find(one => one.packageName === '@semilayer/bridge-sqlite');
  assert.equal(sqlite?.displayName, 'SQLite');
  assert.equal(sqlite?.supportsUrl, true);
  assert.ok(Array.isArray(sqlite?.fields));
});

test('a session that is ended opens nothing more, and the key it stood for still does', async t => {
  const { ask } = await openGateway(t);
  const { json: link } = await ask('POST', '/v1/session/links');
  const { json: session } = await ask('POST', '/v1/session', { code: link.code });
  const asSession = { authorization: `Bearer ${session.token}` };
  assert.equal((await ask('GET', '/v1/whoami', undefined, asSession)).status, 200);
  assert.equal((await ask('DELETE', '/v1/session', undefined, asSession)).status, 204);
  assert.equal((await ask('GET', '/v1/whoami', undefined, asSession)).status, 401);
  assert.equal((await ask('DELETE', '/v1/session')).status, 204);
  assert.equal((await ask('GET', '/v1/whoami')).status, 200);
});

test('an event stream ends with the key that opened it', async t => {
  const { ask, gateway } = await openGateway(t);
  const { json: key } = await ask('POST', '/v1/keys', { name: 'watcher', role: 'read-only' });
  const { json: other } = await ask('POST', '/v1/keys', { name: 'other', role: 'read-only' });
  const headers = { authorization: `Bearer ${key.key}` };
  const reader = (await fetch(`${gateway.url}/v1/events`, { headers })).body?.getReader();
  const read = async (): Promise<boolean> => (await reader?.read())?.done === true;
  assert.equal(await read(), false, 'the greeting');
  await ask('DELETE', `/v1/keys/${other.id}`);
  assert.equal(await read(), false, 'another key is none of its business');
  await ask('DELETE', `/v1/keys/${key.id}`);
  while (!(await read())) assert.ok(true);
});
