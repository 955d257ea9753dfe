import assert from 'node:assert/strict';
import { test } from 'node:test';
import { MysqlBridge } from '../../../src/bridges/mysql/mysql-bridge.ts';
import { makeCertificates } from '../../support/certificates.ts';
import { connectTo, mysqlServer, ownMysqlServer } from '../../support/mysql-server.ts';
import { databaseWith, running, until } from './fixture.ts';

ownMysqlServer();

test('ssl-mode means what MySQL means by it', async t => {
  const server = await mysqlServer(t);
  if (!server?.restart) return;
  const { restart } = server;
  const trusted = await makeCertificates(t);
  const elsewhere = await makeCertificates(t, { names: ['DNS:db.example.com'] });
  const expired = await makeCertificates(t, { days: -1 });
  t.after(() => restart());
  const owner = await connectTo(server);
  // What the session that reads it is encrypted with.
  await owner.query(`create database sights; create view sights.sight as
    select variable_value as cipher from information_schema.session_status where variable_name = 'Ssl_cipher'`);
  await owner.end();

  /** Whether the bridge's connection is encrypted, or why there is none. */
  const outcome = async (
    mode: string | undefined,
    options: Record<string, unknown> = {},
  ): Promise<string> => {
    const { port, user, password } = server;
    const bridge = new MysqlBridge({
      ...{ host: 'localhost', port, user, password, database: 'sights' },
      ...(mode ? { 'ssl-mode': mode } : {}),
      ...options,
    });
    try {
      await bridge.connect();
      const [status] = (await bridge.query('sight', {})).rows;
      return status?.cipher === '' ? 'plain' : 'encrypted';
    } catch (error) {
      return (error as Error).message.replace(/^the certificate of the MySQL server at localhost:\d+ /, '');
    } finally {
      await bridge.disconnect();
    }
  };

  const unknown = /^is issued by nobody that is trusted/;
  assert.equal(await outcome(undefined), 'plain');
  assert.match(await outcome('REQUIRED'), /does not speak TLS/);
  assert.match(await outcome('VERIFY_IDENTITY', { ca: trusted.caFile }), /does not speak TLS/);

  await restart(trusted);
  assert.equal(await outcome('DISABLED'), 'plain');
  assert.equal(await outcome(undefined), 'encrypted');
  assert.equal(await outcome(undefined, { ssl: true }), 'encrypted');
  assert.equal(await outcome(undefined, { ssl: false }), 'plain');
  assert.equal(await outcome('REQUIRED'), 'encrypted');
  assert.match(await outcome('VERIFY_CA'), unknown);
  assert.match(await outcome('VERIFY_IDENTITY'), unknown);
  assert.match(await outcome('REQUIRED', { ca: elsewhere.caFile }), unknown);
  assert.match(await outcome(undefined, { ca: elsewhere.caFile }), unknown);
  assert.equal(await outcome('verify-ca', { ca: trusted.caFile }), 'encrypted');
  assert.equal(await outcome('VERIFY_IDENTITY', { 'ssl-ca': trusted.caFile }), 'encrypted');

  await restart(elsewhere);
  assert.equal(await outcome('VERIFY_CA', { ca: elsewhere.caFile }), 'encrypted');
  assert.match(await outcome('VERIFY_IDENTITY', { ca: elsewhere.caFile }), /^is for another host name$/);

  await restart(expired);
  assert.equal(await outcome('VERIFY_CA', { ca: expired.caFile }), 'has expired');
  assert.equal(await outcome('REQUIRED'), 'encrypted');
});

test('a query over TLS is cancelled over TLS', async t => {
  const fixture = await databaseWith(t, '');
  if (!fixture?.server.restart) return;
  const { restart } = fixture.server;
  await restart(await makeCertificates(t));
  t.after(() => restart());
  const watcher = await connectTo(fixture.server);
  t.after(() => watcher.end());
  await watcher.query(
    `use ${fixture.name}; create table many (id int); insert into many values (1), (2), (3); create view slow as select sleep(id + 20) as s from many`,
  );
  const sql = async (statement: string) => (await watcher.query(statement))[0] as never;
  const bridge = new MysqlBridge({ url: `${fixture.url}?ssl-mode=REQUIRED`, pool: { max: 1 } });
  t.after(() => bridge.disconnect());
  const cancel = new AbortController();
  const answer = assert.rejects(bridge.stream('query', 'slow', {}, cancel.signal).next(), /enough/);
  await until(async () => (await running({ sql })).length === 1, 5_000);
  cancel.abort(new Error('enough'));
  await answer;
  await until(async () => (await running({ sql })).length === 0, 1_000);
});
