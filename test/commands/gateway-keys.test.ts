import assert from 'node:assert/strict';
import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { systemClock } from '../../src/platform/clock.ts';
import { hashSecret } from '../../src/protocol/token.ts';
import { openDataDirectory } from '../../src/store/data-directory.ts';
import { openSqliteStore } from '../../src/store/sqlite-store.ts';
import { CommandLine } from '../support/command-line.ts';

test('a key made in the directory of a stopped gateway is one that it will know', async t => {
  const { line, dataDir } = await stopped(t);
  const created = await line.run([
    'gateway',
    'keys',
    'create',
    'rescue',
    '--role',
    'admin',
    '--data-dir',
    dataDir,
  ]);
  assert.equal(created.status, 0);
  const secret = /^SEMILAYER_API_KEY=(sk_[0-9A-Za-z]{49})\n$/.exec(created.stdout)?.[1];
  assert.ok(secret !== undefined);
  assert.ok(!created.stderr.includes(secret));
  const directory = await openDataDirectory(dataDir, { create: false });
  const store = await openSqliteStore({ directory, clock: systemClock });
  assert.equal((await store.findKeyByHash(hashSecret(secret)))?.role, 'admin');
  await store.close();
  await directory.close();
  const listed = await line.run(['gateway', '--data-dir', dataDir, 'keys', 'list', '--json']);
  assert.deepEqual(
    JSON.parse(listed.stdout).map((key: { name: string; role: string }) => [key.name, key.role]),
    [['rescue', 'admin']],
  );
});

test('even the last admin key can be revoked there', async t => {
  const { line, dataDir } = await stopped(t);
  await line.run(['gateway', 'keys', 'create', 'rescue', '--role', 'admin', '--data-dir', dataDir]);
  assert.equal((await line.run(['gateway', 'keys', 'revoke', 'rescue', '--data-dir', dataDir])).status, 0);
  assert.equal((await line.run(['gateway', 'keys', 'revoke', 'nope', '--data-dir', dataDir])).status, 3);
});

test('a backup is a file of its own', async t => {
  const { line, dataDir } = await stopped(t);
  assert.equal((await line.run(['gateway', 'backup', 'copy.db', '--data-dir', dataDir])).status, 0);
  assert.ok((await stat(join(line.directory, 'copy.db'))).size > 0);
});

test('a directory that a gateway uses, or that is not there, is left alone', async t => {
  const { line, dataDir } = await stopped(t);
  const gateway = await openDataDirectory(dataDir, { create: false });
  const args = ['gateway', 'keys', 'create', 'x', '--role', 'admin', '--data-dir'];
  assert.equal((await line.run([...args, dataDir])).status, 5);
  await gateway.close();
  assert.equal((await line.run([...args, join(line.directory, 'nope')])).status, 3);
});

async function stopped(t: TestContext): Promise<{ line: CommandLine; dataDir: string }> {
  const line = await CommandLine.create(t);
  const dataDir = join(line.directory, 'data');
  const directory = await openDataDirectory(dataDir, { create: true });
  await (await openSqliteStore({ directory, clock: systemClock })).close();
  await directory.close();
  return { line, dataDir };
}
