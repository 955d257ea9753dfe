/** Every command of the packed program wherever it may be run: what surrounds it changes nothing that it should not. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { DemoProcess } from '../../src/commands/demo-process.ts';
import { usePacked } from '../support/packed.ts';
import { steady } from '../support/snapshot.ts';
import { inPipe, type Stage, type Step, setStage } from '../support/stage.ts';
import { REPEATABLE } from './steps.ts';

const packed = usePacked();
const COLOUR = /\u001b\[[\d;]*m/g;
/** What takes colour, words of other languages, prompts and spinners away. */
const BARE = { LANG: 'C', LC_ALL: 'C', NO_COLOR: '1', CI: '1', TERM: 'dumb' };

test('in a pipe a command says the same in CI, without colour, language, input or home', async t => {
  const stage = await readyStage(t);
  // One of them is asked what surrounds it.
  for (const step of REPEATABLE.filter(({ args }) => args.join(' ') !== 'config explain')) {
    const usual = await inPipe(stage, step);
    // Where the settings are is given: a home is not needed.
    const bare = await shell(stage, step, 'unset HOME; "$@" <&-', BARE);
    assert.equal(steady(told(step, bare)), steady(usual), step.args.join(' '));
    const coloured = await stage.run(step.args, { FORCE_COLOR: '1' });
    assert.equal(steady(told(step, coloured).replace(COLOUR, '')), steady(usual), step.args.join(' '));
  }
});

test('in a pipe a command ends well for a reader of one line, and says nothing where nobody hears it', async t => {
  const stage = await readyStage(t);
  for (const step of REPEATABLE) {
    const { args, status = 0 } = step;
    const usual = await stage.run(args);
    const quiet = await shell(stage, step, '"$@" 2>/dev/null');
    assert.deepEqual([quiet.status, quiet.stderr], [status, ''], args.join(' '));
    assert.equal(steady(quiet.stdout), steady(usual.stdout), args.join(' '));
    const head = await shell(stage, step, `"$@" | head -1; exit "\${PIPESTATUS[0]}"`);
    assert.equal(head.status, status, args.join(' '));
    // With nobody left to read, it may end before its last word.
    assert.ok(steady(usual.stderr).startsWith(steady(head.stderr)), `${args.join(' ')}: ${head.stderr}`);
    assert.equal(steady(head.stdout), steady(usual.stdout).replace(/\n[\s\S]*/, '\n'), args.join(' '));
  }
});

test('on a terminal of 40 columns a command ends as anywhere, and NO_COLOR leaves no colour', async t => {
  const stage = await readyStage(t);
  for (const { args, status = 0 } of REPEATABLE) {
    const terminal = stage.terminal(args, { NO_COLOR: '1', LANG: 'C' }, 40);
    assert.equal(await terminal.end(), status, `${args.join(' ')}: ${terminal.screen()}`);
    assert.doesNotMatch(terminal.raw, COLOUR, args.join(' '));
  }
});

async function readyStage(t: Parameters<typeof setStage>[0]): Promise<Stage> {
  const stage = await setStage(t, packed);
  await inPipe(stage, { args: ['runners', 'create', 'edge-1'] });
  await inPipe(stage, { args: ['sources', 'add', 'shop', '--bridge', 'sqlite', '--url', 'shop.db'] });
  await inPipe(stage, { args: ['runners', 'assign', 'edge-1', 'shop'] });
  await stage.startRunner();
  return stage;
}

/** The command as `$@` of a line of bash. */
async function shell(stage: Stage, { args }: Step, line: string, env: Record<string, string> = {}) {
  const command = ['bash', '-c', line, 'bash', process.execPath, '--', packed.bin, ...args];
  const child = new DemoProcess(command, { ...stage.env, ...env }, stage.cwd);
  child.feed('');
  const { status, stdout } = await child.ended;
  return { status, stdout, stderr: child.stderr };
}

/** As `inPipe` writes it. */
function told({ args, status: expected = 0 }: Step, result: Awaited<ReturnType<typeof shell>>): string {
  assert.equal(result.status, expected, `${args.join(' ')}: ${result.stderr}`);
  const said = result.stderr && `--- stderr\n${result.stderr}`;
  const ending = expected && `--- exit ${expected}\n`;
  return `${[`$ semilayer ${args.join(' ')}\n`, result.stdout, said, ending].filter(Boolean).join('')}\n`;
}
