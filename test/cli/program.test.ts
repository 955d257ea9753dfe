import assert from 'node:assert/strict';
import { test } from 'node:test';
import { COMMANDS, GROUPS } from '../../src/cli/command-table.ts';
import { CommandLine } from '../support/command-line.ts';

test('alone it prints help, and so does a group', async t => {
  const line = await CommandLine.create(t);
  for (const args of [[], ['--help'], ['help'], ['runners'], ['gateway', 'keys']]) {
    const { status, stdout, stderr } = await line.run(args);
    assert.equal(status, 0, args.join(' '));
    assert.match(stdout, /^Usage: semilayer/);
    assert.equal(stderr, '');
  }
});

test('every command and group has help with an example', async t => {
  const line = await CommandLine.create(t);
  const paths = [...COMMANDS.map(one => one.usage.replace(/ ?[<[].*$/, '')), ...GROUPS.map(one => one.name)];
  for (const path of paths) {
    const { status, stdout } = await line.run([...path.split(' '), '--help']);
    assert.equal(status, 0, path);
    assert.match(stdout, /\nExamples:\n {2}\$ semilayer /, path);
    assert.equal((await line.run(['help', ...path.split(' ')])).stdout, stdout);
  }
});

test('prints the version wherever it is asked for', async t => {
  const line = await CommandLine.create(t);
  assert.deepEqual(await line.run(['--quiet', '--version']), { status: 0, stdout: '1.2.3\n', stderr: '' });
});

test('help has topics', async t => {
  const line = await CommandLine.create(t);
  assert.match((await line.run(['help', 'exit-codes'])).stdout, /77 {3}refused/);
  assert.match((await line.run(['help', 'environment'])).stdout, /SEMILAYER_RUNNER_TOKEN_FILE/);
  const { status, stderr } = await line.run(['help', 'nonsense']);
  assert.equal(status, 2);
  assert.match(stderr, /^error: there is no help about "nonsense"\nhint: /);
});

const WRONG: [args: string[], message: RegExp, hint: RegExp][] = [
  [['runers'], /unknown command 'runers'/, /did you mean runners\?/],
  [['runners', 'lst'], /unknown command 'lst'/, /did you mean list\?/],
  [['runners', 'list', '--wach'], /unknown option '--wach'/, /did you mean --watch\?/],
  [['runners', 'create'], /missing required argument 'name'/, /semilayer runners create --help/],
  [['runners', 'create', 'a', 'b'], /too many arguments/, /semilayer runners create --help/],
  [['runners', 'create', 'a', '--type', 'other'], /'other' is invalid/, /--help/],
  [
    ['sources', 'add', 'a'],
    /required option '--bridge <bridge>' not specified/,
    /semilayer sources add --help/,
  ],
  [['gateway', '--port', 'x'], /--port must be/, /semilayer gateway --help/],
  [['--bogus'], /unknown option '--bogus'/, /semilayer --help/],
  [['run', '--context'], /argument missing/, /semilayer run --help/],
];

for (const [args, message, hint] of WRONG) {
  test(`wrong usage is exit 2 and says what to do: ${args.join(' ')}`, async t => {
    const line = await CommandLine.create(t);
    const plain = await line.run(args);
    assert.equal(plain.status, 2);
    assert.equal(plain.stdout, '');
    const [error = '', said = ''] = plain.stderr.split('\n');
    assert.match(error, /^error: /);
    assert.match(error, message);
    assert.match(said, /^hint: /);
    assert.match(said, hint);
    const json = await line.run([...args, '--json']);
    if (args[1] === '--context') return;
    assert.equal(json.status, 2);
    const { code, message: text } = JSON.parse(json.stderr).error;
    assert.equal(code, 'usage');
    assert.match(text, message);
  });
}

test('options common to all stand before or after the command', async t => {
  const line = await CommandLine.create(t);
  for (const args of [
    ['--json', 'context', 'list'],
    ['context', '--json', 'list'],
    ['context', 'list', '--json'],
  ]) {
    assert.deepEqual(await line.run(args), { status: 0, stdout: '[]\n', stderr: '' });
  }
});

test('an error is said without a stack, unless --debug', async t => {
  const line = await CommandLine.create(t);
  const plain = await line.run(['whoami']);
  assert.equal(plain.status, 4);
  assert.doesNotMatch(plain.stderr, /\n {4}at /);
  assert.match((await line.run(['whoami', '--debug'])).stderr, /\n {4}at /);
});
