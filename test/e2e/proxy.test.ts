/** Commands and runners behind a proxy and behind TLS of an authority that only we know. */
import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { fingerprintOf } from '../../src/protocol/token.ts';
import { makeCertificates } from '../support/certificates.ts';
import { CommandLine } from '../support/command-line.ts';
import { connectRunner, openGateway } from '../support/gateway.ts';
import { openProgram } from '../support/program.ts';
import { startForwardProxy } from '../support/proxy.ts';

test('commands and the runner go through the proxy of the environment', async t => {
  const { key, url, token, connectUrl, line } = await tlsGateway(t);
  const proxy = await startForwardProxy(t);
  const { host } = new URL(url);
  const credentials = proxy.url.replace('//', '//user:p%40ss@');
  line.env.HTTPS_PROXY = credentials;
  line.env.SEMILAYER_API_KEY = key;
  const listed = await line.run(['runners', 'list']);
  assert.equal(listed.status, 0, listed.stderr);
  assert.deepEqual(proxy.asked, [`CONNECT ${host}`]);
  assert.equal(proxy.credentials[0], `Basic ${Buffer.from('user:p@ss').toString('base64')}`);

  const runner = await connectRunner(t, {
    gatewayUrl: connectUrl,
    runnerId: 'edge',
    authToken: token,
    ca: [line.ca],
    env: { https_proxy: credentials },
  });
  assert.equal(proxy.asked.length, 2);
  assert.equal(runner.status.connected, true);
});

test('`run` reads the proxy and the authority from an env file, too', async t => {
  const { token, connectUrl, line } = await tlsGateway(t);
  const proxy = await startForwardProxy(t);
  const program = await openProgram(t);
  const { writeFile } = await import('node:fs/promises');
  await writeFile(
    `${program.cwd}/e.env`,
    `SEMILAYER_RUNNER_ID=edge\nSEMILAYER_RUNNER_TOKEN=${token}\nSEMILAYER_GATEWAY_URL=${connectUrl}\nHTTPS_PROXY=${proxy.url}\nNODE_EXTRA_CA_CERTS=${line.caFile}\n`,
  );
  const run = program.start(['run', '--env-file', 'e.env']);
  await run.line(/connected, awaiting jobs/);
  assert.equal(proxy.asked.length, 1);
  run.kill('SIGTERM');
  assert.equal((await run.ended).status, 0);
});

test('plain HTTP is forwarded by its full address', async t => {
  const { gateway, key } = await openGateway(t);
  const proxy = await startForwardProxy(t);
  const line = await CommandLine.create(t);
  line.env = {
    ...line.env,
    SEMILAYER_SERVICE_URL: gateway.url,
    SEMILAYER_API_KEY: key,
    HTTP_PROXY: proxy.url,
  };
  const { status, stdout } = await line.run(['whoami', '--json']);
  assert.equal(status, 0);
  assert.equal(JSON.parse(stdout).fingerprint, fingerprintOf(key));
  assert.deepEqual(proxy.asked, [`GET ${gateway.url}/v1/whoami`]);
});

test('what the proxy refuses is said to be its doing, and never that of the gateway', async t => {
  const { url, token, connectUrl, line } = await tlsGateway(t);
  line.env.SEMILAYER_API_KEY = `sk_${'0'.repeat(32)}`;
  for (const status of [407, 403, 502]) {
    const proxy = await startForwardProxy(t, { refuse: status });
    line.env.HTTPS_PROXY = proxy.url.replace('//', '//user:canary@');
    const { status: exit, stderr } = await line.run(['runners', 'list']);
    assert.equal(exit, 6);
    const what = status === 407 ? 'wants a user name and password' : 'does not let through to';
    assert.match(stderr, new RegExp(`^error: the proxy \\S+ \\(from HTTPS_PROXY\\) ${what}.*HTTP ${status}`));
    assert.doesNotMatch(stderr, /canary/);

    const program = await openProgram(t);
    const run = program.start(['run', '--id', 'edge', '--gateway-url', connectUrl], {
      SEMILAYER_RUNNER_TOKEN: token,
      SEMILAYER_CA_FILE: line.caFile,
      HTTPS_PROXY: line.env.HTTPS_PROXY as string,
    });
    // A proxy's 403 is no refusal of the token: the runner goes on trying.
    await run.line(new RegExp(`next attempt in .*: the proxy .*HTTP ${status}`));
    await run.destroy();
  }
  line.env.HTTPS_PROXY = 'http://127.0.0.1:9';
  const gone = await line.run(['runners', 'list', '--service-url', url]);
  assert.equal(gone.status, 6);
  assert.match(gone.stderr, /^error: the proxy http:\/\/127\.0\.0\.1:9 .*cannot be reached \(ECONNREFUSED\)/);
});

async function tlsGateway(t: TestContext) {
  const { caFile, cert, key: tlsKey } = await makeCertificates(t);
  const opened = await openGateway(t, { tls: { cert, key: tlsKey } });
  const { gateway, key } = opened;
  const { readFile } = await import('node:fs/promises');
  const ca = await readFile(caFile, 'utf8');
  const line = Object.assign(await CommandLine.create(t), { caFile, ca });
  line.env = { ...line.env, SEMILAYER_CA_FILE: caFile, SEMILAYER_SERVICE_URL: gateway.url };
  const created = await line.run(['runners', 'create', 'edge', '--json'], {
    env: { SEMILAYER_API_KEY: key },
  });
  const { token } = JSON.parse(created.stdout) as { token: string };
  return { key, url: gateway.url, token, connectUrl: `${gateway.url.replace('https', 'wss')}/connect`, line };
}
