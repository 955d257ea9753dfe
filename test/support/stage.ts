/** What the packed program is tried on: a gateway, a context that is signed in to it, a database, a runner. */
import assert from 'node:assert/strict';
import { mkdir, realpath } from 'node:fs/promises';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { writeSampleDatabase } from '../../src/bridges/sample-data.ts';
import { DemoProcess } from '../../src/commands/demo-process.ts';
import type { Packed } from './packed.ts';
import { temporaryDirectory } from './temporary.ts';
import { openTerminals } from './terminal.ts';

export interface Step {
  args: string[];
  status?: number;
  stdin?: string;
  /** Typed in the terminal, once it shows the text. */
  answer?: [RegExp, string];
}

export interface Stage {
  cwd: string;
  env: Record<string, string>;
  url: string;
  key: string;
  run(
    args: string[],
    env?: Record<string, string>,
    stdin?: string,
  ): Promise<{ status: number | null; stdout: string; stderr: string }>;
  terminal(
    args: readonly string[],
    env?: Record<string, string>,
    columns?: number,
  ): ReturnType<Awaited<ReturnType<typeof openTerminals>>['start']>;
  startRunner(): Promise<void>;
}

/** A gateway, the context `test` that is signed in to it, and a database to add. */
export async function setStage(t: TestContext, packed: Packed): Promise<Stage> {
  const cwd = await realpath(await temporaryDirectory(t));
  await mkdir(join(cwd, 'config'), { mode: 0o700 });
  await writeSampleDatabase(join(cwd, 'shop.db'), { rows: 200 });
  const env = {
    PATH: process.env.PATH ?? '',
    HOME: cwd,
    SEMILAYER_CONFIG_DIR: join(cwd, 'config'),
    SEMILAYER_NO_UPDATE_CHECK: '1',
  };
  const start = (args: string[], more: Record<string, string> = {}): DemoProcess => {
    const child = new DemoProcess([process.execPath, '--', packed.bin, ...args], { ...env, ...more }, cwd);
    t.after(() => child.destroy());
    return child;
  };
  const run: Stage['run'] = async (args, more = {}, stdin = '') => {
    const child = start(args, more);
    child.feed(stdin);
    const { status, stdout } = await child.ended;
    return { status, stdout, stderr: child.stderr };
  };
  const gateway = start(['gateway', '--port', '0', '--data-dir', 'data']);
  const [, key = ''] = await gateway.line(/^SEMILAYER_API_KEY=(sk_\w+)$/);
  const [, url = ''] = await gateway.line(/listening on (http:\S+)/);
  const login = await run(['login', '--service-url', url, '--context', 'test', '--api-key-stdin'], {}, key);
  assert.equal(login.status, 0, login.stderr);
  const terminals = await openTerminals(t, { cwd, bin: packed.bin, env, columns: 110 });
  return {
    cwd,
    env,
    url,
    key,
    run,
    terminal: (args, more = {}, columns = 110) => terminals.start(args, { env: more, columns }),
    async startRunner() {
      const rotated = await run(['runners', 'rotate', 'edge-1', '--yes', '--env-file', 'edge-1.env']);
      assert.equal(rotated.status, 0, rotated.stderr);
      await start(['run', '--env-file', 'edge-1.env']).line(/connected, awaiting jobs/);
    },
  };
}

export async function inPipe(stage: Stage, { args, stdin, status: expected = 0 }: Step): Promise<string> {
  const { status, stdout, stderr } = await stage.run(args, {}, stdin);
  assert.equal(status, expected, `${args.join(' ')}: ${stderr}`);
  const parts = [
    `$ semilayer ${args.join(' ')}\n`,
    stdout,
    stderr && `--- stderr\n${stderr}`,
    expected && `--- exit ${expected}\n`,
  ];
  return `${parts.filter(Boolean).join('')}\n`;
}

export async function inTerminal(
  stage: Stage,
  { args, answer, status: expected = 0 }: Step,
): Promise<string> {
  const terminal = stage.terminal(args);
  if (answer) {
    await terminal.sees(answer[0]);
    terminal.type(answer[1]);
  }
  const status = await terminal.end();
  assert.equal(status, expected, `${args.join(' ')}: ${terminal.screen()}`);
  return `$ semilayer ${args.join(' ')}\n${terminal.screen()}\n${expected ? `--- exit ${expected}\n` : ''}\n`;
}
