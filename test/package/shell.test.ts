/** The packed program as scripts use it: pipes, closed streams, colour, narrow windows, failures as JSON. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { test } from 'node:test';
import { DemoProcess } from '../../src/commands/demo-process.ts';
import { usePacked } from '../support/packed.ts';
import { inPipe, setStage } from '../support/stage.ts';
import { STEPS } from './steps.ts';

const packed = usePacked();

test('every failure has its JSON form, and prints no data', async t => {
  const stage = await setStage(t, packed);
  await inPipe(stage, { args: ['runners', 'create', 'edge-1'] });
  const failures = STEPS.filter(
    step => step.status !== undefined && !['gateway', 'doctor'].includes(step.args[0] as string),
  );
  for (const { args } of failures) {
    const { status, stdout, stderr } = await stage.run([...args, '--json']);
    if (status === 0) continue;
    assert.equal(stdout, '', args.join(' '));
    const { error } = JSON.parse(stderr.split('\n').find(line => line.startsWith('{')) ?? '{}');
    assert.ok(error.code && error.message && 'hint' in error, args.join(' '));
  }
});

test('pipes of a shell: head, jq, a closed stdin, no home, a stderr that nobody reads', async t => {
  const stage = await setStage(t, packed);
  const shell = async (script: string, env: Record<string, string> = {}) => {
    const command = `semilayer() { "${process.execPath}" -- "${packed.bin}" "$@"; }; set -o pipefail; ${script}`;
    const child = new DemoProcess(['bash', '-c', command], { ...stage.env, ...env }, stage.cwd);
    child.feed('');
    const { status, stdout } = await child.ended;
    return { status, stdout, stderr: child.stderr };
  };
  await inPipe(stage, { args: ['runners', 'create', 'edge-1'] });
  await inPipe(stage, { args: ['sources', 'add', 'shop', '--bridge', 'sqlite', '--url', 'shop.db'] });
  await inPipe(stage, { args: ['runners', 'assign', 'edge-1', 'shop'] });
  await stage.startRunner();
  const head = await shell(`semilayer query shop orders | head -1; echo "\${PIPESTATUS[0]}"`);
  assert.match(head.stdout, /^\{"id":.*\}\n0\n$/);
  assert.equal(head.stderr, '');
  if (spawnSync('jq', ['--version']).error) console.log('NOT RUN: | jq, which is not installed here');
  else {
    assert.equal((await shell('semilayer runners list --json | jq -r .[0].name')).stdout, 'edge-1\n');
    assert.equal(
      (await shell('semilayer query shop orders --limit 2 --json | jq .meta.count')).stdout,
      '2\n',
    );
    assert.equal(
      (await shell('semilayer runners show nobody --json 2>&1 >/dev/null | jq -r .error.code')).stdout,
      'not_found\n',
    );
  }
  assert.equal((await shell('semilayer count shop orders 2>/dev/null')).stdout, '200\n');
  assert.equal((await shell('semilayer count shop orders 2>&-')).stdout, '200\n');
  assert.equal((await shell('semilayer count shop orders <&-')).stdout, '200\n');
  const noInput = await shell('semilayer sources add x --bridge sqlite --url-stdin <&-');
  assert.equal(noInput.status, 2);
  const noHome = await shell('unset HOME SEMILAYER_CONFIG_DIR; semilayer whoami', {
    SEMILAYER_SERVICE_URL: stage.url,
    SEMILAYER_API_KEY: stage.key,
    XDG_CONFIG_HOME: '',
  });
  assert.equal(noHome.status, 0, noHome.stderr);
  const full = await shell('semilayer runners list --json > /dev/full');
  if (process.platform === 'linux')
    assert.deepEqual([full.status, full.stderr], [1, 'error: stdout cannot be written (ENOSPC)\n']);
});

test('colour follows the conventions, on each stream by itself', async t => {
  const stage = await setStage(t, packed);
  const coloured = (text: string): boolean => /\u001b\[\d+m/.test(text);
  await inPipe(stage, { args: ['runners', 'create', 'edge-1'] });
  const list = ['runners', 'list'];
  assert.equal(coloured((await stage.run(list)).stdout), false);
  const failing = ['runners', 'show', 'nobody'];
  assert.equal(coloured((await stage.run(failing, { FORCE_COLOR: '1' })).stderr), true);
  assert.equal(coloured((await stage.run(failing, { FORCE_COLOR: '1', CI: '1' })).stderr), true);
  assert.equal(coloured((await stage.run([...failing, '--color'])).stderr), true);
  assert.equal(coloured((await stage.run([...failing, '--no-color'], { FORCE_COLOR: '3' })).stderr), false);
  for (const [env, args, expected] of [
    [{}, [], true],
    [{ NO_COLOR: '1' }, [], false],
    [{ NO_COLOR: '' }, [], true],
    [{ TERM: 'dumb' }, [], false],
    [{ NO_COLOR: '1' }, ['--color'], true],
    [{ CI: '1' }, [], true],
    [{ LANG: 'C', LC_ALL: 'C' }, [], true],
  ] as const) {
    const terminal = stage.terminal([...list, ...args], env);
    assert.equal(await terminal.end(), 0, terminal.screen());
    assert.equal(coloured(terminal.raw), expected, JSON.stringify([env, args]));
  }
});

test('in 40 columns nothing is broken over lines, and nothing is lost', async t => {
  const stage = await setStage(t, packed);
  await inPipe(stage, { args: ['runners', 'create', 'edge-1'] });
  for (const args of [['runners', 'list'], ['runners', 'show', 'edge-1'], ['doctor'], ['context', 'list']]) {
    const terminal = stage.terminal(args, {}, 40);
    assert.equal(await terminal.end(), 0, terminal.screen());
    for (const line of terminal.raw.replace(/\u001b\[[\d;?]*[a-zA-Z]/g, '').split(/\r?\n/)) {
      const bare = line.replace(/^.*\r/, '');
      // An ID or a path is one word, and stays one.
      assert.ok(bare.length <= 40 || /^\S+ +\S+$/.test(bare), `${args.join(' ')}: ${bare}`);
    }
  }
});
