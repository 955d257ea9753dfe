/** How a reader is started: this package's own entry, with nothing of the runner's environment that could be secret. */
import { existsSync } from 'node:fs';
import { dirname } from 'node:path';
import { fileURLToPath } from 'node:url';

export interface ReaderProgram {
  args: string[];
  cwd: string;
  env: Record<string, string>;
}

/**
 * Beside the bundle or above its chunks. As source, in a checkout: what was built, which starts four times as fast, or
 * the source beside this file. A bundle looks nowhere else, lest it run a file that is somebody else's.
 */
const PLACES = import.meta.url.endsWith('.ts')
  ? ['../../../../dist/sqlite-reader.js', './main.ts']
  : ['./sqlite-reader.js', '../sqlite-reader.js'];

/** What a program needs to load, sort in a temporary file, and nothing else. */
const PASSED_ON = ['PATH', 'SYSTEMROOT', 'TMPDIR', 'TEMP', 'TMP', 'SQLITE_TMPDIR', 'LD_LIBRARY_PATH'];
/** Ways of loading TypeScript. */
const LOADER_FLAGS = new Set(['--import', '--require', '-r', '--loader', '--experimental-loader']);

/** @returns undefined where the entry is not to be found: in a program that was bundled together with us. */
export function readerProgram(): ReaderProgram | undefined {
  const entry = PLACES.map(place => fileURLToPath(new URL(place, import.meta.url))).find(existsSync);
  if (entry === undefined) return undefined;
  const flags = entry.endsWith('.ts') ? loaderFlags(process.execArgv) : [];
  const env = Object.fromEntries(
    Object.entries(process.env).filter(
      (entry): entry is [string, string] =>
        PASSED_ON.includes(entry[0].toUpperCase()) && entry[1] !== undefined,
    ),
  );
  // The directory of the package: a reader holds no directory of the customer's.
  return { args: [...flags, entry], cwd: dirname(entry), env };
}

function loaderFlags(execArgv: readonly string[]): string[] {
  return execArgv.flatMap((flag, index) => {
    if (LOADER_FLAGS.has(flag)) return [flag, execArgv[index + 1] ?? ''];
    return LOADER_FLAGS.has(flag.split('=', 1)[0] as string) ? [flag] : [];
  });
}
