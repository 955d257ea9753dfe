/** Connections to one SQLite file: one for each question under way, a few kept open between them. */
import { openSqlite, type SqliteDatabase, type SqliteError } from '../../platform/sqlite.ts';
import { SourceUnreachableError } from '../bridge.ts';

/** Opening costs a fraction of a millisecond: a few idle ones spare it to a steady load. */
const MAX_IDLE = 4;

export class Connections {
  readonly #path: string;
  readonly #busyTimeoutMs: number;
  readonly #idle: SqliteDatabase[] = [];
  #closed = false;

  constructor(path: string, busyTimeoutMs: number) {
    this.#path = path;
    this.#busyTimeoutMs = busyTimeoutMs;
  }

  /**
   * A connection for the caller alone, which gives it back with `release` or `discard`.
   *
   * @throws SourceUnreachableError when the file is missing, unreadable or no database.
   */
  async acquire(): Promise<SqliteDatabase> {
    return this.#idle.pop() ?? (await this.#open());
  }

  release(database: SqliteDatabase): void {
    if (this.#closed || this.#idle.length >= MAX_IDLE) database.close();
    else this.#idle.push(database);
  }

  /** Closes a connection whose statement may still be in the middle of its rows. */
  discard(database: SqliteDatabase): void {
    database.close();
  }

  close(): void {
    this.#closed = true;
    for (const database of this.#idle.splice(0)) database.close();
  }

  async #open(): Promise<SqliteDatabase> {
    let database: SqliteDatabase | undefined;
    try {
      database = await openSqlite(this.#path, { readOnly: true });
      database.exec(`pragma busy_timeout = ${this.#busyTimeoutMs}`);
      // The file is opened read-only; this stops writes to temporary tables and attached files as well.
      database.exec('pragma query_only = on');
      // The first look at the file: it may be no database at all.
      database.prepare('select count(*) from sqlite_schema').all([]);
      return database;
    } catch (error) {
      database?.close();
      // Whoever holds it will let go: the file is there, and is a database for all we know.
      throw isBusy(error) ? error : unreachable(error);
    }
  }
}

/** Whether an error says that somebody writes just now. */
export function isBusy(error: unknown): boolean {
  const { code } = error as Partial<SqliteError>;
  return typeof code === 'string' && /^SQLITE_(?:BUSY|LOCKED)/.test(code);
}

/** Whether an error says that the file, not the question, is at fault. */
export function isFileFault(error: unknown): boolean {
  const { code } = error as Partial<SqliteError>;
  return typeof code === 'string' && /^SQLITE_(?:CANTOPEN|NOTADB|CORRUPT|IOERR|AUTH|PERM)/.test(code);
}

export function unreachable(error: unknown): SourceUnreachableError {
  const { code, rawCode, message = '' } = error as Partial<SqliteError>;
  const said = code ?? message;
  // The driver gives no code for a file it could not open at all.
  if (said.includes('CANTOPEN') || rawCode === 14 || /unable to open/i.test(message)) {
    return new SourceUnreachableError('the database file does not exist or cannot be opened');
  }
  if (/NOTADB|not a database/.test(said))
    return new SourceUnreachableError('the file is not a SQLite database');
  if (/CORRUPT|malformed/.test(said)) return new SourceUnreachableError('the database file is damaged');
  return new SourceUnreachableError(`the database file cannot be read (${code ?? 'unknown error'})`);
}
