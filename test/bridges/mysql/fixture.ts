/** A database of the test's own on the server, and a bridge that reads it. */
import type { TestContext } from 'node:test';
import type { RowBatches, StreamEnd } from '../../../src/bridges/bridge.ts';
import { MysqlBridge } from '../../../src/bridges/mysql/mysql-bridge.ts';
import { rowsOf } from '../../../src/bridges/stream-rows.ts';
import { type MysqlDatabase, mysqlDatabase } from '../../support/mysql-server.ts';

export interface Fixture extends MysqlDatabase {
  bridge: MysqlBridge;
}

/** Undefined where there is no server, which has been said then. */
export async function databaseWith(t: TestContext, sql: string): Promise<Fixture | undefined> {
  const database = await mysqlDatabase(t);
  if (!database) return undefined;
  if (sql !== '') await database.writer.query(sql);
  const bridge = new MysqlBridge({ url: database.url });
  t.after(() => bridge.disconnect());
  return { ...database, bridge };
}

/** A table `numbers` of one column `id`, from 1 to `rows`, and a label beside it. */
export function numbers(rows: number): string {
  return `create table numbers (id int primary key, label varchar(200));
    create table digits (d int);
    insert into digits values (0), (1), (2), (3), (4), (5), (6), (7), (8), (9);
    insert into numbers select n, concat('row ', n) from
      (select 1 + a.d + 10 * b.d + 100 * c.d + 1000 * e.d + 10000 * f.d + 100000 * g.d as n
       from digits a, digits b, digits c, digits e, digits f, digits g) as counted where n <= ${rows};
    drop table digits;`;
}

export async function drained(batches: RowBatches): Promise<{ sizes: number[]; end: StreamEnd | undefined }> {
  const sizes: number[] = [];
  for (;;) {
    const step = await batches.next();
    if (step.done) return { sizes, end: step.value };
    sizes.push(rowsOf(step.value).length);
  }
}

/** Numbers of the connections on which the server is at a question of the bridge's now, its looks at the schema aside. */
export async function running({ sql }: Pick<MysqlDatabase, 'sql'>): Promise<number[]> {
  const rows = await sql(
    `select id as id from information_schema.processlist where info like '/* semilayer %' and command <> 'Sleep'
       and info not like '%limit 0' and info not like '%information_schema%'`,
  );
  return rows.map(row => Number(row.id));
}

/** Asks again until it holds: what another process does has no event here. */
export async function until(holds: () => Promise<boolean>, withinMs: number): Promise<number> {
  const started = performance.now();
  for (;;) {
    if (await holds()) return performance.now() - started;
    if (performance.now() - started > withinMs)
      throw new Error(`it did not come about within ${withinMs} ms`);
    await new Promise(resolve => setTimeout(resolve, 10));
  }
}
