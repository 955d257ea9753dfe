/** What must not be in the repository: a machine's own paths, a registry's address, something that looks like a secret. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { ROOT } from './build.mjs';
import { run } from './run.mjs';

// Put together, so that this file does not find itself.
const FORBIDDEN = [
  [new RegExp(`(^|[\\s"'\`(=])/(${['work', 'root', 'home/[a-z]+'].join('|')})/`), "a machine's own path"],
  [new RegExp(`"${'resolved'}": "http`), "a registry's address"],
  [new RegExp(`-----BEGIN [A-Z ]*PRIVATE ${'KEY'}-----`), 'a private key'],
  [/\bsk_[0-9A-Za-z]{43,}\b/, 'an API key'],
];

/** @returns sentences, one a fault. */
export async function repositoryFaults() {
  const { output } = await run('git', ['ls-files', '-z', '--cached', '--others', '--exclude-standard'], {
    capture: true,
  });
  const faults = [];
  for (const path of output.split('\0').filter(Boolean)) {
    const text = await readFile(join(ROOT, path), 'utf8').catch(() => '');
    for (const [index, line] of text.split('\n').entries()) {
      for (const [pattern, what] of FORBIDDEN) {
        if (pattern.test(line)) faults.push(`${path}:${index + 1} holds ${what}`);
      }
    }
  }
  return faults;
}
