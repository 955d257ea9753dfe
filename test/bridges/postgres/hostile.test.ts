import { test } from 'node:test';
import { surviveEverythingHostile } from '../hostile.ts';
import { databaseWith } from './bridge.ts';

test('two hundred hostile names and values work or are refused by name, and change nothing', async t => {
  const fixture = await databaseWith(
    t,
    "create table victims (id integer primary key, name text); insert into victims values (1, 'a'), (2, null), (3, 'c')",
  );
  if (!fixture) return;
  const { bridge, owner } = fixture;
  await surviveEverythingHostile({
    bridge,
    fingerprint: async () => {
      const tables = await owner.query(
        "select n.nspname, c.relname, c.relkind from pg_class c join pg_namespace n on n.oid = c.relnamespace where n.nspname not in ('pg_catalog', 'information_schema', 'pg_toast') order by 1, 2",
      );
      const rows = await owner.query('select * from victims order by id');
      return JSON.stringify([tables.rows, rows.rows]);
    },
  });
});
