import assert from 'node:assert/strict';
import type { AddressInfo } from 'node:net';
import { createServer } from 'node:net';
import { Readable } from 'node:stream';
import { type TestContext, test } from 'node:test';
import fc from 'fast-check';
import { ERRORS } from '../../src/commands/error-catalogue.ts';
import { ERROR_CODES, exitStatusOf } from '../../src/errors.ts';
import { redact } from '../../src/output/redact.ts';
import { formatSecret } from '../../src/protocol/token.ts';
import { makeCertificates } from '../support/certificates.ts';
import { CommandLine } from '../support/command-line.ts';
import { FakeService } from '../support/fake-service.ts';
import { openGateway } from '../support/gateway.ts';

/** HTTP status, code, exit status: the contract's table. */
const API: [status: number, code: string, exit: number][] = [
  [400, 'invalid_request', 2],
  [400, 'unsupported_operator', 2],
  [401, 'unauthorized', 77],
  [403, 'forbidden', 77],
  [404, 'not_found', 3],
  [409, 'conflict', 5],
  [422, 'SOURCE_QUERY_FAILED', 7],
  [429, 'too_many_jobs', 6],
  [502, 'SOURCE_UNREACHABLE', 7],
  [502, 'SOURCE_CONFIG_MISSING', 7],
  [502, 'BRIDGE_NOT_FOUND', 7],
  [502, 'ROW_TOO_LARGE', 7],
  [502, 'INTERNAL', 7],
  [502, 'runner_failed', 6],
  [503, 'no_runners_online', 6],
  [503, 'source_not_assigned', 6],
  [504, 'QUERY_TIMEOUT', 7],
  [500, 'internal', 1],
  [500, 'a_code_of_a_newer_service', 1],
];

for (const [status, code, exit] of API) {
  test(`${status} ${code} of the service is exit ${exit}, with what to do`, async t => {
    const { line, service } = await setUp(t);
    service.problem('GET /v1/runners', status, code, { requestId: 'req-1' });
    const plain = await line.run(['runners', 'list']);
    assert.deepEqual([plain.status, plain.stdout], [exit, '']);
    assert.match(plain.stderr, new RegExp(`^error: detail of ${code}`));
    if (code !== 'a_code_of_a_newer_service') assert.match(plain.stderr, /\nhint: \S/);
    const json = await line.run(['runners', 'list', '--json']);
    const { error } = JSON.parse(json.stderr);
    assert.equal(error.code, code);
    assert.equal(error.requestId, 'req-1');
    assert.match((await line.run(['runners', 'list', '--debug'])).stderr, /\nrequest: req-1\n/);
  });
}

test('every code has a meaning, a hint and an exit status of the contract', async t => {
  const allowed = new Set([1, 2, 3, 4, 5, 6, 7, 77, 124, 130]);
  for (const code of ERROR_CODES) {
    assert.ok(ERRORS[code].meaning !== '' && ERRORS[code].hint !== '', code);
    assert.ok(allowed.has(exitStatusOf(code)), code);
  }
  const { line } = await setUp(t);
  const { stdout } = await line.run(['help', 'errors']);
  for (const code of ERROR_CODES) assert.ok(stdout.includes(code), code);
});

test('a service that is not reached: which step failed', async t => {
  const { line } = await setUp(t);
  const ask = async (url: string, ...args: string[]) =>
    await line.run(['whoami', '--service-url', url, ...args]);
  const refused = await ask('http://127.0.0.1:9');
  assert.equal(refused.status, 6);
  assert.match(
    refused.stderr,
    /^error: http:\/\/127\.0\.0\.1:9 cannot be reached: the connection was refused/,
  );
  const unknown = await ask('https://nowhere.invalid');
  assert.equal(unknown.status, 6);
  assert.match(unknown.stderr, /^error: https:\/\/nowhere\.invalid cannot be reached: DNS: /);

  const { cert, key } = await makeCertificates(t, { issuer: 'Corporate Proxy', names: ['DNS:localhost'] });
  const { gateway } = await openGateway(t, { tls: { cert, key } });
  const untrusted = await ask(`https://localhost:${gateway.port}`);
  assert.equal(untrusted.status, 6);
  assert.match(untrusted.stderr, /TLS: its certificate, issued by Corporate Proxy Root, is not trusted here/);
  assert.match(untrusted.stderr, /\nhint: .*--ca-file/);
  const plain = await ask(`https://127.0.0.1:${await plainPort(t)}`);
  assert.match(plain.stderr, /TLS: it does not speak TLS|the connection was cut/);
});

test('a certificate that has expired is said to have, with its issuer and the day', async t => {
  const { line } = await setUp(t);
  const { cert, key, caFile } = await makeCertificates(t, { issuer: 'Example', days: -1 });
  const { gateway } = await openGateway(t, { tls: { cert, key } });
  const url = `https://localhost:${gateway.port}`;
  const { status, stderr } = await line.run(['whoami', '--service-url', url, '--ca-file', caFile]);
  assert.equal(status, 6);
  assert.match(stderr, /TLS: its certificate, issued by Example Root, expired on \d{4}-\d\d-\d\d/);
  assert.match(stderr, /\nhint: renew the server's certificate; if it is new, check this machine's clock/);
});

test('what nobody foresaw says how to report it, and holds no secret', async t => {
  const { line, service } = await setUp(t);
  const secret = formatSecret('rk_', new Uint8Array(32).fill(7));
  const burst = new Readable({
    read() {
      this.destroy(new Error('the pipe burst'));
    },
  });
  const { status, stderr } = await line.run(['sources', 'add', 'shop', '--bridge', 'sqlite', '--url-stdin'], {
    stdin: burst,
  });
  assert.equal(status, 1);
  assert.match(stderr, /^error: unexpected failure: /);
  assert.match(stderr, /\nhint: report it .*--debug.*semilayer 1\.2\.3, Node /);
  service.problem('GET /v1/runners', 500, 'internal', {
    detail: `cannot use ${secret} at postgres://user:hunter2@db/x`,
  });
  for (const args of [[], ['--json'], ['--debug']]) {
    const told = await line.run(['runners', 'list', ...args]);
    assert.doesNotMatch(told.stderr, new RegExp(`${secret}|hunter2`));
    assert.match(told.stderr, /rk_\[redacted\] at postgres:\/\/\[redacted\]@db/);
  }
});

test('redaction takes every token and leaves fingerprints and ordinary words alone', () => {
  fc.assert(
    fc.property(
      fc.uint8Array({ minLength: 32, maxLength: 32 }),
      fc.constantFrom('rk_', 'sk_'),
      (bytes, prefix) => {
        const secret = formatSecret(prefix as 'rk_' | 'sk_', bytes);
        assert.ok(!redact(`before "${secret}" after`).includes(secret.slice(3)));
      },
    ),
  );
  const harmless = 'rk_…AbCd:1a2b3c4d at https://api.semilayer.com/v1?a=b:c@d and user@example.com:5432';
  assert.equal(redact(harmless), harmless);
});

async function setUp(t: TestContext) {
  const [line, service] = await Promise.all([CommandLine.create(t), FakeService.start(t)]);
  line.env = { ...line.env, SEMILAYER_SERVICE_URL: service.url, SEMILAYER_API_KEY: 'sk_canary' };
  return { line, service };
}

/** Something that answers in plain text whatever it is asked. */
async function plainPort(t: TestContext): Promise<number> {
  const server = createServer(socket => {
    socket.on('error', () => {});
    socket.once('data', () => socket.end('HTTP/1.1 400 Bad Request\r\n\r\n'));
  });
  await new Promise<void>(done => server.listen(0, '127.0.0.1', done));
  t.after(() => server.close());
  return (server.address() as AddressInfo).port;
}
