/** A gateway of one's own in production: its certificate renewed, its proxies told apart, its data brought back. */
import assert from 'node:assert/strict';
import { copyFile, mkdir, readFile } from 'node:fs/promises';
import { request } from 'node:https';
import { join } from 'node:path';
import { test } from 'node:test';
import type { TLSSocket } from 'node:tls';
import { writeSampleDatabase } from '../../src/bridges/sample-data.ts';
import { parseCidrs } from '../../src/platform/network.ts';
import { makeCertificates } from '../support/certificates.ts';
import { openGateway } from '../support/gateway.ts';
import { openProgram, type Program } from '../support/program.ts';
import { connectScripted } from '../support/scripted-runner.ts';

test('SIGHUP serves the certificate that was renewed, and keeps the old one where the new one is no good', async t => {
  const program = await openProgram(t);
  const [first, second] = [
    await makeCertificates(t, { issuer: 'First CA' }),
    await makeCertificates(t, { issuer: 'Second CA' }),
  ];
  const [cert, key] = [join(program.cwd, 'cert.pem'), join(program.cwd, 'key.pem')];
  await Promise.all([copyFile(first.certFile, cert), copyFile(first.keyFile, key)]);
  const mixed = await program.run([
    'gateway',
    '--port',
    '0',
    '--tls-cert',
    second.certFile,
    '--tls-key',
    key,
  ]);
  assert.deepEqual([mixed.status, /cannot be served/.test(mixed.stderr)], [2, true], mixed.stderr);
  const gateway = program.start(['gateway', '--port', '0', '--tls-cert', cert, '--tls-key', key]);
  const [, url = ''] = await gateway.line(/listening on (https:\S+)/);
  const [, apiKey = ''] = await gateway.line(/^SEMILAYER_API_KEY=(\S+)$/);
  assert.match(await issuerOf(url, first.caFile), /First CA/);
  const open = await program.run(['whoami', '--service-url', url, '--ca-file', first.caFile], {
    env: { SEMILAYER_API_KEY: apiKey },
  });
  assert.equal(open.status, 0, open.stderr);

  await copyFile(second.certFile, cert);
  gateway.kill('SIGHUP');
  await gateway.line(/the certificate stays as it was: .*cannot be served/);
  assert.match(await issuerOf(url, first.caFile), /First CA/);
  await copyFile(second.keyFile, key);
  gateway.kill('SIGHUP');
  await gateway.line(/SIGHUP: the certificate was read again/);
  assert.match(await issuerOf(url, second.caFile), /Second CA/);
  gateway.kill('SIGUSR2');
  await gateway.line(/SIGUSR2: a gateway has no other log level/);
  gateway.kill('SIGTERM');
  const { status, stdout } = await gateway.ended;
  assert.equal(status, 0);
  assert.ok(!(stdout + gateway.stderr).includes('PRIVATE KEY'));
});

test('a forwarded address counts from a trusted proxy alone, and only as far as that one vouches for it', async t => {
  const seenBy = async (
    trusted: string[] | undefined,
    forwarded: string | undefined,
    header = 'x-forwarded-for',
  ): Promise<string> => {
    const gateway = await openGateway(t, {
      trustedProxies: trusted && parseCidrs(trusted, '--trusted-proxy'),
    });
    const { token, runnerId } = await gateway.shop();
    const headers: Record<string, string> = forwarded === undefined ? {} : { [header]: forwarded };
    await connectScripted(t, gateway.connectUrl, token, runnerId, {}, headers);
    const { json } = await gateway.ask('GET', `/v1/runners/${runnerId}`);
    await gateway.close();
    return String(json.sessions[0]?.remoteAddress);
  };
  const own = '127.0.0.1';
  const [near, mid] = ['127.0.0.0/8', '10.0.0.0/8'];
  const cases: [string[] | undefined, string | undefined, string][] = [
    [undefined, '192.0.2.1', own],
    [[mid], '192.0.2.1', own],
    [[near], undefined, own],
    [[near], '192.0.2.1', '192.0.2.1'],
    [[near], '198.51.100.9, 192.0.2.1', '192.0.2.1'],
    [[near, mid], '198.51.100.9, 192.0.2.1, 10.1.2.3', '192.0.2.1'],
    [[near], '192.0.2.1:51234', '192.0.2.1'],
    [[near], '[2001:db8::7]:443', '2001:db8::7'],
    [[near], '::ffff:192.0.2.1', '192.0.2.1'],
    // What cannot be read ends the chain: what stands before it may be anybody's.
    [[near], '198.51.100.9, unknown', own],
    [[near, mid], '198.51.100.9, nonsense, 10.1.2.3', '10.1.2.3'],
  ];
  // The newer header means nothing here: a proxy that writes the one passes the other on as it came.
  assert.equal(await seenBy([near], 'for=192.0.2.1', 'forwarded'), own);
  for (const [trusted, forwarded, expected] of cases) {
    assert.deepEqual([forwarded, await seenBy(trusted, forwarded)], [forwarded, expected]);
  }
});

test('a gateway that is lost comes back from its backup: keys, runners, sources and what was stored of them', async t => {
  const program = await openProgram(t);
  const gateway = await program.gateway();
  await writeSampleDatabase(join(program.cwd, 'shop.db'), { rows: 30 });
  await program.run(['sources', 'add', 'shop', '--bridge', 'sqlite', '--url', 'shop.db']);
  await program.run(['runners', 'create', 'edge', '--env-file', '.env']);
  await program.run(['runners', 'assign', 'edge', 'shop']);
  const used = await program.run(['gateway', 'backup', 'backup.db', '--data-dir', 'data']);
  assert.equal(used.status, 5, 'while it runs');
  gateway.process.kill('SIGTERM');
  await gateway.process.ended;
  assert.equal((await program.run(['gateway', 'backup', 'backup.db', '--data-dir', 'data'])).status, 0);
  assert.equal((await program.run(['gateway', 'backup', 'backup.db', '--data-dir', 'data'])).status, 5);
  assert.ok(
    !(await readFile(join(program.cwd, 'backup.db'))).includes('shop.db'),
    'configs are not readable in it',
  );

  const restore = async (name: string, withKey: boolean) => {
    await mkdir(join(program.cwd, name));
    await copyFile(join(program.cwd, 'backup.db'), join(program.cwd, name, 'semilayer.db'));
    if (withKey) await copyFile(join(program.cwd, 'data/config.key'), join(program.cwd, name, 'config.key'));
    return program.start(['gateway', '--port', '0', '--data-dir', name]);
  };
  const keyless = await (await restore('keyless', false)).ended;
  assert.equal(keyless.status, 1);
  const restored = await restore('restored', true);
  const [, url = ''] = await restored.line(/listening on (http:\S+)/);
  await answers(program, url, gateway.key);
  restored.kill('SIGTERM');
  await restored.ended;

  // The way back in, where every key was lost.
  const rescue = await program.run([
    'gateway',
    'keys',
    'create',
    'rescue',
    '--role',
    'admin',
    '--data-dir',
    'restored',
  ]);
  const again = program.start(['gateway', '--port', '0', '--data-dir', 'restored']);
  const [, second = ''] = await again.line(/listening on (http:\S+)/);
  const key = rescue.stdout.trim().split('=')[1] ?? '';
  const audit = await fetch(`${second}/v1/audit`, { headers: { authorization: `Bearer ${key}` } });
  const { items } = (await audit.json()) as {
    items: { action: string; actor: { name: string }; subject: { name: string } }[];
  };
  assert.deepEqual(items.map(one => `${one.actor.name} ${one.action} ${one.subject.name}`).slice(0, 4), [
    'command line key.create rescue',
    'admin runner.sources edge',
    'admin runner.create edge',
    'admin source.create shop',
  ]);
});

/** The runner with its old token, the caller with its old key, the source with its stored URL. */
async function answers(program: Program, url: string, key: string): Promise<void> {
  const env = { SEMILAYER_GATEWAY_URL: `${url.replace('http', 'ws')}/connect` };
  const run = program.start(['run', '--env-file', '.env'], env);
  await run.line(/connected, awaiting jobs/);
  const count = await program.run(['count', 'shop', 'orders', '--service-url', url], {
    env: { SEMILAYER_API_KEY: key },
  });
  assert.deepEqual([count.status, count.stdout], [0, '30\n']);
  run.kill('SIGTERM');
  await run.ended;
}

async function issuerOf(url: string, caFile: string): Promise<string> {
  const ca = await readFile(caFile, 'utf8');
  return await new Promise((resolve, reject) => {
    const asking = request(`${url}/livez`, { ca, agent: false }, response => {
      resolve(JSON.stringify((response.socket as TLSSocket).getPeerCertificate().issuer));
      response.resume();
    });
    asking.on('error', reject).end();
  });
}
