import assert from 'node:assert/strict';
import { chownSync } from 'node:fs';
import { copyFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { PostgresBridge } from '../../../src/bridges/postgres/postgres-bridge.ts';
import { type Certificates, makeCertificates } from '../../support/certificates.ts';
import {
  connectTo,
  ownPostgresServer,
  type PostgresServer,
  postgresServer,
  unprivileged,
} from '../../support/postgres-server.ts';

ownPostgresServer();

/** The server with that certificate, from now on. */
async function withCertificate(server: PostgresServer, { certFile, keyFile }: Certificates): Promise<void> {
  for (const [from, name] of [
    [certFile, 'server.crt'],
    [keyFile, 'server.key'],
  ] as const) {
    const to = join(server.dataDir as string, name);
    await copyFile(from, to);
    const identity = unprivileged();
    if (identity) chownSync(to, identity.uid, identity.gid);
  }
  await server.restart({ ssl: 'on' });
}

test('sslmode means what libpq means by it', async t => {
  const server = await postgresServer(t);
  if (server?.dataDir === undefined) return;
  const trusted = await makeCertificates(t);
  const elsewhere = await makeCertificates(t, { names: ['DNS:db.example.com'] });
  const expired = await makeCertificates(t, { days: -1 });
  t.after(() => server.restart());

  /** Whether the bridge's connection is encrypted, or why there is none. */
  const outcome = async (mode: string | undefined, options: Record<string, string> = {}): Promise<string> => {
    const { host, port, user, password, database } = server;
    const bridge = new PostgresBridge({
      host,
      port,
      user,
      password,
      database,
      ...(mode ? { sslmode: mode } : {}),
      ...options,
    });
    try {
      await bridge.connect();
      const owner = await connectTo(t, server.url);
      const { rows } = await owner.query(
        `select s.ssl from pg_stat_ssl s join pg_stat_activity a using (pid) where a.application_name = 'semilayer'`,
      );
      return rows[0]?.ssl ? 'encrypted' : 'plain';
    } catch (error) {
      return (error as Error).message.replace(/^\S+: /, '');
    } finally {
      await bridge.disconnect();
    }
  };

  const unknown = /unknown authority|not trusted/;
  assert.equal(await outcome('disable'), 'plain');
  assert.equal(await outcome('prefer'), 'plain');
  assert.match(await outcome('require'), /no TLS/);
  assert.match(await outcome('verify-full', { sslrootcert: trusted.caFile }), /no TLS/);

  await withCertificate(server, trusted);
  assert.equal(await outcome('disable'), 'plain');
  assert.equal(await outcome('require'), 'encrypted');
  assert.match(await outcome('verify-full'), unknown);
  assert.match(await outcome('verify-ca'), unknown);
  assert.match(await outcome('require', { sslrootcert: elsewhere.caFile }), unknown);
  assert.equal(await outcome('require', { sslrootcert: trusted.caFile }), 'encrypted');
  assert.equal(await outcome('verify-ca', { sslrootcert: trusted.caFile }), 'encrypted');
  assert.equal(await outcome('verify-full', { sslrootcert: trusted.caFile }), 'encrypted');

  await withCertificate(server, elsewhere);
  assert.equal(await outcome('verify-ca', { sslrootcert: elsewhere.caFile }), 'encrypted');
  assert.match(await outcome('verify-full', { sslrootcert: elsewhere.caFile }), /another host name/);

  await withCertificate(server, expired);
  assert.match(await outcome('verify-full', { sslrootcert: expired.caFile }), /has expired/);
  assert.equal(await outcome('require'), 'encrypted');
});

test('a query over TLS is cancelled over TLS', async t => {
  const server = await postgresServer(t);
  if (server?.dataDir === undefined) return;
  await withCertificate(server, await makeCertificates(t));
  t.after(() => server.restart());
  const owner = await connectTo(t, server.url);
  await owner.query('create view slow as select pg_sleep(60)::text as nothing');
  const bridge = new PostgresBridge({ url: `${server.url}?sslmode=require`, pool: { max: 1 } });
  await bridge.connect();
  const abort = new AbortController();
  const first = bridge.stream('query', 'slow', {}, abort.signal).next();
  const active = async () =>
    (
      await owner.query(
        `select 1 from pg_stat_activity where application_name = 'semilayer' and state = 'active'`,
      )
    ).rowCount;
  while ((await active()) === 0);
  abort.abort(new Error('enough'));
  await assert.rejects(first, /enough/);
  const deadline = performance.now() + 1_000;
  while ((await active()) !== 0) assert.ok(performance.now() < deadline, 'still running after a second');
  assert.deepEqual(await bridge.listTargets(), [{ name: 'slow' }]);
  await bridge.disconnect();
});
