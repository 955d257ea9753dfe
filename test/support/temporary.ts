/** A directory that is gone when the test is. */
import { mkdtemp, realpath, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** A test, or a test file: whatever ends, and what is then to be done. */
export interface Cleanup {
  after(cleanup: () => unknown): void;
}

export async function temporaryDirectory(t: Cleanup): Promise<string> {
  const path = await realpath(await mkdtemp(join(tmpdir(), 'semilayer-test-')));
  t.after(() => rm(path, { recursive: true, force: true, maxRetries: 5 }));
  return path;
}
