/** Child processes of the scripts: node, and the command lines of development packages by their real file. */
import { spawn } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { ROOT } from './build.mjs';

/**
 * Runs a program to its end; never rejects.
 *
 * @returns {Promise<{ status: number, output: string }>} `output` is empty unless `capture` is set.
 */
export async function run(command, args, { capture = false, env = process.env, cwd = ROOT } = {}) {
  const child = spawn(command, args, { cwd, env, stdio: capture ? ['ignore', 'pipe', 'pipe'] : 'inherit' });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream?.setEncoding('utf8').on('data', text => {
      output += text;
    });
  }
  const status = await new Promise(done => {
    child.once('error', error => {
      output += `${error.message}\n`;
      done(127);
    });
    child.once('close', (code, signal) => done(code ?? (signal === null ? 1 : 128)));
  });
  return { status, output };
}

/** The file behind a command that a development package installs, so that no shell and no PATH is needed. */
export async function binOf(packageName, command = packageName) {
  // Found by directory: some of them do not export their package.json.
  const directory = join(ROOT, 'node_modules', packageName);
  const { bin } = JSON.parse(await readFile(join(directory, 'package.json'), 'utf8'));
  return join(directory, typeof bin === 'string' ? bin : bin[command]);
}
