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

test('in a pipe a command says the same in CI, without colour, language, input, home or a reader', async t => {
  const stage = await readyStage(t);
  for (const step of REPEATABLE) {
    const { args, status = 0 } = step;
    const name = args.join(' ');
    const usual = await stage.run(args);
    assert.equal(usual.status, status, `${name}: ${usual.stderr}`);
    // One of them is asked what surrounds it.
    const same = name === 'config explain' ? firstLine : steady;
    // Where the settings are is given: a home is not needed.
    const bare = await shell(stage, step, 'unset HOME; "$@" <&-', BARE);
    assert.deepEqual(said(bare, same), said(usual, same), name);
    const quiet = await shell(stage, step, '"$@" 2>/dev/null', { FORCE_COLOR: '1' });
    assert.deepEqual(said(quiet, same), { ...said(usual, same), stderr: '' }, name);
    const line = `"$@" | head -1; exit "\${PIPESTATUS[0]}"`;
    const head = said(await shell(stage, step, line, { FORCE_COLOR: '1' }), same);
    assert.equal(head.status, status, name);
    // With nobody left to read, it may end before its last word.
    assert.ok(said(usual, same).stderr.startsWith(head.stderr), `${name}: ${head.stderr}`);
    assert.equal(head.stdout, said(usual, same).stdout.replace(/\n[\s\S]*/, '\n'), name);
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

type Ended = Awaited<ReturnType<Stage['run']>>;

/** The command as `$@` of a line of bash. */
async function shell(
  stage: Stage,
  { args }: Step,
  line: string,
  env: Record<string, string> = {},
): Promise<Ended> {
  const command = ['bash', '-c', line, 'bash', process.execPath, '--', packed.bin, ...args];
  const child = new DemoProcess(command, { ...stage.env, ...env }, stage.cwd);
  child.feed('');
  const { status, stdout } = await child.ended;
  return { status, stdout, stderr: child.stderr };
}

/** What was said and how it ended, without colour and whatever differs from run to run. */
function said({ status, stdout, stderr }: Ended, same: (text: string) => string): Ended {
  return {
    status,
    stdout: same(stdout.replace(COLOUR, '')),
    stderr: same(stderr.replace(COLOUR, '')),
  };
}

function firstLine(text: string): string {
  return steady(text.replace(/\n[\s\S]*/, '\n'));
}
