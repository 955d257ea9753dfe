import assert from 'node:assert/strict';
import { chmod, mkdir, readdir, readFile, stat, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import {
  makeCurrent,
  removeContext,
  restoreContext,
  saveContext,
  shadowContext,
} from '../../src/config/contexts.ts';
import { resolveGatewayUrl } from '../../src/config/resolve.ts';
import { readUserConfig, type StoredContext } from '../../src/config/user-config.ts';
import { AppError } from '../../src/errors.ts';
import { CommandLine } from '../support/command-line.ts';

const LOCAL: StoredContext = {
  serviceUrl: 'http://127.0.0.1:1',
  gatewayUrl: 'ws://127.0.0.1:1/connect',
  key: 'sk_1',
};
const TEAM: StoredContext = { serviceUrl: 'https://team.example.com', gatewayUrl: null, key: 'sk_team' };

test('a stored context is current, and only its owner can read the file', async t => {
  const { env } = await CommandLine.create(t);
  await saveContext(env, 'local', LOCAL);
  const config = await readUserConfig(env);
  assert.equal(config.currentContext, 'local');
  assert.deepEqual(config.contexts.get('local'), LOCAL);
  const file = fileOf(env);
  assert.equal((await stat(file)).mode & 0o777, 0o600);
  await chmod(file, 0o644);
  await saveContext(env, 'team', TEAM);
  assert.equal((await stat(file)).mode & 0o777, 0o600);
});

const OTHER: StoredContext = { serviceUrl: 'http://127.0.0.1:2', gatewayUrl: null, key: 'sk_2' };
const nothingRuns = async (): Promise<boolean> => false;
const everythingRuns = async (): Promise<boolean> => true;

test('dev goes back to the context before it', async t => {
  const { env } = await CommandLine.create(t);
  await saveContext(env, 'team', TEAM);
  await shadowContext(env, 'local', LOCAL);
  assert.equal((await readUserConfig(env)).currentContext, 'local');
  await restoreContext(env, 'local', LOCAL.serviceUrl, nothingRuns);
  const config = await readUserConfig(env);
  assert.equal(config.currentContext, 'team');
  assert.deepEqual([...config.contexts.keys()], ['team']);
});

test('dev goes back to the context before it even after another dev was killed', async t => {
  const { env } = await CommandLine.create(t);
  await saveContext(env, 'team', TEAM);
  await shadowContext(env, 'local', LOCAL);
  await shadowContext(env, 'local', OTHER);
  await restoreContext(env, 'local', OTHER.serviceUrl, nothingRuns);
  const config = await readUserConfig(env);
  assert.equal(config.currentContext, 'team');
  assert.deepEqual([[...config.contexts.keys()], config.shadowed], [['team'], []]);
});

test('two at once: the end of the second brings back the first, whose end brings back what was before', async t => {
  const { env } = await CommandLine.create(t);
  await saveContext(env, 'team', TEAM);
  await shadowContext(env, 'local', LOCAL);
  await shadowContext(env, 'local', OTHER);
  assert.deepEqual((await readUserConfig(env)).contexts.get('local'), OTHER);
  await restoreContext(env, 'local', OTHER.serviceUrl, everythingRuns);
  const between = await readUserConfig(env);
  assert.deepEqual([between.currentContext, between.contexts.get('local')], ['local', LOCAL]);
  await restoreContext(env, 'local', LOCAL.serviceUrl, everythingRuns);
  const after = await readUserConfig(env);
  assert.deepEqual([after.currentContext, [...after.contexts.keys()]], ['team', ['team']]);
  assert.ok(!(await readFile(fileOf(env), 'utf8')).includes('sk_1'));
});

test('two at once, the first ended first: the second does not bring it back', async t => {
  const { env } = await CommandLine.create(t);
  await saveContext(env, 'team', TEAM);
  await shadowContext(env, 'local', LOCAL);
  await shadowContext(env, 'local', OTHER);
  await restoreContext(env, 'local', LOCAL.serviceUrl, everythingRuns);
  assert.deepEqual((await readUserConfig(env)).contexts.get('local'), OTHER);
  await restoreContext(env, 'local', OTHER.serviceUrl, everythingRuns);
  assert.equal((await readUserConfig(env)).currentContext, 'team');
});

test('dev leaves alone what another process has stored or chosen since', async t => {
  const { env } = await CommandLine.create(t);
  await saveContext(env, 'local', OTHER);
  await restoreContext(env, 'local', LOCAL.serviceUrl, nothingRuns);
  assert.equal((await readUserConfig(env)).currentContext, 'local');
  await saveContext(env, 'team', TEAM);
  await restoreContext(env, 'local', OTHER.serviceUrl, nothingRuns);
  assert.equal((await readUserConfig(env)).currentContext, 'team');
});

test('a context that is removed is no longer current; one that is not there is not found', async t => {
  const { env } = await CommandLine.create(t);
  await saveContext(env, 'team', TEAM);
  await removeContext(env, 'team');
  assert.equal((await readUserConfig(env)).currentContext, undefined);
  await assert.rejects(makeCurrent(env, 'team'), { code: 'not_found' });
  await assert.rejects(removeContext(env, 'constructor'), { code: 'not_found' });
});

test('a damaged config file is set aside and named, never written over', async t => {
  const line = await CommandLine.create(t);
  const { env } = line;
  for (const text of ['{"contexts": sk_secret', '[]', '', '{"contexts":{}}x']) {
    await writeConfig(env, text);
    await assert.rejects(saveContext(env, 'team', TEAM), { code: 'invalid_config', message: /was damaged/ });
    await writeConfig(env, text);
    const { stderr, status } = await line.run(['context', 'list']);
    assert.equal(status, 0);
    const [, aside = ''] =
      /^warning: the config file .* was damaged; it is now (\S+), and/.exec(stderr) ?? [];
    assert.equal(await readFile(aside, 'utf8'), text);
    assert.doesNotMatch(stderr, /sk_secret/);
  }
  await saveContext(env, 'team', TEAM);
  assert.equal((await readUserConfig(env)).currentContext, 'team');
});

test('twenty writers at once lose nothing of each other', async t => {
  const { env } = await CommandLine.create(t);
  const names = Array.from({ length: 20 }, (_, at) => `team-${at}`);
  await Promise.all(names.map(name => saveContext(env, name, TEAM)));
  assert.deepEqual([...(await readUserConfig(env)).contexts.keys()].sort(), names.sort());
  assert.deepEqual(await readdir(env.SEMILAYER_CONFIG_DIR as string), ['config.json']);
});

test('a lock that a process left when it died is taken over', async t => {
  const { env } = await CommandLine.create(t);
  await saveContext(env, 'team', TEAM);
  const lock = `${fileOf(env)}.lock`;
  await mkdir(lock);
  const past = new Date(Date.now() - 60_000);
  await utimes(lock, past, past);
  await saveContext(env, 'local', LOCAL);
  assert.equal((await readUserConfig(env)).contexts.size, 2);
});

test('a config file that says what cannot be is named, and what is in it is not', async t => {
  const { env } = await CommandLine.create(t);
  for (const text of ['{"contexts":{"a":{"serviceUrl":"sk_secret"}}}', '{"contexts":7}']) {
    await writeConfig(env, text);
    await assert.rejects(readUserConfig(env), (error: unknown) => {
      assert.ok(error instanceof AppError);
      assert.equal(error.code, 'invalid_config');
      assert.ok(error.message.includes(fileOf(env)));
      assert.ok(!`${error.message}${error.hint}`.includes('sk_secret'));
      return true;
    });
  }
});

const GATEWAYS: [
  why: string,
  flag: string | undefined,
  env: Record<string, string>,
  value: string,
  from: string,
][] = [
  ['a flag', 'ws://flag', { SEMILAYER_GATEWAY_URL: 'ws://env' }, 'ws://flag', '--gateway-url'],
  ['the environment', undefined, { SEMILAYER_GATEWAY_URL: 'ws://env' }, 'ws://env', 'SEMILAYER_GATEWAY_URL'],
  ['the context in use', undefined, {}, 'ws://127.0.0.1:1/connect', 'context "local"'],
  [
    'a context that has not learnt it',
    undefined,
    { SEMILAYER_CONTEXT: 'team' },
    'wss://team.example.com/connect',
    'context "team"',
  ],
];

for (const [why, flag, more, value, from] of GATEWAYS) {
  test(`the gateway to dial comes from ${why}`, async t => {
    const line = await CommandLine.create(t);
    await saveContext(line.env, 'team', TEAM);
    await saveContext(line.env, 'local', LOCAL);
    const ctx = { env: { ...line.env, ...more }, cwd: line.directory, global: {} };
    assert.deepEqual(await resolveGatewayUrl(ctx, flag), { value, from });
  });
}

test('the gateway to dial is the hosted one where nothing is set', async t => {
  const { env, directory } = await CommandLine.create(t);
  assert.deepEqual(await resolveGatewayUrl({ env, cwd: directory, global: {} }, undefined), {
    value: 'wss://runner.semilayer.com/connect',
    from: 'default',
  });
});

test('a project may name a context from any directory below it', async t => {
  const line = await CommandLine.create(t);
  await saveContext(line.env, 'team', TEAM);
  await saveContext(line.env, 'local', LOCAL);
  const below = join(line.directory, 'a', 'b');
  await mkdir(below, { recursive: true });
  await writeFile(join(line.directory, '.semilayerrc'), '{"context":"team"}');
  const ctx = { env: line.env, cwd: below, global: {} };
  assert.equal((await resolveGatewayUrl(ctx, undefined)).from, 'context "team"');
});

test('a project that names a URL or a key is refused', async t => {
  const line = await CommandLine.create(t);
  const path = join(line.directory, '.semilayerrc');
  for (const text of [
    '{"serviceUrl":"https://evil.example.com"}',
    '{"context":"a","key":"sk_x"}',
    'nonsense',
    '[]',
  ]) {
    await writeFile(path, text);
    const { status, stderr } = await line.run(['runners', 'list']);
    assert.equal(status, 2);
    assert.ok(stderr.includes(path));
    assert.ok(!stderr.includes('sk_x'));
  }
});

function fileOf(env: Record<string, string>): string {
  return join(env.SEMILAYER_CONFIG_DIR as string, 'config.json');
}

async function writeConfig(env: Record<string, string>, text: string): Promise<void> {
  await mkdir(env.SEMILAYER_CONFIG_DIR as string, { recursive: true });
  await writeFile(fileOf(env), text);
  assert.equal(await readFile(fileOf(env), 'utf8'), text);
}
