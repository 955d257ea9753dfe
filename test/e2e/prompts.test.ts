/** Questions in a real terminal: asked where somebody can answer, given up cleanly, and never where nobody can. */
import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { FakeService } from '../support/fake-service.ts';
import { KEYS, openTerminals } from '../support/terminal.ts';

const ID = '11111111-2222-4333-8444-555555555555';
const RUNNER = { id: ID, name: 'edge-1', type: 'customer', status: 'online', sources: [], sessions: [] };

test('runners create asks for name and type, and prints the env block', async t => {
  const { start, service } = await setUp(t);
  const created = start(['runners', 'create']);
  await created.sees(/Name of the runner/);
  created.type(`Edge 1${KEYS.enter}`);
  await created.sees(/lower-case letters/);
  created.type(`${'\u007f'.repeat(6)}edge-1${KEYS.enter}`);
  await created.sees(/Deployment type/);
  created.type(KEYS.enter);
  assert.equal(await created.end(), 0, created.screen());
  const posted = service.requests.find(one => one.method === 'POST');
  assert.deepEqual(posted?.body, { name: 'edge-1', type: 'customer' });
  assert.match(created.screen(), new RegExp(`^SEMILAYER_RUNNER_ID=${ID}$`, 'm'));
});

test('a runner and its sources are picked', async t => {
  const { start, service } = await setUp(t);
  const assigned = start(['runners', 'assign']);
  await assigned.sees(/Which runner\?[\s\S]*central[\s\S]*edge-1/);
  assigned.type(KEYS.down + KEYS.enter);
  await assigned.sees(/Which sources\?/);
  assigned.type(KEYS.space + KEYS.enter);
  assert.equal(await assigned.end(), 0, assigned.screen());
  assert.deepEqual(
    [service.last().path, service.last().body],
    ['/v1/runners/edge-1/sources', { sources: ['shop'] }],
  );
  const shown = start(['sources', 'show']);
  await shown.sees(/Which source\?/);
  shown.type(KEYS.enter);
  assert.equal(await shown.end(), 0);
});

for (const [answer, status] of [
  ['', 1],
  ['n', 1],
  ['edge', 1],
  ['y', 0],
  ['Yes', 0],
  ['edge-1', 0],
] as const) {
  test(`to delete is asked, and "${answer}" is ${status === 0 ? 'yes' : 'no'}`, async t => {
    const { start, service } = await setUp(t);
    const deleted = start(['runners', 'delete', 'edge-1']);
    await deleted.sees(/Delete runner "edge-1"\?.*\[y\/N\]/);
    deleted.type(answer + KEYS.enter);
    assert.equal(await deleted.end(), status, deleted.screen());
    assert.equal(
      service.requests.some(one => one.method === 'DELETE'),
      status === 0,
    );
    if (status === 1) assert.match(deleted.screen(), /nothing was changed/);
  });
}

for (const key of ['ctrlC', 'ctrlD'] as const) {
  test(`${key} in a prompt is 130, and leaves the terminal as it was`, async t => {
    const { start, service } = await setUp(t);
    for (const [args, question] of [
      [['runners', 'create'], /Name of the runner/],
      [['runners', 'show'], /Which runner/],
      [['runners', 'revoke', 'edge-1'], /\[y\/N\]/],
      [['login', '--service-url', service.url], /API key/],
    ] as const) {
      const terminal = start(args, args[0] === 'login' ? { env: { SEMILAYER_API_KEY: '' } } : {});
      await terminal.sees(question);
      terminal.type(KEYS[key]);
      assert.equal(await terminal.end(), 130, args.join(' '));
      assert.match(terminal.screen(), /error: given up at the question\nhint: nothing was changed$/);
      const hidden = terminal.raw.lastIndexOf('\u001b[?25l');
      assert.ok(hidden < 0 || terminal.raw.lastIndexOf('\u001b[?25h') > hidden, 'the cursor is back');
    }
    assert.ok(service.requests.every(one => one.method === 'GET'));
  });
}

test('login shows stars', async t => {
  const { start, service } = await setUp(t);
  service.on('GET /v1/whoami', { json: { name: 'ci', role: 'admin', gatewayUrl: null } });
  const login = start(['login', '--service-url', service.url], { env: { SEMILAYER_API_KEY: '' } });
  await login.sees(/API key for http/);
  login.type(`sk_canary${KEYS.enter}`);
  assert.equal(await login.end(), 0, login.screen());
  assert.match(login.screen(), /\*{9}/);
  assert.doesNotMatch(login.raw, /canary/);
  assert.equal(service.last().key, 'sk_canary');
});

test('sources add asks field by field of the bridge, and a URL as a secret', async t => {
  const { start, service } = await setUp(t);
  service.on('POST /v1/sources', {
    status: 201,
    json: { id: ID, name: 'shop', bridge: 'b', credentialsLocation: 'managed', runners: [] },
  });
  const added = start(['sources', 'add']);
  await added.sees(/Name of the source/);
  added.type(`shop${KEYS.enter}`);
  await added.sees(/Kind of database[\s\S]*SQLite/);
  added.type(KEYS.enter);
  await added.sees(/Where are its credentials\?/);
  added.type(KEYS.enter);
  await added.sees(/URL .*of the database|URL or path/);
  added.type(`mysql://db.internal/shop${KEYS.enter}`);
  assert.equal(await added.end(), 0, added.screen());
  const { name, credentialsLocation, config } = service.last().body as Record<string, unknown>;
  assert.deepEqual([name, credentialsLocation], ['shop', 'managed']);
  assert.deepEqual(config, { url: 'mysql://db.internal/shop' });
});

test('nobody is asked with --json, --no-input, in CI, or where stdin is no terminal', async t => {
  const { start } = await setUp(t);
  for (const [args, env] of [
    [['runners', 'create', '--no-input'], {}],
    [['runners', 'create', '--json'], {}],
    [['runners', 'create'], { CI: '1' }],
  ] as const) {
    const terminal = start(args, { env });
    assert.equal(await terminal.end(), 2, terminal.screen());
    assert.match(terminal.screen(), /missing required argument 'name'/);
  }
  const rotated = start(['runners', 'rotate', 'edge-1', '--no-input']);
  assert.equal(await rotated.end(), 2);
  assert.match(rotated.screen(), /hint: pass --yes/);
});

async function setUp(t: TestContext) {
  const service = await FakeService.start(t);
  service
    .on('GET /v1/runners', { json: { items: [{ ...RUNNER, name: 'central' }, RUNNER] } })
    .on('GET /v1/sources', { json: { items: [{ name: 'shop', bridge: '@semilayer/bridge-sqlite' }] } })
    .on('GET /v1/sources/shop', { json: { id: ID, name: 'shop', bridge: 'b', runners: [] } })
    .on('GET /v1/whoami', { json: {} })
    .on('POST /v1/runners', { status: 201, json: { ...RUNNER, token: 'rk_x', fingerprint: 'rk_…:1' } })
    .on('POST /v1/runners/edge-1/sources', { json: { ...RUNNER, sources: ['shop'] } })
    .on('DELETE /v1/runners/edge-1', { status: 204, json: null });
  const { start } = await openTerminals(t, {
    env: { SEMILAYER_SERVICE_URL: service.url, SEMILAYER_API_KEY: 'sk_canary' },
  });
  return { start, service };
}
