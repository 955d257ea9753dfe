import assert from 'node:assert/strict';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { pathToFileURL } from 'node:url';
import { configUrl } from '../../src/commands/source-url.ts';
import { CommandLine } from '../support/command-line.ts';
import { FakeService } from '../support/fake-service.ts';

const SECRET = 'canaryPASSWORD';
const URL_WITH_SECRET = `postgresql://user:${SECRET}@db.internal/orders`;
const RECORD = {
  id: '11111111-2222-4333-8444-555555555555',
  name: 'orders',
  bridge: '@semilayer/bridge-postgres',
  credentialsLocation: 'managed',
  runners: ['edge-1', 'edge-2'],
  createdAt: '2026-01-01T00:00:00.000Z',
};

test('add reads the URL from stdin, and says it nowhere', async t => {
  const { line, service } = await start(t);
  const args = ['sources', 'add', 'orders', '--bridge', 'postgres', '--url-stdin'];
  const { status, stdout, stderr } = await line.run(args, { stdin: `${URL_WITH_SECRET}\n` });
  assert.equal(status, 0);
  assert.equal(stdout, '');
  assert.ok(!stderr.includes(SECRET));
  assert.doesNotMatch(stderr, /warning/);
  assert.deepEqual(service.last().body, {
    name: 'orders',
    bridge: '@semilayer/bridge-postgres',
    credentialsLocation: 'managed',
    config: { url: URL_WITH_SECRET },
  });
  assert.deepEqual(
    JSON.parse((await line.run([...args, '--json'], { stdin: URL_WITH_SECRET })).stdout),
    RECORD,
  );
});

test('add --url works, and warns that others can see it', async t => {
  const { line } = await start(t);
  const { status, stderr } = await line.run([
    'sources',
    'add',
    'o',
    '--bridge',
    'postgres',
    '--url',
    URL_WITH_SECRET,
  ]);
  assert.equal(status, 0);
  assert.match(stderr, /warning: .*--url-stdin/);
  assert.ok(!stderr.includes(SECRET));
});

test('add --runner-local sends no config and names the variable to set', async t => {
  const { line, service } = await start(t);
  service.on('POST /v1/sources', {
    status: 201,
    json: { ...RECORD, name: 'my-orders', credentialsLocation: 'runner-local' },
  });
  const { stderr } = await line.run([
    'sources',
    'add',
    'my-orders',
    '--bridge',
    '@acme/bridge',
    '--runner-local',
  ]);
  assert.deepEqual(service.last().body, {
    name: 'my-orders',
    bridge: '@acme/bridge',
    credentialsLocation: 'runner-local',
  });
  assert.match(stderr, /SEMILAYER_SOURCE_MY_ORDERS_URL/);
});

test('add wants exactly one place for the credentials', async t => {
  const { line, service } = await start(t);
  for (const flags of [[], ['--url', 'x', '--url-stdin'], ['--url', 'x', '--runner-local']]) {
    const { status, stderr } = await line.run(['sources', 'add', 'o', '--bridge', 'sqlite', ...flags]);
    assert.equal(status, 2);
    assert.match(stderr, /exactly one of/);
  }
  assert.equal((await line.run(['sources', 'add', 'o', '--bridge', 'sqlite', '--url-stdin'])).status, 2);
  assert.equal(service.requests.length, 0);
});

test('a SQLite path is made absolute, because its runner is somewhere else', () => {
  const bridge = '@semilayer/bridge-sqlite';
  const cwd = join('/', 'home', 'me');
  const there = pathToFileURL(join(cwd, 'a b.db')).href;
  const cases: [given: string, sent: string][] = [
    ['a b.db', join(cwd, 'a b.db')],
    ['./x/../a b.db', join(cwd, 'a b.db')],
    ['/data/x.db', '/data/x.db'],
    ['file:a%20b.db', there],
    ['file:./a%20b.db', there],
    ['file:/data/x.db', 'file:/data/x.db'],
    ['file:///data/x.db', 'file:///data/x.db'],
  ];
  for (const [given, sent] of cases) assert.equal(configUrl(bridge, given, cwd), sent);
  assert.equal(configUrl('@acme/bridge-x', 'a.db', cwd), 'a.db');
});

test('list, show and targets', async t => {
  const { line, service } = await start(t);
  service.on('GET /v1/sources', { json: { items: [RECORD], nextCursor: null } });
  service.on('GET /v1/sources/orders', { json: RECORD });
  service.on('GET /v1/sources/orders/targets', {
    json: { items: [{ name: 'a' }, { name: 'b\tc' }], nextCursor: null },
  });
  service.on('GET /v1/sources/orders/targets/a%2Fb', {
    json: { name: 'a/b', columns: [{ name: 'id', type: 'integer', nullable: false, primaryKey: true }] },
  });
  const list = await line.run(['sources', 'list']);
  assert.equal(
    list.stdout,
    `${RECORD.id}\torders\t@semilayer/bridge-postgres\tmanaged\tedge-1,edge-2\t2026-01-01T00:00:00.000Z\n`,
  );
  assert.match((await line.run(['sources', 'show', 'orders'])).stdout, /^runners\tedge-1,edge-2$/m);
  assert.equal((await line.run(['sources', 'targets', 'orders'])).stdout, 'a\nb\\tc\n');
  assert.equal(
    (await line.run(['sources', 'targets', 'orders', 'a/b'])).stdout,
    'id\tinteger\tfalse\ttrue\n',
  );
});

test('update sends what was given, and a URL makes the credentials managed', async t => {
  const { line, service } = await start(t);
  service.on('PATCH /v1/sources/orders', { json: RECORD });
  service.on('GET /v1/sources/orders', { json: RECORD });
  const update = async (flags: string[], stdin = ''): Promise<unknown> => {
    assert.equal((await line.run(['sources', 'update', 'orders', ...flags], { stdin })).status, 0);
    return service.last().body;
  };
  assert.deepEqual(await update(['--credentials-location', 'runner-local']), {
    credentialsLocation: 'runner-local',
  });
  assert.deepEqual(await update(['--name', 'sales', '--bridge', 'mysql']), {
    name: 'sales',
    bridge: '@semilayer/bridge-mysql',
  });
  assert.deepEqual(await update(['--url-stdin'], URL_WITH_SECRET), {
    credentialsLocation: 'managed',
    config: { url: URL_WITH_SECRET },
  });
  assert.equal((await line.run(['sources', 'update', 'orders'])).status, 2);
});

test('remove needs --force for a source that is assigned', async t => {
  const { line, service } = await start(t);
  service.problem('DELETE /v1/sources/orders', 409, 'conflict');
  service.on('DELETE /v1/sources/orders?force=true', { status: 204, json: null });
  assert.equal((await line.run(['sources', 'remove', 'orders'])).status, 5);
  assert.equal((await line.run(['sources', 'remove', 'orders', '--force'])).status, 0);
});

const GOOD = {
  runnerId: 'r1',
  runner: 'edge-1',
  sessionId: 's1',
  instance: 'host:1',
  ok: true,
  hops: [
    { name: 'gateway', ok: true, durationMs: 0.4 },
    { name: 'runner', ok: true, durationMs: 2 },
    { name: 'connect', ok: true, durationMs: 11 },
    { name: 'query', ok: true, durationMs: null },
  ],
  error: null,
};
const BAD = {
  ...GOOD,
  runner: 'edge-2',
  ok: false,
  hops: [...GOOD.hops.slice(0, 2), { name: 'connect', ok: false, durationMs: 30 }],
  error: { code: 'SOURCE_UNREACHABLE', message: 'no route' },
};

test('test shows each hop of each runner', async t => {
  const { line, service } = await start(t);
  service.on('POST /v1/sources/orders/test', { json: { ok: true, runners: [GOOD] } });
  const { status, stdout } = await line.run(['sources', 'test', 'orders']);
  assert.equal(status, 0);
  assert.equal(stdout, 'edge-1\thost:1\tok\t0.4 ms\t2 ms\t11 ms\tok\t\n');
});

test('test fails with the code of what failed, one runner or all of them, after showing the hops', async t => {
  const { line, service } = await start(t);
  service.on('POST /v1/sources/orders/test', { json: { ok: false, runners: [GOOD, BAD] } });
  const some = await line.run(['sources', 'test', 'orders']);
  assert.equal(some.status, 7);
  assert.match(
    some.stdout,
    /\nedge-2\thost:1\tfailed\t0.4 ms\t2 ms\tfailed 30 ms\t\tSOURCE_UNREACHABLE: no route\n/,
  );
  service.problem('POST /v1/sources/orders/test', 502, 'SOURCE_UNREACHABLE', { ok: false, runners: [BAD] });
  const all = await line.run(['sources', 'test', 'orders', '--json']);
  assert.equal(all.status, 7);
  assert.deepEqual(JSON.parse(all.stdout), { ok: false, runners: [BAD] });
  assert.equal(JSON.parse(all.stderr).error.code, 'SOURCE_UNREACHABLE');
  service.problem('POST /v1/sources/orders/test', 503, 'no_runners_online');
  assert.equal((await line.run(['sources', 'test', 'orders'])).status, 6);
});

async function start(t: TestContext): Promise<{ line: CommandLine; service: FakeService }> {
  const [line, service] = await Promise.all([CommandLine.create(t), FakeService.start(t)]);
  line.env = { ...line.env, SEMILAYER_SERVICE_URL: service.url, SEMILAYER_API_KEY: 'sk_canaryKEY' };
  service.on('POST /v1/sources', { status: 201, json: RECORD });
  return { line, service };
}

test('a URL that does not fit its bridge is refused before anything is sent, and a stranger is warned of', async t => {
  const { line, service } = await start(t);
  for (const [bridge, url] of [
    ['sqlite', 'postgresql://u:canary@h/d'],
    ['postgres', 'mysql://u:canary@h/d'],
    ['mysql', ''],
    ['../evil', 'x'],
    ['Oracle', 'x'],
  ] as const) {
    const { status, stderr } = await line.run(['sources', 'add', 'o', '--bridge', bridge, '--url', url]);
    assert.deepEqual([bridge, status], [bridge, 2]);
    assert.ok(!stderr.includes('canary'));
  }
  assert.equal(service.requests.length, 0);
  const added = await line.run(['sources', 'add', 'o', '--bridge', 'acme-bridge', '--url', 'acme:x']);
  assert.equal(added.status, 0, added.stderr);
  assert.match(added.stderr, /warning: acme-bridge does not come with semilayer/);
});
