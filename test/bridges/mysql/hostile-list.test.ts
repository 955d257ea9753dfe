import { test } from 'node:test';
import { ownMysqlServer } from '../../support/mysql-server.ts';
import { surviveEverythingHostile } from '../hostile.ts';
import { databaseWith } from './fixture.ts';

ownMysqlServer();

test('the two hundred hostile names and values of every engine work or are refused by name, and change nothing', async t => {
  const fixture = await databaseWith(
    t,
    "create table victims (id integer primary key, name text); insert into victims values (1, 'a'), (2, null), (3, 'c')",
  );
  if (!fixture) return;
  const { bridge, sql } = fixture;
  await surviveEverythingHostile({
    bridge,
    fingerprint: async () =>
      JSON.stringify([
        await sql(
          "select table_schema, table_name, table_type from information_schema.tables where table_schema not in ('information_schema', 'performance_schema') order by 1, 2",
        ),
        await sql('select * from victims order by id'),
      ]),
  });
});
