/** The built program as real processes, in a directory and with settings of its own. */
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { fileURLToPath } from 'node:url';
import { DemoProcess } from '../../src/commands/demo-process.ts';
import { temporaryDirectory } from './temporary.ts';

const BIN = fileURLToPath(new URL('../../bin/semilayer.js', import.meta.url));

export interface Result {
  status: number | null;
  stdout: string;
  stderr: string;
}

export interface Program {
  /** Working directory; `config`, the settings, lies in it. */
  cwd: string;
  start(args: string[], env?: Record<string, string>): DemoProcess;
  /** Runs a command to its end; `stdin` is empty unless given. */
  run(args: string[], options?: { stdin?: string; env?: Record<string, string> }): Promise<Result>;
  /** As `run`, with the JSON of stdout; throws when it did not end with 0. */
  json<T>(args: string[]): Promise<T>;
  /** A gateway, signed in to; what it says is on the process. */
  gateway(args?: string[]): Promise<{ process: DemoProcess; url: string; key: string }>;
}

export async function openProgram(t: Pick<TestContext, 'after'>): Promise<Program> {
  const cwd = await temporaryDirectory(t);
  await mkdir(join(cwd, 'config'));
  const start: Program['start'] = (args, env = {}) => {
    const all = { PATH: process.env.PATH, HOME: cwd, SEMILAYER_CONFIG_DIR: join(cwd, 'config'), ...env };
    const child = new DemoProcess([process.execPath, '--', BIN, ...args], all, cwd);
    t.after(() => child.destroy());
    return child;
  };
  const run: Program['run'] = async (args, { stdin = '', env = {} } = {}) => {
    const child = start(args, env);
    child.feed(stdin);
    const { status, stdout } = await child.ended;
    return { status, stdout, stderr: child.stderr };
  };
  const json = async <T>(args: string[]): Promise<T> => {
    const { status, stdout, stderr } = await run([...args, '--json']);
    if (status !== 0) throw new Error(`${args.join(' ')} ended with ${status}: ${stderr}`);
    return JSON.parse(stdout) as T;
  };
  return {
    cwd,
    start,
    run,
    json,
    async gateway(args = []) {
      const child = start(['gateway', '--port', '0', '--data-dir', 'data', ...args]);
      const [, key = ''] = await child.line(/^SEMILAYER_API_KEY=(sk_\w+)$/);
      const [, url = ''] = await child.line(/listening on (http:\S+)/);
      const { status, stderr } = await run(['login', '--service-url', url, '--api-key-stdin'], {
        stdin: key,
      });
      if (status !== 0) throw new Error(stderr);
      return { process: child, url, key };
    },
  };
}
