/** Every route for every role, against a table written by hand: a route that is not in it is a failure. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { apiRoutes } from '../../src/gateway/http/api.ts';
import { ROLES } from '../../src/store/store.ts';
import { openGateway } from '../support/gateway.ts';

/** Admin, operator, read-only, query-only, nobody; `.` is refused. */
const TABLE: Record<string, string> = {
  'GET /v1/whoami': 'aorq.',
  'GET /v1/bridges': 'aorq.',
  'GET /v1/runners': 'aor..',
  'POST /v1/runners': 'ao...',
  'GET /v1/runners/:runner': 'aor..',
  'PATCH /v1/runners/:runner': 'ao...',
  'DELETE /v1/runners/:runner': 'ao...',
  'POST /v1/runners/:runner/rotate': 'ao...',
  'POST /v1/runners/:runner/revoke': 'ao...',
  'PUT /v1/runners/:runner/sources': 'ao...',
  'POST /v1/runners/:runner/sources': 'ao...',
  'DELETE /v1/runners/:runner/sources': 'ao...',
  'GET /v1/sources': 'aorq.',
  'POST /v1/sources': 'ao...',
  'GET /v1/sources/:source': 'aorq.',
  'PATCH /v1/sources/:source': 'ao...',
  'DELETE /v1/sources/:source': 'ao...',
  'POST /v1/sources/:source/test': 'ao.q.',
  'POST /v1/sources/:source/query': 'ao.q.',
  'POST /v1/sources/:source/read': 'ao.q.',
  'POST /v1/sources/:source/batchRead': 'ao.q.',
  'POST /v1/sources/:source/count': 'ao.q.',
  'POST /v1/sources/:source/aggregate': 'ao.q.',
  'GET /v1/sources/:source/targets': 'aorq.',
  'GET /v1/sources/:source/targets/:target': 'aorq.',
  'GET /v1/jobs': 'aor..',
  'GET /v1/audit': 'aor..',
  'GET /v1/events': 'aor..',
  'GET /v1/keys': 'a....',
  'POST /v1/keys': 'a....',
  'DELETE /v1/keys/:key': 'a....',
  'POST /v1/session': 'aorqn',
  'POST /v1/session/links': 'aorq.',
  'DELETE /v1/session': 'aorq.',
  'GET /metrics': 'aor..',
  'GET /openapi.json': 'aorqn',
  'GET /': 'aorqn',
  'GET /assets/:file': 'aorqn',
  'GET /livez': 'aorqn',
  'GET /readyz': 'aorqn',
  'GET /health': 'aorqn',
};

test('each role may do what the table says on every route there is, and no more', async t => {
  const routes = apiRoutes('0', false).map(({ method, path }) => `${method} ${path}`);
  assert.deepEqual(routes.sort(), Object.keys(TABLE).sort());
  const { ask, gateway } = await openGateway(t);
  const keys: string[] = [];
  for (const role of ROLES)
    keys.push((await ask('POST', '/v1/keys', { name: `key-${role}`, role })).json.key);
  const callers = [...ROLES, 'nobody'];
  for (const route of routes) {
    for (const [index, caller] of callers.entries()) {
      const allowed = TABLE[route]?.[index] !== '.';
      const [method = '', path = ''] = route.replace(/:\w+/g, 'nothing-by-that-name').split(' ');
      const headers = { authorization: caller === 'nobody' ? '' : `Bearer ${keys[index]}` };
      const answer = await statusOf(gateway.url + path, method, headers);
      const refused = caller === 'nobody' ? 401 : 403;
      // Let through, it fails for what it asks, or not at all; a code that is not there is the one 401 of the open ones.
      const open = TABLE[route]?.endsWith('n');
      assert.equal(!open && answer === refused, !allowed, `${caller} ${route}: ${answer}`);
      if (open) assert.notEqual(answer, 403, `${caller} ${route}`);
    }
  }
});

/** The status alone: an event stream has no end to be read to. */
async function statusOf(url: string, method: string, headers: Record<string, string>): Promise<number> {
  const leaving = new AbortController();
  const body =
    method === 'GET' ? {} : { body: '{}', headers: { ...headers, 'content-type': 'application/json' } };
  const { status } = await fetch(url, { method, headers, signal: leaving.signal, ...body });
  leaving.abort();
  return status;
}
