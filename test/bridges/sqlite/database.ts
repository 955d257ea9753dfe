/** SQLite files for tests, written by a connection of their own, as a customer's program would. */
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import type { RowBatches, StreamEnd } from '../../../src/bridges/bridge.ts';
import { SqliteBridge } from '../../../src/bridges/sqlite/sqlite-bridge.ts';
import { rowsOf } from '../../../src/bridges/stream-rows.ts';
import { openSqlite, type SqliteDatabase } from '../../../src/platform/sqlite.ts';
import { temporaryDirectory } from '../../support/temporary.ts';

export interface Fixture {
  file: string;
  /** The customer's own connection. */
  writer: SqliteDatabase;
  bridge: SqliteBridge;
}

export async function databaseWith(t: TestContext, sql: string): Promise<Fixture> {
  const file = join(await temporaryDirectory(t), 'source.db');
  const writer = await openSqlite(file, { readOnly: false });
  writer.exec(`pragma synchronous = off; ${sql}`);
  const bridge = new SqliteBridge({ url: `file:${file}` });
  t.after(async () => {
    await bridge.disconnect();
    writer.close();
  });
  return { file, writer, bridge };
}

/** A table `numbers` of one column `id`, from 1 to `rows`. */
export function numbers(rows: number): string {
  return `create table numbers (id integer primary key, label text);
    with recursive counted (n) as (select 1 union all select n + 1 from counted where n < ${rows})
    insert into numbers select n, 'row ' || n from counted;`;
}

export async function drained(batches: RowBatches): Promise<{ sizes: number[]; end: StreamEnd | undefined }> {
  const sizes: number[] = [];
  for (;;) {
    const step = await batches.next();
    if (step.done) return { sizes, end: step.value };
    sizes.push(rowsOf(step.value).length);
  }
}
