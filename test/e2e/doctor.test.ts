/** `semilayer doctor` against real gateways, proxies, certificates and databases, whole and broken. */
import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { systemClock } from '../../src/platform/clock.ts';
import { makeCertificates } from '../support/certificates.ts';
import { CommandLine, type Outcome, type RunOptions } from '../support/command-line.ts';
import { openGateway } from '../support/gateway.ts';
import { startForwardProxy } from '../support/proxy.ts';
import { openScriptedGateway } from '../support/scripted-gateway.ts';

/** Marks and names, in order: `✓ DNS`. */
const marks = ({ stdout }: Outcome): string[] =>
  stdout
    .trim()
    .split('\n')
    .map(line => line.split(/ +/, 2).join(' '));
const lineOf = ({ stdout }: Outcome, name: string): string =>
  stdout.split('\n').find(line => line.split(/ +/)[1] === name) ?? '';

test('all is well: every check, in order, and exit 0', async t => {
  const { line } = await setUp(t);
  const outcome = await line.run(['doctor', '--idle', '200ms']);
  assert.equal(outcome.status, 0, outcome.stderr + outcome.stdout);
  assert.deepEqual(
    marks(outcome).join(', '),
    '✓ config, ✓ token, ✓ service, ✓ proxy, ✓ DNS, ✓ TCP, ✓ TLS, ✓ clock, ✓ upgrade, ✓ token, ✓ protocol, ✓ idle, ✓ source',
  );
  assert.match(lineOf(outcome, 'protocol'), /version 1; assigned local, shop \(\d+(\.\d)? ms\)$/);
  assert.match(lineOf(outcome, 'source'), /local: @semilayer\/bridge-sqlite connects/);
});

test('before anything is set it says what is missing, and how far it gets', async t => {
  const line = await CommandLine.create(t);
  const outcome = await line.run(['doctor', '--json', '--gateway-url', 'ws://127.0.0.1:9']);
  assert.equal(outcome.status, 1);
  const { ok, checks } = JSON.parse(outcome.stdout);
  assert.equal(ok, false);
  assert.deepEqual(
    checks.map((one: { name: string; status: string }) => `${one.name} ${one.status}`),
    [
      'config ok',
      'token warning',
      'proxy ok',
      'DNS ok',
      'TCP failed',
      'TLS skipped',
      'clock skipped',
      'upgrade skipped',
      'protocol skipped',
    ],
  );
  for (const check of checks) {
    assert.deepEqual(Object.keys(check), ['name', 'status', 'message', 'hint', 'durationMs']);
  }
  assert.equal(JSON.parse(outcome.stderr).error.code, 'doctor_failed');
  const unknown = await line.run(['doctor', '--gateway-url', 'wss://nowhere.invalid']);
  assert.match(
    lineOf(unknown, 'DNS'),
    /^✗ DNS +nowhere\.invalid cannot be resolved \((ENOTFOUND|EAI_AGAIN)\)/,
  );
});

test('settings that cannot be are named, and so are files that others may read', async t => {
  const { line } = await setUp(t);
  const broken = join(line.directory, 'broken');
  await writeFile(join(line.directory, 'token'), `${line.env.SEMILAYER_RUNNER_TOKEN}\n`, { mode: 0o644 });
  const cases: [env: Record<string, string>, line: RegExp][] = [
    [{ SEMILAYER_GATEWAY_URL: 'ws://gateway.example.com' }, /^✗ config .*not encrypted.*: use wss:/],
    [{ SEMILAYER_CA_FILE: broken }, /^✗ config .*CA file .* cannot be read \(ENOENT\)/],
    [{ SEMILAYER_CONTEXT: 'none' }, /^✗ config .*no context named "none"/],
    [{ HTTP_PROXY: 'http://127.0.0.1:9' }, /^✗ TCP .*port 9.*refused.*the proxy of HTTP_PROXY.*NO_PROXY/],
    [{ HTTP_PROXY: 'socks5://a:canary@b' }, /^✗ proxy .*HTTP_PROXY does not name/],
    [{ SEMILAYER_RUNNER_TOKEN_FILE: broken }, /^✗ token .*both .* are set: unset one/],
    [
      { SEMILAYER_RUNNER_TOKEN: '', SEMILAYER_RUNNER_TOKEN_FILE: broken },
      /^✗ token .*cannot be read \(ENOENT\)/,
    ],
    [{ SEMILAYER_RUNNER_TOKEN: '' }, /^✗ token .*no token for runner edge/],
    [{ SEMILAYER_RUNNER_ID: '' }, /^✗ token .*no runner ID/],
    [{ SEMILAYER_RUNNER_TOKEN: 'sk_canary' }, /^✗ token .*no runner token.*that is an API key/],
    [{ SEMILAYER_RUNNER_TOKEN: `rk_${'0'.repeat(49)}` }, /^✗ token .*checksum is wrong: .*copy it again/],
    [
      { SEMILAYER_RUNNER_TOKEN: '', SEMILAYER_RUNNER_TOKEN_FILE: join(line.directory, 'token') },
      /^! token .*can be read by others on this machine: chmod 600/,
    ],
  ];
  for (const [env, expected] of cases) {
    const { stdout, stderr } = await line.run(['doctor'], { env });
    assert.ok(
      stdout.split('\n').some(one => expected.test(one)),
      `${expected} in\n${stdout}`,
    );
    assert.doesNotMatch(stdout + stderr, /canary/);
  }
});

test('a token that the gateway does not take, or that is of another runner', async t => {
  const { line, ask } = await setUp(t);
  const other = await ask('POST', '/v1/runners', { name: 'other' });
  const foreign = await line.run(['doctor'], { env: { SEMILAYER_RUNNER_TOKEN: other.json.token } });
  assert.equal(foreign.status, 1);
  assert.match(foreign.stdout, /\n✗ token +the token belongs to another runner than edge/);
  await ask('POST', '/v1/runners/edge/rotate', {});
  const rotated = await line.run(['doctor']);
  assert.equal(rotated.status, 1);
  assert.match(rotated.stdout, /\n✓ upgrade/);
  assert.match(rotated.stdout, /\n✗ token +the gateway refuses the token \(HTTP 401\).*runners rotate/);
});

test('an upgrade that is stripped on the way, and something else that answers', async t => {
  const { line, gateway } = await setUp(t);
  const stripping = await startServer(t, (request, response) => {
    if (request.headers.upgrade) {
      response.writeHead(404, { 'content-type': 'application/problem+json' }).end('{}');
    } else {
      response.writeHead(200, { 'content-type': 'application/json' }).end('{"status":"ok"}');
    }
  });
  const stripped = await line.run(['doctor', '--gateway-url', stripping]);
  assert.match(
    lineOf(stripped, 'upgrade'),
    /^✗ .*stripped on the way \(HTTP 404 instead of 101\).*Upgrade and Connection/,
  );
  const portal = await startServer(t, (_request, response) => {
    response.writeHead(200, { 'content-type': 'text/html' }).end('<html>sign in</html>');
  });
  assert.match(
    lineOf(await line.run(['doctor', '--gateway-url', portal]), 'upgrade'),
    /^✗ .*with a web page/,
  );
  const elsewhere = `${gateway.url.replace('http', 'ws')}/other`;
  assert.match(
    lineOf(await line.run(['doctor', '--gateway-url', elsewhere]), 'upgrade'),
    /HTTP 404.*end in \/connect/,
  );
});

test('a gateway of another version, one that says nothing, one that hands out work', async t => {
  const { line } = await setUp(t);
  const gateway = await openScriptedGateway(t);
  const incompatible = line.run(['doctor', '--gateway-url', gateway.url]);
  (await gateway.session()).socket.close(4406, 'speaks 9');
  assert.match(lineOf(await incompatible, 'protocol'), /^✗ .*no common protocol version.*speaks 9.*: update/);

  const busy = line.run(['doctor', '--gateway-url', gateway.url, '--idle', '1s']);
  const session = await gateway.greeted();
  const source = { id: 's', name: 's', bridge: 'sqlite', credentialsLocation: 'managed', config: {} };
  const job = { kind: 'test', target: '', options: {} };
  session.send({ id: 'j', type: 'job', params: { source, job }, deadlineMs: 30_000 });
  assert.match(lineOf(await busy, 'idle'), /^! .*not measured: the gateway handed out a job/);
});

test('certificates: who issued what is not trusted, and trusted it is with the CA file', async t => {
  const { caFile, cert, key } = await makeCertificates(t, { names: ['DNS:localhost'] });
  const { gateway } = await openGateway(t, { tls: { cert, key } });
  const line = await CommandLine.create(t);
  const doctor = (host: string, ...args: string[]) =>
    line.run(['doctor', '--gateway-url', `wss://${host}:${gateway.port}`, ...args]);
  const unknown = await doctor('localhost');
  assert.equal(unknown.status, 1);
  assert.match(
    lineOf(unknown, 'TLS'),
    /^✗ .*issued by Example Inspection CA Root, is not trusted.*--ca-file/,
  );
  assert.equal(lineOf(unknown, 'upgrade'), '');
  const misnamed = await doctor('127.0.0.1', '--ca-file', caFile);
  assert.match(lineOf(misnamed, 'TLS'), /^✗ .*is for localhost, not for 127\.0\.0\.1/);
  const trusted = await doctor('localhost', '--ca-file', caFile);
  assert.equal(trusted.status, 0, trusted.stdout);
  assert.match(
    lineOf(trusted, 'TLS'),
    /^✓ .*certificate issued by Example Inspection CA Root.*valid until 20/,
  );
  const later = at(Date.now() + 80 * 86_400_000);
  const expiring = await line.run(
    ['doctor', '--gateway-url', `wss://localhost:${gateway.port}`, '--ca-file', caFile],
    { clock: later },
  );
  assert.match(lineOf(expiring, 'TLS'), /^! .*renew/);
});

test('a clock that is wrong', async t => {
  const { line } = await setUp(t);
  const ahead = await line.run(['doctor'], { clock: at(Date.now() + 60_000) });
  assert.match(lineOf(ahead, 'clock'), /^! .*clock is (59|1m|1m1)s? ?ahead|1m ahead/);
  assert.equal(ahead.status, 0);
  const behind = await line.run(['doctor'], { clock: at(Date.now() - 3_600_000) });
  assert.match(lineOf(behind, 'clock'), /^✗ .*behind the gateway's: set it by a time server/);
  assert.equal(behind.status, 1);
});

test('the proxy: named, refused, and cutting what is idle', async t => {
  const { line } = await setUp(t);
  const doctor = async (url: string, ...args: string[]) =>
    await line.run(['doctor', ...args], { env: { HTTP_PROXY: url.replace('//', '//user:canary@') } });
  const through = await doctor((await startForwardProxy(t)).url, '--idle', '200ms');
  assert.match(
    lineOf(through, 'proxy'),
    /^✓ .*http:\/\/…@127\.0\.0\.1:\d+ \(from HTTP_PROXY\) opens a tunnel/,
  );
  assert.equal(through.status, 0, through.stdout);
  const refusing = await doctor((await startForwardProxy(t, { refuse: 407 })).url);
  assert.match(
    refusing.stdout,
    /✗ proxy .*wants a user name and password \(HTTP 407\).*put them into HTTP_PROXY/,
  );
  assert.doesNotMatch(refusing.stdout + refusing.stderr + through.stdout, /canary/);
  const cutting = await doctor((await startForwardProxy(t, { idleMs: 300 })).url, '--idle', '10s');
  assert.equal(cutting.status, 1);
  assert.match(
    lineOf(cutting, 'idle'),
    /^✗ .*the session was cut after [\dms]+ of silence.*raise the idle timeout/,
  );
});

test('runner-local sources: one that cannot be opened, one not set, one nobody assigned', async t => {
  const { line } = await setUp(t);
  const gone = await line.run(['doctor'], { env: { SEMILAYER_SOURCE_LOCAL_URL: 'file:/canary/gone.db' } });
  assert.equal(gone.status, 1);
  assert.match(lineOf(gone, 'source'), /^✗ .*local: /);
  const unset = await line.run(['doctor'], { env: { SEMILAYER_SOURCE_LOCAL_URL: '' } });
  assert.match(lineOf(unset, 'source'), /^✗ .*SEMILAYER_SOURCE_LOCAL_URL/);
  const more = await line.run(['doctor'], { env: { SEMILAYER_SOURCE_STRANGER_URL: 'file:x' } });
  assert.match(more.stdout, /\n! source +SEMILAYER_SOURCE_STRANGER_… is set, but no such source is assigned/);
  assert.equal(more.status, 0);
  // With no gateway to ask, its URL tells what kind it is.
  const alone = await line.run(['doctor', '--gateway-url', 'ws://127.0.0.1:9']);
  assert.match(lineOf(alone, 'source'), /^✓ .*local: @semilayer\/bridge-sqlite connects/);
});

test('on a terminal a check is as wide as the window, and marked in colour', async t => {
  const line = await CommandLine.create(t);
  const options: RunOptions = { terminal: ['stdout'], columns: 40 };
  const { stdout } = await line.run(['doctor', '--gateway-url', 'ws://127.0.0.1:9'], options);
  for (const one of stdout.split('\n')) {
    assert.ok(one.replace(/\u001b\[\d+m/g, '').length <= 40, one);
  }
  assert.match(stdout, /\u001b\[32m✓/);
});

function at(now: number) {
  const shiftMs = now - Date.now();
  return { ...systemClock, now: () => Date.now() + shiftMs };
}

async function startServer(t: TestContext, answer: Parameters<typeof createServer>[1] & {}): Promise<string> {
  const server = createServer(answer as never);
  await new Promise<void>(done => server.listen(0, '127.0.0.1', done));
  t.after(() => {
    server.closeAllConnections();
    server.close();
  });
  return `ws://127.0.0.1:${(server.address() as AddressInfo).port}/connect`;
}

/** A gateway, the runner `edge` with a managed and a runner-local source, and the environment that names all of it. */
async function setUp(t: TestContext) {
  const opened = await openGateway(t);
  const { gateway, ask, connectUrl, key } = opened;
  const { token } = await opened.shop();
  await ask('POST', '/v1/sources', { name: 'local', bridge: 'sqlite', credentialsLocation: 'runner-local' });
  await ask('POST', '/v1/runners/edge/sources', { sources: ['local'] });
  const line = await CommandLine.create(t);
  line.env = {
    ...line.env,
    SEMILAYER_SERVICE_URL: gateway.url,
    SEMILAYER_API_KEY: key,
    SEMILAYER_GATEWAY_URL: connectUrl,
    SEMILAYER_RUNNER_ID: 'edge',
    SEMILAYER_RUNNER_TOKEN: token,
    SEMILAYER_SOURCE_LOCAL_URL: `file:${join(opened.directory, 'shop.db')}`,
  };
  return { line, gateway, ask };
}
