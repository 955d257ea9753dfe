/** One process at a time at a file that is read, changed and written again. */
import { mkdirSync, rmSync, statSync } from 'node:fs';
import { systemClock } from './clock.ts';

/** What is done under a lock takes milliseconds: a lock this old was left by a process that died. */
const STALE_MS = 10_000;
const RETRY_MS = 20;
const PATIENCE_MS = 15_000;

/**
 * Runs `act` while nobody else holds the lock of that file.
 *
 * @throws what the system says when the lock cannot be made (a read-only directory), `ETIMEDOUT` when it stays taken.
 */
export async function withFileLock<T>(path: string, act: () => Promise<T>): Promise<T> {
  const lock = `${path}.lock`;
  await acquire(lock);
  try {
    return await act();
  } finally {
    rmSync(lock, { recursive: true, force: true });
  }
}

async function acquire(lock: string): Promise<void> {
  const started = systemClock.monotonic();
  for (;;) {
    try {
      // Making a directory is the one step that every file system does for one caller alone.
      mkdirSync(lock, { mode: 0o700 });
      return;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
    }
    const held = statSync(lock, { throwIfNoEntry: false });
    if (held && systemClock.now() - held.mtimeMs > STALE_MS) rmSync(lock, { recursive: true, force: true });
    else if (systemClock.monotonic() - started > PATIENCE_MS) {
      throw Object.assign(new Error(`${lock} stays taken`), { code: 'ETIMEDOUT' });
    } else await systemClock.sleep(RETRY_MS);
  }
}
