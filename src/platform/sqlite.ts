/** The SQLite driver behind a narrow port: the one file to change for another driver (docs/adr/0002-sqlite-driver.md). */
import { pathToFileURL } from 'node:url';
import type LibsqlDatabase from 'libsql';

export type SqliteValue = null | number | bigint | string | Buffer;

export interface SqliteStatement {
  /**
   * Rows as arrays, in column order, pulled from the cursor in steps; integers as bigint. Its `return` ends the read,
   * and interrupts whatever else runs on the connection: rows in the middle of being read want one of their own.
   */
  iterate(parameters: readonly unknown[]): IterableIterator<SqliteValue[]>;
  all(parameters: readonly unknown[]): SqliteValue[][];
  run(parameters: readonly unknown[]): void;
}

export interface SqliteDatabase {
  exec(sql: string): void;
  prepare(sql: string): SqliteStatement;
  /** Makes the statement that runs on this connection fail at its next step. */
  interrupt(): void;
  close(): void;
}

/** An error of SQLite itself: `code` is its name (`SQLITE_BUSY`), `rawCode` its extended number. */
export interface SqliteError extends Error {
  code: string;
  rawCode: number;
}

/**
 * Opens a database file.
 *
 * @param options.readOnly opens with SQLITE_OPEN_READONLY: a missing file is an error, never created.
 * @throws the driver's error when the file cannot be opened.
 */
export async function openSqlite(file: string, options: { readOnly: boolean }): Promise<SqliteDatabase> {
  // Loaded here and nowhere else: the native library costs milliseconds that most commands never need.
  const { default: Database } = await import('libsql');
  const name = options.readOnly ? `${pathToFileURL(file).href}?mode=ro` : file;
  const database = new Database(name);
  // Missing from the package's types.
  const interrupt = (): void => (database as unknown as { interrupt(): void }).interrupt();
  return {
    exec: sql => void database.exec(sql),
    prepare: sql => wrap(database.prepare(sql), interrupt),
    interrupt,
    close: () => void database.close(),
  };
}

function wrap(prepared: LibsqlDatabase.Statement, interrupt: () => void): SqliteStatement {
  const statement = prepared.safeIntegers(true);
  if (statement.reader) statement.raw(true);
  return {
    iterate: parameters =>
      closing(statement.iterate(bindable(parameters)) as IterableIterator<SqliteValue[]>, interrupt),
    all: parameters => statement.all(bindable(parameters)) as SqliteValue[][],
    run: parameters => void statement.run(bindable(parameters)),
  };
}

/**
 * The driver's iterator has no `return`, and a statement left in the middle keeps its lock on the file until it is
 * collected, even once the connection is closed. Interrupted, it ends at its next step.
 */
function closing(rows: Iterator<SqliteValue[]>, interrupt: () => void): IterableIterator<SqliteValue[]> {
  return {
    next: () => rows.next(),
    return() {
      interrupt();
      try {
        while (!rows.next().done) {
          // Rows the driver had read ahead.
        }
      } catch {
        // The interruption itself.
      }
      return { done: true, value: undefined };
    },
    [Symbol.iterator]() {
      return this;
    },
  };
}

/** The driver aborts the whole process on a value it cannot bind, so every value is checked before it gets there. */
function bindable(parameters: readonly unknown[]): SqliteValue[] {
  return parameters.map(value => {
    if (value === undefined) return null;
    if (typeof value === 'boolean') return value ? 1n : 0n;
    // A JavaScript integer is bound as an integer, so that it meets an INTEGER column without a detour over REAL.
    if (typeof value === 'number') return Number.isSafeInteger(value) ? BigInt(value) : value;
    if (value === null || typeof value === 'bigint' || typeof value === 'string' || Buffer.isBuffer(value))
      return value;
    if (value instanceof Uint8Array) return Buffer.from(value);
    throw new TypeError(`a value of type ${typeof value} cannot be bound to SQLite`);
  });
}
