import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { chownSync, existsSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { PostgresBridge } from '../../../src/bridges/postgres/postgres-bridge.ts';
import {
  connectTo,
  freePort,
  ownPostgresServer,
  type PostgresServer,
  postgresServer,
  unprivileged,
} from '../../support/postgres-server.ts';
import { temporaryDirectory } from '../../support/temporary.ts';

ownPostgresServer();

const BINARIES = ['/usr/sbin/pgbouncer', '/usr/bin/pgbouncer', '/opt/homebrew/bin/pgbouncer'];
const NOT_RUN = 'NOT RUN: no PgBouncer on this machine';

/** URL of a PgBouncer in transaction mode before the server, with two server connections for everybody. */
async function pooler(t: TestContext, server: PostgresServer): Promise<string | undefined> {
  const binary = BINARIES.find(existsSync);
  if (binary === undefined) {
    if ((process.env.SEMILAYER_TEST_REQUIRE ?? '').includes('postgres')) throw new Error(NOT_RUN);
    t.diagnostic(NOT_RUN);
    process.stderr.write(`${NOT_RUN} (${t.name})\n`);
    return undefined;
  }
  const directory = await temporaryDirectory(t);
  const port = await freePort();
  const users = join(directory, 'users.txt');
  const config = join(directory, 'pgbouncer.ini');
  await writeFile(users, `"${server.user}" "${server.password}"\n`);
  await writeFile(
    config,
    `[databases]
* = host=${server.host} port=${server.port}
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = ${port}
unix_socket_dir =
auth_type = plain
auth_file = ${users}
pool_mode = transaction
default_pool_size = 2
`,
  );
  const identity = unprivileged();
  if (identity) for (const path of [directory, users, config]) chownSync(path, identity.uid, identity.gid);
  const child = spawn(binary, [config], { stdio: 'ignore', ...identity });
  t.after(() => child.kill('SIGKILL'));
  while (!(await accepts(port)));
  return `postgresql://${server.user}:${encodeURIComponent(server.password)}@127.0.0.1:${port}/${server.database}`;
}

async function accepts(port: number): Promise<boolean> {
  return await new Promise(resolve => {
    const socket = connect(port, '127.0.0.1');
    socket.once('connect', () => resolve(true)).once('error', () => resolve(false));
    socket.once('connect', () => socket.end());
  });
}

test('behind a pooler that hands each transaction another connection, everything is as without it', async t => {
  const server = await postgresServer(t);
  if (!server) return;
  const url = await pooler(t, server);
  if (url === undefined) return;
  const owner = await connectTo(t, server.url);
  await owner.query(
    `create table many (id int primary key, at timestamptz not null default '2024-02-29 12:00:00+02');
     insert into many select i from generate_series(1, 50000) i;
     create table touched (id int);
     create function touch() returns int language plpgsql as $$ begin insert into touched values (1); return 1; end $$;
     create view writing as select touch() as id;
     create view slow as select pg_sleep(60)::text as nothing;
     alter role current_user set timezone = 'Asia/Tokyo';`,
  );
  const bridge = new PostgresBridge({ url, pool: { max: 8 } });
  await bridge.connect();
  t.after(() => bridge.disconnect());

  const asked = Array.from({ length: 40 }, async (_, index) => {
    const { rows } = await bridge.query('many', { where: { id: index + 1 } });
    assert.deepEqual(rows, [{ id: index + 1, at: '2024-02-29T10:00:00Z' }]);
    assert.equal(await bridge.count('many', { where: { id: { $lte: index } } }), index);
  });
  await Promise.all(asked);

  let seen = 0;
  for await (const batch of bridge.stream('query', 'many', {}, new AbortController().signal)) {
    seen += 'count' in batch ? (batch.count as number) : 0;
  }
  assert.equal(seen, 50_000);

  await assert.rejects(bridge.query('writing'), /read-only transaction/);
  await assert.rejects(bridge.query('many', { where: { id: 'x' } }), /invalid input syntax/);
  const early = bridge.stream('query', 'many', {}, new AbortController().signal);
  await early.next();
  await early.return(undefined);

  const abort = new AbortController();
  const first = bridge.stream('query', 'slow', {}, abort.signal).next();
  const active = async () =>
    (
      await owner.query(
        `select 1 from pg_stat_activity where query like '%slow%' and state = 'active' and pid <> pg_backend_pid()`,
      )
    ).rowCount;
  while ((await active()) === 0);
  abort.abort(new Error('enough'));
  await assert.rejects(first, /enough/);
  const deadline = performance.now() + 1_000;
  while ((await active()) !== 0) assert.ok(performance.now() < deadline, 'still running after a second');
  assert.equal((await bridge.query('many', { limit: 1 })).rows.length, 1);
  assert.equal((await owner.query('select 1 from touched')).rowCount, 0);
});
