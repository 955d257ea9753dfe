/** The packed tarball, installed where nothing else is, used as a user would. Needs the registry for its dependencies. */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { copyPacked, usePacked } from '../support/packed.ts';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const exec = promisify(execFile);
const packed = usePacked();
let home = '';

before(async () => {
  home = await mkdtemp(join(tmpdir(), 'semilayer-package-'));
  await copyPacked(packed, home);
});
after(() => rm(home, { recursive: true, force: true }));

/** With the compiler of the checkout, as strictly as anybody. */
async function compile(...files: string[]): Promise<void> {
  const tsc = join(ROOT, 'node_modules/typescript/bin/tsc');
  const options = ['--module', 'nodenext', '--target', 'es2023', '--strict', '--skipLibCheck', 'false'];
  const types = ['--typeRoots', join(ROOT, 'node_modules/@types'), '--types', 'node'];
  await exec(process.execPath, [tsc, ...options, ...types, ...files], { cwd: home }).catch(error => {
    assert.fail(error.stdout);
  });
}

/** A test of this process's own runner would else report to it. */
function withoutTestContext(): NodeJS.ProcessEnv {
  const { NODE_TEST_CONTEXT: _, ...env } = process.env;
  return env;
}

const semilayer = (...args: string[]) =>
  exec(join(home, 'node_modules/.bin/semilayer'), args, { cwd: home, env: { ...process.env, HOME: home } });

test('ships what runs and what is read, and nothing else', () => {
  const expected =
    /^(package\.json|README\.md|CHANGELOG\.md|LICENSE|THIRD_PARTY_NOTICES|bin\/semilayer\.js|bin\/package\.json|dist\/main\.cjs|dist\/(runner|index|bridge-conformance|sqlite-reader)\.js|dist\/help\.json|dist\/chunks\/[\w-]+\.c?js|dist\/console\/(index\.html|[\w-]+\.(js|css|svg))|dist\/types\/[\w/-]+\.d\.ts)$/;
  assert.deepEqual(
    packed.files.filter(path => !expected.test(path)),
    [],
  );
  for (const path of [
    'bin/semilayer.js',
    'dist/main.cjs',
    'dist/console/index.html',
    'dist/types/index.d.ts',
    'README.md',
    'LICENSE',
  ]) {
    assert.ok(packed.files.includes(path), path);
  }
});

test('runs the whole loop', async () => {
  const { version } = JSON.parse(await readFile(join(ROOT, 'package.json'), 'utf8'));
  assert.equal((await semilayer('--version')).stdout, `${version}\n`);
  const { stdout } = await semilayer('demo');
  assert.match(stdout, /runners create/);
});

const PROGRAM = `
  import { type RunnerHandle, startRunner } from 'semilayer/runner';
  import type { ServerFrame } from 'semilayer';
  const runner: RunnerHandle = startRunner({
    gatewayUrl: 'ws://127.0.0.1:9/connect',
    runnerId: 'edge',
    authToken: 'rk_nothing',
    onFrame: (direction: 'in' | 'out', frame) => void [direction, frame as ServerFrame],
  });
  await runner.stop();
  const { code, reason }: { code: number; reason: string } = await runner.closed;
  process.stdout.write(code + ' ' + reason);
`;

const SUITE = `
  import assert from 'node:assert/strict';
  import { test } from 'node:test';
  import Database from 'libsql';
  import { bridgeConformance, type ConformanceTable, sqlOf } from 'semilayer/bridge-conformance';
  import { resolveBridge } from 'semilayer/runner';
  const SqliteBridge = await resolveBridge('sqlite');
  const url = process.cwd() + '/suite.db';
  bridgeConformance({
    name: 'SQLite',
    seed(tables: readonly ConformanceTable[]) {
      const database = new Database(url);
      for (const statement of sqlOf(tables)) database.exec(statement);
      database.exec('create view everybody as select * from conformance_people');
      database.close();
    },
    createBridge: () => new SqliteBridge({ url }),
    generatedFilters: 50,
  });
  test('a view', async () => {
    process.on('warning', warning => assert.fail(warning.message));
    const bridge = new SqliteBridge({ url });
    assert.equal(await bridge.count('everybody', {}), 60);
    await bridge.disconnect();
  });
`;

test('is a library whose types compile', async () => {
  await writeFile(join(home, 'program.ts'), PROGRAM);
  await writeFile(join(home, 'suite.ts'), SUITE);
  await compile('program.ts', 'suite.ts');
});

test('is a library whose runtime starts', async () => {
  const { stdout } = await exec(process.execPath, ['program.js'], { cwd: home });
  assert.equal(stdout, '1000 stopped');
});

test('has the conformance suite, and reads a view by a reader process, from where it is installed', async () => {
  const { stdout } = await exec(process.execPath, ['--test', '--test-reporter=tap', 'suite.js'], {
    cwd: home,
    env: withoutTestContext(),
  }).catch(error => assert.fail(error.stdout));
  assert.match(stdout, /^# fail 0$/m);
  assert.match(stdout, /^# pass (1[5-9]|[2-9]\d)$/m);
});

test('puts no file beside those of its packages', async () => {
  assert.deepEqual(
    (await readdir(home)).filter(
      name => !/^(node_modules|pack|package(-lock)?\.json|program\.|suite\.|semilayer-.*\.tgz)/.test(name),
    ),
    [],
  );
});
