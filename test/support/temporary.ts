/** A directory that is gone when the test is. */
import { mkdtemp, realpath, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';

export async function temporaryDirectory(t: Pick<TestContext, 'after'>): Promise<string> {
  const path = await realpath(await mkdtemp(join(tmpdir(), 'semilayer-test-')));
  t.after(() => rm(path, { recursive: true, force: true, maxRetries: 5 }));
  return path;
}
