import assert from 'node:assert/strict';
import { test } from 'node:test';
import { HOSTILE, surviveEverythingHostile } from '../hostile.ts';
import { databaseWith } from './database.ts';

test('two hundred hostile names and values work or are refused by name, and change nothing', async t => {
  assert.ok(new Set(HOSTILE).size >= 200);
  const { bridge, writer } = await databaseWith(
    t,
    "create table victims (id integer primary key, name text); insert into victims values (1, 'a'), (2, null), (3, 'c')",
  );
  const all = (sql: string): string => String(writer.prepare(sql).all([]));
  await surviveEverythingHostile({
    bridge,
    fingerprint: () => `${all('select type, name, sql from sqlite_schema')}|${all('select * from victims')}`,
  });
});
