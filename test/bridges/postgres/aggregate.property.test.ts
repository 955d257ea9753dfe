import { test } from 'node:test';
import fc from 'fast-check';
import { PostgresBridge } from '../../../src/bridges/postgres/postgres-bridge.ts';
import { connectTo, postgresServer } from '../../support/postgres-server.ts';
import { aggregates, tables } from '../aggregate/arbitraries.ts';
import { assertBuckets, collect } from '../aggregate/compare-buckets.ts';
import { aggregate } from '../aggregate/naive-aggregate.ts';

/** Texts by their bytes, as the oracle sorts them. */
const SCHEMA = `
  create table data (id int primary key, n int, r float8, t text collate "C", at timestamptz, place int);
  create table places (id int primary key, city text collate "C", size int);`;

test('every aggregate of Postgres answers what the rows say, each measure and bucket', async t => {
  const server = await postgresServer(t);
  if (!server) return;
  const writer = await connectTo(t, server.url);
  await writer.query(SCHEMA);
  const bridge = new PostgresBridge({ url: server.url });
  await bridge.connect();
  t.after(() => bridge.disconnect());
  await fc.assert(
    fc.asyncProperty(
      tables(),
      fc.array(aggregates(), { minLength: 4, maxLength: 4 }),
      async (data, asked) => {
        await writer.query('truncate data, places');
        await writer.query('insert into data select * from json_populate_recordset(null::data, $1)', [
          JSON.stringify(data.rows),
        ]);
        await writer.query('insert into places select * from json_populate_recordset(null::places, $1)', [
          JSON.stringify(data.places),
        ]);
        for (const options of asked) {
          const buckets = await collect(bridge.aggregate({ target: 'data', ...options }));
          assertBuckets(buckets, aggregate(data.rows, data.places, options));
        }
      },
    ),
    { numRuns: 250 },
  );
});
