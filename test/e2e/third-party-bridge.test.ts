/** The example of docs/writing-a-bridge.md and a rude stranger, installed as packages beside a real runner. */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { cp, mkdir, symlink, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { openProgram } from '../support/program.ts';
import { temporaryDirectory } from '../support/temporary.ts';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const EXAMPLE = join(ROOT, 'docs/examples/bridge-json-files');
const NAME = '@example/bridge-json-files';

/** As `npm install` would have left it. */
async function install(directory: string): Promise<string> {
  const target = join(directory, 'node_modules', NAME);
  await cp(EXAMPLE, target, { recursive: true });
  return target;
}

test('the example passes the conformance suite, as its author runs it', async t => {
  const directory = await temporaryDirectory(t);
  const example = await install(directory);
  await symlink(ROOT, join(directory, 'node_modules', 'semilayer'), 'junction');
  const env = { PATH: process.env.PATH ?? '' };
  const { stdout } = await promisify(execFile)(
    process.execPath,
    ['--test', '--test-reporter=tap', join(example, 'conformance.test.js')],
    { env, cwd: directory },
  ).catch(error => assert.fail(error.stdout));
  assert.match(stdout, /^# fail 0$/m);
  assert.match(stdout, /generated filters find what an independent oracle finds/);
  assert.match(stdout, /^# pass (1[5-9]|[2-9]\d)$/m);
});

const RUDE = `export class RudeBridge {
  static manifest = { packageName: 'bridge-rude', displayName: 'Rude', supportsUrl: false, fields: [] };
  async connect() {}
  async disconnect() { throw new Error('canary-password'); }
  async listTargets() { return ['x']; }
  async count() {
    Promise.reject(new Error('canary-password'));
    Promise.reject(undefined);
    setImmediate(() => { throw Object.assign(new TypeError('canary-password'), { code: 'ERUDE' }); });
    await new Promise(resolve => setTimeout(resolve, 20));
    return 1;
  }
}`;

test('installed where the runner starts, it serves a query; a bridge that throws at nobody leaves the runner running', async t => {
  const { cwd, run, start, gateway } = await openProgram(t);
  await gateway();
  await install(cwd);
  const rude = join(cwd, 'node_modules', 'bridge-rude');
  await mkdir(rude, { recursive: true });
  await writeFile(
    join(rude, 'package.json'),
    '{"name":"bridge-rude","type":"module","exports":"./index.js"}',
  );
  await writeFile(join(rude, 'index.js'), RUDE);
  const file = join(cwd, 'files', 'towns.json');
  await mkdir(dirname(file));
  const column = (name: string, primaryKey: boolean) => ({ name, type: 'text', nullable: false, primaryKey });
  await writeFile(
    file,
    JSON.stringify({
      columns: [column('name', true), column('country', false)],
      rows: [
        { name: 'Graz', country: 'AT' },
        { name: 'Turin', country: 'IT' },
        { name: 'Linz', country: 'AT' },
      ],
    }),
  );
  for (const [source, bridge] of [
    ['files', NAME],
    ['rude', 'bridge-rude'],
  ] as const) {
    const added = await run(['sources', 'add', source, '--bridge', bridge, '--runner-local']);
    assert.equal(added.status, 0, added.stderr);
  }
  await run(['runners', 'create', 'edge', '--env-file', '.env']);
  assert.equal((await run(['runners', 'assign', 'edge', 'files', 'rude'])).status, 0);
  const runner = start(['run', '--env-file', '.env'], {
    SEMILAYER_SOURCE_FILES_CONFIG: JSON.stringify({ directory: join(cwd, 'files') }),
    SEMILAYER_SOURCE_RUDE_CONFIG: '{}',
  });
  await runner.line(/connected, awaiting jobs/);

  const query = [
    'query',
    'files',
    'towns',
    '--where',
    '{"country":"AT"}',
    '--order-by',
    'name',
    '--select',
    'name',
  ];
  const answered = await run(query);
  assert.deepEqual(
    [answered.status, answered.stdout],
    [0, '{"name":"Graz"}\n{"name":"Linz"}\n'],
    answered.stderr,
  );
  assert.equal((await run(['count', 'files', 'towns'])).stdout, '3\n');
  assert.equal((await run(['sources', 'targets', 'files'])).stdout, 'towns\n');
  const wrong = await run(['count', 'files', 'towns', '--where', '{"mayor":1}']);
  assert.equal(wrong.status, 7);
  assert.match(wrong.stderr, /no column "mayor" in "towns"/);

  assert.equal((await run(['count', 'rude', 'x'])).stdout, '1\n');
  await runner.line(/a bridge failed where no job waited for it \(TypeError ERUDE\)/);
  assert.equal((await run(query)).status, 0);
  runner.kill('SIGTERM');
  const { status, stdout } = await runner.ended;
  assert.equal(status, 0);
  assert.equal(stdout.match(/connected, awaiting jobs/g)?.length, 1);
  assert.ok(!(stdout + runner.stderr).includes('canary'));
});
