import assert from 'node:assert/strict';
import { execFile, spawnSync } from 'node:child_process';
import { chmod, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { CommandLine } from '../support/command-line.ts';
import { FakeService } from '../support/fake-service.ts';

const BIN = fileURLToPath(new URL('../../bin/semilayer.js', import.meta.url));
const exec = promisify(execFile);

const CASES: [words: string[], expected: string[]][] = [
  [['run'], ['runners', 'run']],
  [
    ['runners', ''],
    ['create', 'list', 'show', 'rotate', 'revoke', 'delete', 'assign', 'unassign'],
  ],
  [['gateway', 'k'], ['keys']],
  [
    ['runners', 'show', ''],
    ['central', 'edge-1'],
  ],
  [['--quiet', 'runners', 'show', 'e'], ['edge-1']],
  [['--context', 'nowhere', 'runners', 's'], ['show']],
  [
    ['runners', 'assign', 'edge-1', ''],
    ['orders', 'shop'],
  ],
  [['runners', 'assign', 'edge-1', 'shop', ''], ['orders']],
  [['sources', 'test', 's'], ['shop']],
  [
    ['query', '--limit', '5', ''],
    ['orders', 'shop'],
  ],
  [['query', 'shop', ''], []],
  [
    ['run', '--log-format', ''],
    ['pretty', 'json'],
  ],
  [['runners', 'create', '--type', 's'], ['saas']],
  [['keys', 'revoke', ''], ['ci']],
  [['run', '--grace'], ['--grace-period']],
  [['runners', 'list', '--w'], ['--watch']],
  [
    ['completion', ''],
    ['bash', 'zsh', 'fish'],
  ],
  [
    ['help', 'e'],
    ['exit-codes', 'environment', 'errors'],
  ],
  [
    ['help', 'keys', ''],
    ['create', 'list', 'revoke'],
  ],
  [['run', '--env-file', ''], [':files']],
  [['context', 'use', ''], []],
  [['nonsense', ''], []],
];

for (const [words, expected] of CASES) {
  test(`completes: ${words.join(' ')}⇥`, async t => {
    const { line } = await setUp(t);
    const { status, stdout, stderr } = await line.run(['__complete', ...words]);
    assert.deepEqual([status, stderr], [0, '']);
    const values = stdout
      .split('\n')
      .filter(Boolean)
      .map(one => one.split('\t')[0]);
    assert.deepEqual(values.sort(), [...expected].sort());
  });
}

test('a service that does not answer, refuses or lies costs names, and nothing else', async t => {
  const { line, service } = await setUp(t);
  service.problem('GET /v1/runners', 401, 'unauthorized');
  assert.deepEqual(await line.run(['__complete', 'runners', 'show', '']), {
    status: 0,
    stdout: '',
    stderr: '',
  });
  service.on('GET /v1/runners', { json: { items: [{ name: '$(touch canary)' }, { name: 'a\nb' }, {}] } });
  assert.deepEqual(await line.run(['__complete', 'runners', 'show', '']), {
    status: 0,
    stdout: '',
    stderr: '',
  });
  line.env.SEMILAYER_SERVICE_URL = 'http://127.0.0.1:9';
  assert.equal((await line.run(['__complete', 'runners', 'show', ''])).stderr, '');
});

test('another shell is wrong usage', async t => {
  const { status, stderr } = await (await CommandLine.create(t)).run(['completion', 'tcsh']);
  assert.equal(status, 2);
  assert.match(stderr, /bash, zsh, fish/);
});

const SHELLS: Record<string, (script: string) => string[]> = {
  bash: script => [
    '-c',
    `source ${script}; COMP_WORDS=(semilayer runners show e); COMP_CWORD=3; _semilayer; printf '%s\\n' "\${COMPREPLY[@]}"`,
  ],
  zsh: script => [
    '-f',
    '-c',
    // The parts of the completion system that the script calls.
    `compdef() {}; _describe() { print -l -- "\${(@P)2}" }; source ${script}; words=(semilayer runners show e); CURRENT=4; _semilayer`,
  ],
  fish: script => ['-N', '-c', `source ${script}; complete -C 'semilayer runners show e'`],
};

for (const [shell, args] of Object.entries(SHELLS)) {
  test(`${shell} offers what exists now`, async t => {
    if (spawnSync(shell, ['--version']).error) {
      console.log(`NOT RUN: completion in ${shell}, which is not installed here`);
      return;
    }
    const { line, service } = await setUp(t);
    const script = join(line.directory, `completion.${shell}`);
    await writeFile(script, (await line.run(['completion', shell])).stdout);
    const program = join(line.directory, 'semilayer');
    await writeFile(program, `#!/bin/sh\nexec "${process.execPath}" -- "${BIN}" "$@"\n`);
    await chmod(program, 0o755);
    const env = {
      ...line.env,
      PATH: `${line.directory}:${process.env.PATH}`,
      SEMILAYER_SERVICE_URL: service.url,
    };
    const { stdout } = await exec(shell, args(script), { env, cwd: line.directory });
    assert.equal(stdout, 'edge-1\n');
  });
}

async function setUp(t: TestContext) {
  const service = await FakeService.start(t);
  service.on('GET /v1/runners', { json: { items: [{ name: 'edge-1' }, { name: 'central' }] } });
  service.on('GET /v1/sources', { json: { items: [{ name: 'shop' }, { name: 'orders' }] } });
  service.on('GET /v1/keys', { json: { items: [{ name: 'ci' }] } });
  const line = await CommandLine.create(t);
  line.env.SEMILAYER_SERVICE_URL = service.url;
  line.env.SEMILAYER_API_KEY = 'sk_canary';
  return { line, service };
}
