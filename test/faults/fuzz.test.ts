/** A few thousand messages of `npm run fuzz` at each side: none crashes it, none is thrown at nobody, and nobody else is hurt. */
import { execFile } from 'node:child_process';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { seeded } from '../support/seeded.ts';

const FUZZ = fileURLToPath(new URL('../../scripts/fuzz.ts', import.meta.url));

for (const side of ['gateway', 'runner']) {
  test(`fuzzed frames at a ${side}: each is closed for or lived through, and the jobs beside are not hurt`, async t => {
    const { seed } = seeded(t);
    const args = ['--expose-gc', '--import', 'tsx', FUZZ];
    // Rejects for any status but 0, with what was said.
    const { stdout } = await promisify(execFile)(process.execPath, [
      ...args,
      '--frames',
      '4000',
      '--seed',
      String(seed),
      '--side',
      side,
    ]);
    t.diagnostic(stdout.trim());
  });
}
