/** The SQLite driver behind a narrow port: the one file to change for another driver (docs/adr/0002-sqlite-driver.md). */
import { pathToFileURL } from 'node:url';
import type LibsqlDatabase from 'libsql';

export type SqliteValue = null | number | bigint | string | Buffer;

export interface SqliteColumn {
  name: string;
  /** Declared type of the column behind it, as written in CREATE TABLE; null for an expression. */
  declaredType: string | null;
}

export interface SqliteStatement {
  readonly columns: SqliteColumn[];
  /** Rows as arrays, in column order, pulled from the cursor in steps; integers as bigint. */
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
  return {
    exec: sql => void database.exec(sql),
    prepare: sql => wrap(database.prepare(sql)),
    interrupt: () => (database as unknown as { interrupt(): void }).interrupt(), // missing from the package's types
    close: () => void database.close(),
  };
}

function wrap(prepared: LibsqlDatabase.Statement): SqliteStatement {
  const statement = prepared.safeIntegers(true);
  const reader = statement.reader;
  if (reader) statement.raw(true);
  return {
    columns: reader
      ? (statement.columns() as { name: string; type: string | null }[]).map(column => ({
          name: column.name,
          declaredType: column.type,
        }))
      : [],
    iterate: parameters => statement.iterate(bindable(parameters)) as IterableIterator<SqliteValue[]>,
    all: parameters => statement.all(bindable(parameters)) as SqliteValue[][],
    run: parameters => void statement.run(bindable(parameters)),
  };
}

/** The driver aborts the whole process on a value it cannot bind, so every value is checked before it gets there. */
function bindable(parameters: readonly unknown[]): SqliteValue[] {
  return parameters.map(value => {
    if (value === undefined) return null;
    if (typeof value === 'boolean') return value ? 1n : 0n;
    // A JavaScript integer is bound as an integer, so that it meets an INTEGER column without a detour over REAL.
    if (typeof value === 'number') return Number.isSafeInteger(value) ? BigInt(value) : value;
    if (value === null || typeof value === 'bigint' || typeof value === 'string' || Buffer.isBuffer(value)) return value;
    if (value instanceof Uint8Array) return Buffer.from(value);
    throw new TypeError(`a value of type ${typeof value} cannot be bound to SQLite`);
  });
}
