/** The packed program, installed in a directory where nothing else is: what a user has. `scripts/test.mjs` makes it. */
import { readFileSync } from 'node:fs';
import { cp } from 'node:fs/promises';
import { join } from 'node:path';

export interface Packed {
  home: string;
  /** The script behind `semilayer`. */
  bin: string;
  version: string;
  /** Paths of what is in the tarball. */
  files: string[];
}

/** All test files share it: nothing is written there. */
export function usePacked(): Packed {
  const home = process.env.SEMILAYER_TEST_PACKED;
  if (!home) throw new Error('npm test -- package runs these: it packs and installs first');
  const [report] = JSON.parse(readFileSync(join(home, 'pack.json'), 'utf8'));
  return {
    home,
    bin: join(home, 'node_modules/semilayer/bin/semilayer.js'),
    version: report.version,
    files: report.files.map((file: { path: string }) => file.path),
  };
}

/** A copy to write in, with everything that npm installed. */
export async function copyPacked(packed: Packed, directory: string): Promise<void> {
  await cp(packed.home, directory, { recursive: true, verbatimSymlinks: true });
}
