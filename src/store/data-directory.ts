/** The directory of a gateway: its lock, its key for source configs, and who else is there. */
import { randomBytes } from 'node:crypto';
import { link, open, readFile, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { AppError } from '../errors.ts';
import { type HeldLock, holdLock } from '../platform/held-lock.ts';
import { makeDirectory } from '../platform/make-directory.ts';
import type { SqliteError } from '../platform/sqlite.ts';
import { KEY_BYTES } from './secret-box.ts';

export const STORE_FILE = 'semilayer.db';
const LOCK_FILE = 'gateway.lock';
const KEY_FILE = 'config.key';

export interface DataDirectory {
  readonly path: string;
  readonly storeFile: string;
  readonly keyFile: string;
  /**
   * The key that encrypts source configs; made on the first call in a new directory.
   *
   * @param expected whether the store holds configs: then a missing key is a loss, never a reason to make another.
   * @throws AppError `store_corrupt`.
   */
  configKey(expected: boolean): Promise<Buffer>;
  /** Gives the lock back. Idempotent. */
  close(): Promise<void>;
}

/**
 * Takes a data directory for this process alone. The lock is one of SQLite's on an empty database: the operating
 * system gives it back however the process ends.
 *
 * @param options.create makes the directory where it is not there.
 * @throws AppError `data_dir_in_use`, `not_found`, or `usage` when the path cannot be a data directory.
 */
export async function openDataDirectory(path: string, options: { create: boolean }): Promise<DataDirectory> {
  await prepare(path, options.create);
  const lock = await takeLock(path);
  const keyFile = join(path, KEY_FILE);
  let open = true;
  return {
    path,
    storeFile: join(path, STORE_FILE),
    keyFile,
    configKey: expected => readKey(keyFile, expected),
    close: async () => {
      if (!open) return;
      open = false;
      lock.release();
    },
  };
}

async function prepare(path: string, create: boolean): Promise<void> {
  try {
    if (create) await makeDirectory(path);
    const found = await stat(path);
    if (!found.isDirectory()) throw new AppError('usage', { message: `${path} is not a directory` });
  } catch (error) {
    if (error instanceof AppError) throw error;
    const code = (error as NodeJS.ErrnoException).code ?? 'unknown error';
    if (code === 'ENOENT' && !create) {
      throw new AppError('not_found', {
        message: `there is no data directory at ${path}`,
        hint: 'name it with --data-dir',
      });
    }
    throw new AppError('usage', {
      message: `${path} cannot be a data directory (${code})`,
      hint: 'choose a directory that this user may write to with --data-dir',
      cause: error,
    });
  }
}

async function takeLock(path: string): Promise<HeldLock> {
  const file = join(path, LOCK_FILE);
  let lock: HeldLock | undefined;
  try {
    lock = await holdLock(file);
  } catch (error) {
    const { code } = error as SqliteError;
    if (code === 'SQLITE_NOTADB' || code === 'SQLITE_CORRUPT') {
      // It holds nothing: a damaged one is made anew.
      await rm(file, { force: true });
      return await takeLock(path);
    }
    throw new AppError('usage', {
      message: `${path} cannot be written to (${code ?? (error as Error).message})`,
      hint: 'choose a directory that this user may write to with --data-dir',
      cause: error,
    });
  }
  if (lock) return lock;
  throw new AppError('data_dir_in_use', {
    message: `another gateway uses the data directory ${path}`,
    hint: 'stop it, or give this one a directory of its own with --data-dir',
  });
}

async function readKey(file: string, expected: boolean): Promise<Buffer> {
  let key: Buffer;
  try {
    key = await readFile(file);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') {
      throw corruptKey(`${file} cannot be read (${(error as NodeJS.ErrnoException).code})`);
    }
    if (expected)
      throw corruptKey(`${file} is missing, and the configs of managed sources cannot be read without it`);
    return await makeKey(file);
  }
  if (key.length !== KEY_BYTES) throw corruptKey(`${file} does not hold a key`);
  return key;
}

/** Under its name only when it is complete and on the disk. */
async function makeKey(file: string): Promise<Buffer> {
  const key = randomBytes(KEY_BYTES);
  const temporary = `${file}.${process.pid}.tmp`;
  const handle = await open(temporary, 'wx', 0o600);
  try {
    await handle.writeFile(key);
    await handle.sync();
  } finally {
    await handle.close();
  }
  await link(temporary, file);
  await rm(temporary);
  return key;
}

function corruptKey(message: string): AppError {
  return new AppError('store_corrupt', {
    message,
    hint: 'put back the key file that was saved with the last backup',
  });
}
