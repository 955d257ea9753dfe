/** A lock that this process holds as long as it lives: the operating system gives it back however the process ends. */
import { open } from 'node:fs/promises';
import { openSqlite, type SqliteDatabase, type SqliteError } from './sqlite.ts';

export interface HeldLock {
  release(): void;
}

/**
 * One of SQLite's locks, on an empty database.
 *
 * @returns undefined when another process holds it.
 * @throws the driver's error when there can be no lock.
 */
export async function holdLock(file: string): Promise<HeldLock | undefined> {
  let database: SqliteDatabase | undefined;
  try {
    // Made before SQLite makes it: its journal takes the mode of the file.
    await (await open(file, 'a', 0o600)).close();
    database = await openSqlite(file, { readOnly: false });
    database.exec('PRAGMA busy_timeout = 0');
    database.exec('BEGIN EXCLUSIVE');
    const held = database;
    return { release: () => held.close() };
  } catch (error) {
    database?.close();
    const { code } = error as SqliteError;
    if (code === 'SQLITE_BUSY' || code === 'SQLITE_LOCKED') return undefined;
    throw error;
  }
}
