import assert from 'node:assert/strict';
import { mkdir, stat, writeFile } from 'node:fs/promises';
import nodeModule from 'node:module';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { CommandLine } from '../support/command-line.ts';
import { FakeService } from '../support/fake-service.ts';

const KEY = 'sk_canaryKEY0123456789';
const FINGERPRINT = /sk_…6789:[0-9a-f]{8}/;

test('login checks the key, remembers it for its service alone, and says it nowhere', async t => {
  const { line, service } = await start(t);
  const host = new URL(service.url).host;
  const login = await line.run(['login', '--service-url', service.url, '--api-key-stdin'], {
    stdin: `${KEY}\n`,
  });
  assert.equal(login.status, 0);
  assert.equal(login.stdout, '');
  assert.match(login.stderr, FINGERPRINT);
  assert.ok(!login.stderr.includes(KEY));
  assert.equal((await stat(join(line.directory, 'config', 'config.json'))).mode & 0o777, 0o600);
  const whoami = await line.run(['whoami', '--json']);
  assert.deepEqual(JSON.parse(whoami.stdout), {
    name: 'ci',
    role: 'operator',
    serviceUrl: service.url,
    gatewayUrl: 'ws://gateway.test/connect',
    fingerprint: FINGERPRINT.exec(whoami.stdout)?.[0],
    version: '9.9.9',
    context: host,
  });
  assert.equal(service.last().key, KEY);
  const other = await FakeService.start(t);
  const elsewhere = await line.run(['whoami', '--service-url', other.url]);
  assert.equal(elsewhere.status, 4);
  assert.equal(other.requests.length, 0);
});

test('a key that is refused is not remembered', async t => {
  const { line, service } = await start(t);
  service.problem('GET /v1/whoami', 401, 'unauthorized');
  const { status } = await line.run(['login', '--service-url', service.url, '--api-key-stdin'], {
    stdin: KEY,
  });
  assert.equal(status, 77);
  assert.equal((await line.run(['context', 'list', '--json'])).stdout, '[]\n');
});

test('login takes the key of the environment, and asks nobody where nobody is', async t => {
  const { line, service } = await start(t);
  const args = ['login', '--service-url', service.url];
  assert.equal((await line.run(args, { env: { SEMILAYER_API_KEY: KEY } })).status, 0);
  const { status, stderr } = await line.run(args);
  assert.equal(status, 2);
  assert.match(stderr, /--api-key-stdin/);
  assert.equal((await line.run([...args, '--api-key-stdin'])).status, 2);
});

test('contexts are named, listed, used, shown and removed', async t => {
  const { line, service } = await start(t);
  for (const name of ['one', 'two']) {
    const args = ['login', '--service-url', service.url, '--context', name, '--api-key-stdin'];
    assert.equal((await line.run(args, { stdin: KEY })).status, 0);
  }
  const rest = `${service.url}\tws://gateway.test/connect\t${FINGERPRINT.source}`;
  const list = (await line.run(['context', 'list'])).stdout;
  assert.match(list, new RegExp(`^one\t\t${rest}\ntwo\t\\*\t${rest}\n$`));
  assert.equal((await line.run(['context', 'use', 'one'])).status, 0);
  assert.match((await line.run(['context', 'show'])).stdout, /^name\tone\ncurrent\ttrue\n/);
  assert.match((await line.run(['context', 'show', 'two'])).stdout, /^name\ttwo\ncurrent\tfalse\n/);
  assert.equal((await line.run(['context', 'remove', 'one'])).status, 0);
  for (const args of [['use', 'one'], ['remove', 'one'], ['show', 'one'], ['show']]) {
    assert.equal((await line.run(['context', ...args])).status, 3, args.join(' '));
  }
  assert.equal((await line.run(['whoami', '--context', 'nope'])).status, 3);
});

test('logout forgets the key and keeps the service', async t => {
  const { line, service } = await start(t);
  await line.run(['login', '--service-url', service.url, '--api-key-stdin'], { stdin: KEY });
  assert.equal((await line.run(['logout'])).status, 0);
  const { status, stderr } = await line.run(['whoami']);
  assert.equal(status, 4);
  assert.ok(stderr.includes(service.url));
  assert.equal((await line.run(['logout'])).status, 0);
});

test('an environment key is not sent to the service of a context', async t => {
  const { line, service } = await start(t);
  await line.run(['login', '--service-url', service.url, '--api-key-stdin'], { stdin: KEY });
  const asked = service.requests.length;
  const { status, stderr } = await line.run(['whoami'], { env: { SEMILAYER_API_KEY: 'sk_other' } });
  assert.equal(status, 2);
  assert.ok(stderr.includes(service.url) && stderr.includes('https://api.semilayer.com'));
  assert.equal(service.requests.length, asked);
});

test('keys are printed once, at creation', async t => {
  const { line, service } = await start(t);
  line.env = { ...line.env, SEMILAYER_SERVICE_URL: service.url, SEMILAYER_API_KEY: 'sk_admin' };
  const record = {
    id: 'k1',
    name: 'ci',
    role: 'query-only',
    fingerprint: 'sk_…6789:12345678',
    createdAt: 'T',
    revokedAt: null,
  };
  service.on('POST /v1/keys', { status: 201, json: { ...record, key: KEY } });
  service.on('GET /v1/keys', { json: { items: [record], nextCursor: null } });
  service.on('DELETE /v1/keys/ci', { status: 204, json: null });
  const created = await line.run(['keys', 'create', 'ci', '--role', 'query-only']);
  assert.equal(created.stdout, `SEMILAYER_API_KEY=${KEY}\n`);
  assert.ok(!created.stderr.includes(KEY));
  assert.deepEqual(service.last().body, { name: 'ci', role: 'query-only' });
  assert.equal((await line.run(['keys', 'list'])).stdout, 'k1\tci\tquery-only\tsk_…6789:12345678\tT\t\n');
  assert.equal((await line.run(['keys', 'revoke', 'ci'])).status, 0);
  assert.equal((await line.run(['keys', 'create', 'ci', '--role', 'god'])).status, 2);
});

test('console prints a link, and nothing that is none', async t => {
  const { line, service } = await start(t);
  line.env = { ...line.env, SEMILAYER_SERVICE_URL: service.url, SEMILAYER_API_KEY: KEY };
  service.on('POST /v1/session/links', {
    status: 201,
    json: { url: `${service.url}/#code=c`, expiresAt: 'T' },
  });
  assert.equal((await line.run(['console'])).stdout, `${service.url}/#code=c\n`);
  service.on('POST /v1/session/links', { status: 201, json: { url: 'javascript:alert(1)' } });
  assert.equal((await line.run(['console'])).status, 6);
});

test('config explain says where everything came from, and shows no secret', async t => {
  const { line } = await start(t);
  const env = {
    SEMILAYER_API_KEY: KEY,
    SEMILAYER_SERVICE_URL: 'https://service.example.com',
    SEMILAYER_RUNNER_TOKEN: 'rk_canaryTOKEN0123456789',
    https_proxy: 'http://user:canaryPROXY@proxy.example.com:3128',
    SEMILAYER_SOURCE_SHOP_URL: 'postgresql://user:canaryURL@db/shop',
  };
  const { status, stdout, stderr } = await line.run(['config', 'explain'], { env });
  assert.equal(status, 0);
  assert.match(stdout, /^service URL\thttps:\/\/service\.example\.com\tSEMILAYER_SERVICE_URL$/m);
  assert.match(stdout, /^API key\tsk_…6789:[0-9a-f]{8}\tSEMILAYER_API_KEY$/m);
  assert.match(stdout, /^gateway URL\twss:\/\/runner\.semilayer\.com\/connect\tdefault$/m);
  assert.match(stdout, /^proxy to the service\thttp:\/\/…@proxy\.example\.com:3128\thttps_proxy$/m);
  assert.match(stdout, /^insecure\tfalse\tdefault$/m);
  assert.match(stdout, /^colour\tno\tnot a terminal$/m);
  assert.match(stdout, /^questions\tno\tnot a terminal$/m);
  assert.match(stdout, /^SEMILAYER_SOURCE_SHOP_URL\t\(set\)\tSEMILAYER_SOURCE_SHOP_URL$/m);
  assert.doesNotMatch(stdout + stderr, /canary/);
});

test('config explain explains what cannot be resolved as well', async t => {
  const { line, service } = await start(t);
  await line.run(['login', '--service-url', service.url, '--api-key-stdin'], { stdin: KEY });
  const { status, stdout, stderr } = await line.run(['config', 'explain'], {
    env: { SEMILAYER_API_KEY: 'sk_other' },
  });
  assert.equal(status, 0);
  assert.doesNotMatch(stdout, /\t\t|^(service URL|API key)\t/m);
  assert.match(stderr, /^warning: SEMILAYER_API_KEY is set/);
});

test('config explain shows no query of a URL, and no gateway of another service', async t => {
  const { line, service } = await start(t);
  await line.run(['login', '--service-url', service.url, '--api-key-stdin'], { stdin: KEY });
  const own = await line.run(['config', 'explain']);
  assert.match(own.stdout, /^gateway URL\tws:\/\/gateway\.test\/connect\tcontext /m);
  const other = await line.run(['config', 'explain', '--service-url', 'https://other.example.com']);
  assert.match(other.stdout, /^service URL\thttps:\/\/other\.example\.com\t--service-url$/m);
  assert.doesNotMatch(other.stdout, /gateway\.test/);
  const { stdout } = await line.run(['config', 'explain'], {
    env: { SEMILAYER_GATEWAY_URL: 'wss://user:canary@g.example.com/connect?key=canary' },
  });
  assert.match(stdout, /^gateway URL\twss:\/\/…@g\.example\.com\/connect\?…\tSEMILAYER_GATEWAY_URL$/m);
  assert.doesNotMatch(stdout, /canary/);
});

test('config paths names the config file', async t => {
  const { line } = await start(t);
  const file = join(line.directory, 'config', 'config.json');
  assert.match((await line.run(['config', 'paths'])).stdout, new RegExp(`^config\t${file}\tfalse\t`));
  const names = (await line.run(['config', 'paths', '--json'])).stdout;
  const expected = ['config', 'update check', 'gateway data', 'dev data'];
  const { getCompileCacheDir } = nodeModule as { getCompileCacheDir?: () => string | undefined };
  if (getCompileCacheDir?.() !== undefined) expected.splice(2, 0, 'compile cache');
  assert.deepEqual(
    (JSON.parse(names) as { name: string }[]).map(one => one.name),
    expected,
  );
  await mkdir(join(line.directory, 'config'));
  await writeFile(file, 'nonsense');
  assert.ok((await line.run(['context', 'list'])).stderr.includes(file));
});

test('an environment key that goes before the one of the context is said, once', async t => {
  const { line, service } = await start(t);
  await line.run(['login', '--service-url', service.url, '--api-key-stdin'], { stdin: KEY });
  const stray = { SEMILAYER_API_KEY: 'sk_strayCANARY', SEMILAYER_SERVICE_URL: service.url };
  const { stderr, status } = await line.run(['whoami', '--context', new URL(service.url).host], {
    env: stray,
  });
  assert.equal(status, 0);
  const direct = await line.run(['whoami'], { env: stray });
  assert.equal(
    direct.stderr.match(/warning: SEMILAYER_API_KEY .* goes before the key of context/g)?.length,
    1,
  );
  assert.doesNotMatch(stderr + direct.stderr, /stray|CANARY/);
  assert.equal((await line.run(['whoami'], { env: { ...stray, SEMILAYER_API_KEY: KEY } })).stderr, '');
});

test('where no config can be kept the environment is enough, and what needs one says so', async t => {
  const { line, service } = await start(t);
  const file = join(line.directory, 'a-file');
  await writeFile(file, '');
  const env = {
    SEMILAYER_CONFIG_DIR: join(file, 'config'),
    HOME: '/nonexistent',
    SEMILAYER_SERVICE_URL: service.url,
    SEMILAYER_API_KEY: KEY,
  };
  const fine = await line.run(['whoami'], { env });
  assert.deepEqual([fine.status, fine.stderr], [0, '']);
  const login = await line.run(['login'], { env });
  assert.equal(login.status, 2);
  assert.match(
    login.stderr,
    /^error: the config file .* cannot be written \(ENOTDIR\)\nhint: .*need no file/,
  );
});

async function start(t: TestContext): Promise<{ line: CommandLine; service: FakeService }> {
  const [line, service] = await Promise.all([CommandLine.create(t), FakeService.start(t)]);
  service.on('GET /v1/whoami', {
    json: {
      name: 'ci',
      role: 'operator',
      gatewayUrl: 'ws://gateway.test/connect',
      version: '9.9.9',
      newer: true,
    },
  });
  return { line, service };
}
