/** The store's file: opened whole or not at all, migrated with a copy kept, its errors in the product's words. */
import { existsSync } from 'node:fs';
import { chmod, open } from 'node:fs/promises';
import { AppError } from '../errors.ts';
import {
  openSqlite,
  type SqliteDatabase,
  type SqliteError,
  type SqliteStatement,
  type SqliteValue,
} from '../platform/sqlite.ts';
import { MIGRATIONS } from './migrations.ts';

/** Another process that reads (a backup, a person with a shell) holds a writer up at most this long. */
const BUSY_TIMEOUT_MS = 5_000;

export class SqliteFile {
  readonly #database: SqliteDatabase;
  readonly #path: string;
  readonly #statements = new Map<string, SqliteStatement>();

  private constructor(database: SqliteDatabase, path: string) {
    this.#database = database;
    this.#path = path;
  }

  /**
   * Opens or creates the file and brings it to the current schema.
   *
   * @throws AppError `store_corrupt`, or `store_newer` with the file untouched.
   */
  static async open(path: string): Promise<SqliteFile> {
    const isNew = !existsSync(path);
    if (!isNew) await refuseUnfit(path);
    let database: SqliteDatabase | undefined;
    try {
      database = await openSqlite(path, { readOnly: false });
      await chmod(path, 0o600);
      database.exec(`PRAGMA busy_timeout = ${BUSY_TIMEOUT_MS}`);
      database.exec('PRAGMA journal_mode = WAL');
      // Acknowledged means on the disk: NORMAL would lose the last changes with the power.
      database.exec('PRAGMA synchronous = FULL');
      database.exec('PRAGMA foreign_keys = ON');
      // A wiped config leaves no bytes behind in free pages.
      database.exec('PRAGMA secure_delete = ON');
      const file = new SqliteFile(database, path);
      await file.#migrate(isNew);
      return file;
    } catch (error) {
      database?.close();
      throw storeError(error, path);
    }
  }

  /** Rows of a statement, in column order; statements are prepared once. */
  all(sql: string, ...parameters: unknown[]): SqliteValue[][] {
    return this.#guarded(() => this.#statement(sql).all(parameters));
  }

  run(sql: string, ...parameters: unknown[]): void {
    this.#guarded(() => this.#statement(sql).run(parameters));
  }

  /** Everything `change` writes, or nothing. */
  transaction<T>(change: () => T): T {
    this.#guarded(() => this.#database.exec('BEGIN IMMEDIATE'));
    try {
      const result = change();
      this.#guarded(() => this.#database.exec('COMMIT'));
      return result;
    } catch (error) {
      try {
        this.#database.exec('ROLLBACK');
      } catch {
        // SQLite has rolled back by itself (a full disk); what failed first is what to report.
      }
      throw error;
    }
  }

  /** Folds the write-ahead log into the file, so that what was wiped is not still in the log. */
  checkpoint(): void {
    this.#guarded(() => this.#statement('PRAGMA wal_checkpoint(TRUNCATE)').all([]));
  }

  /** A consistent copy, mode 0600. */
  async copyTo(file: string): Promise<void> {
    this.#guarded(() => this.#database.prepare('VACUUM INTO ?').run([file]));
    await chmod(file, 0o600);
  }

  /** The driver leaves the log behind; folded in, the file alone is the whole store for whoever copies it. */
  close(): void {
    try {
      this.checkpoint();
    } catch {
      // A full disk or a reader in the way: the log holds it all, and the next start reads it.
    }
    this.#statements.clear();
    this.#database.close();
  }

  async #migrate(isNew: boolean): Promise<void> {
    const version = versionOf(this.#database);
    if (version === MIGRATIONS.length) return;
    if (!isNew && version > 0) {
      const copy = `${this.#path}.bak-v${version}`;
      if (!existsSync(copy)) await this.copyTo(copy);
    }
    this.#database.exec('BEGIN IMMEDIATE');
    try {
      for (const step of MIGRATIONS.slice(version)) this.#database.exec(step);
      this.#database.exec(`PRAGMA user_version = ${MIGRATIONS.length}`);
      this.#database.exec('COMMIT');
    } catch (error) {
      this.#database.exec('ROLLBACK');
      throw error;
    }
  }

  #statement(sql: string): SqliteStatement {
    let statement = this.#statements.get(sql);
    if (!statement) {
      statement = this.#database.prepare(sql);
      this.#statements.set(sql, statement);
    }
    return statement;
  }

  #guarded<T>(call: () => T): T {
    try {
      return call();
    } catch (error) {
      throw storeError(error, this.#path);
    }
  }
}

/** Looked at through a read-only connection first: what is damaged or newer is left byte for byte as it was. */
async function refuseUnfit(path: string): Promise<void> {
  if (!(await looksLikeSqlite(path))) throw corrupt(path);
  let database: SqliteDatabase | undefined;
  try {
    database = await openSqlite(path, { readOnly: true });
    const version = versionOf(database);
    const [tables] = database.prepare('SELECT count(*) FROM sqlite_schema').all([])[0] ?? [];
    if (version === 0 && tables !== 0) throw corrupt(path);
    if (version > MIGRATIONS.length) {
      throw new AppError('store_newer', {
        message: `${path} was written by a newer version of semilayer (store version ${version}, this one knows ${MIGRATIONS.length})`,
        hint: 'install that version or a newer one; nothing was changed',
      });
    }
    const [verdict] = database.prepare('PRAGMA quick_check(1)').all([])[0] ?? [];
    if (verdict !== 'ok') throw corrupt(path);
  } catch (error) {
    throw storeError(error, path);
  } finally {
    database?.close();
  }
}

/** SQLite takes a file shorter than a page for an empty database and would write over it. */
async function looksLikeSqlite(path: string): Promise<boolean> {
  const file = await open(path);
  try {
    const { bytesRead, buffer } = await file.read(Buffer.alloc(16), 0, 16, 0);
    return bytesRead === 0 || buffer.toString('latin1') === 'SQLite format 3\0';
  } finally {
    await file.close();
  }
}

function versionOf(database: SqliteDatabase): number {
  return Number(database.prepare('PRAGMA user_version').all([])[0]?.[0] ?? 0);
}

function corrupt(path: string, cause?: unknown): AppError {
  return new AppError('store_corrupt', {
    message: `${path} is damaged, or no store of semilayer`,
    hint: 'restore the last `semilayer gateway backup` in its place, or start with an empty directory: --data-dir',
    cause,
  });
}

/** An error of SQLite as one of the product's; its text may quote values, so only its code is told. */
function storeError(error: unknown, path: string): unknown {
  if (error instanceof AppError || !(error instanceof Error)) return error;
  const { code } = error as Partial<SqliteError>;
  if (code === undefined && !/sqlite|database|file is/i.test(error.message)) return error;
  if (/CORRUPT|NOTADB/.test(code ?? '') || /malformed|not a database/.test(error.message))
    return corrupt(path, error);
  return new AppError('service_unavailable', {
    message: `the store does not answer (${code ?? 'SQLITE_ERROR'})`,
    hint: code === 'SQLITE_FULL' ? 'the disk is full' : undefined,
    cause: error,
    retryable: true,
  });
}
