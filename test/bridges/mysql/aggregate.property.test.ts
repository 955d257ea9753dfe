import { test } from 'node:test';
import fc from 'fast-check';
import { aggregates, tables } from '../aggregate/arbitraries.ts';
import { assertBuckets, collect } from '../aggregate/compare-buckets.ts';
import { aggregate } from '../aggregate/naive-aggregate.ts';
import { databaseWith } from './fixture.ts';

/** Texts by their bytes, as the oracle sorts them. */
const SCHEMA = `
  create table data (id int primary key, n int, r double, t varchar(20) collate utf8mb4_bin, at timestamp null, place int);
  create table places (id int primary key, city varchar(20) collate utf8mb4_bin, size int);`;

test('every aggregate of MySQL answers what the rows say, each measure and bucket', async t => {
  const source = await databaseWith(t, SCHEMA);
  if (!source) return;
  const { bridge, writer } = source;
  const fill = async (table: string, rows: unknown[][]): Promise<void> => {
    await writer.query(`delete from ${table}`);
    if (rows.length > 0) await writer.query(`insert into ${table} values ?`, [rows]);
  };
  await fc.assert(
    fc.asyncProperty(
      tables(),
      fc.array(aggregates(), { minLength: 4, maxLength: 4 }),
      async (data, asked) => {
        await fill(
          'data',
          data.rows.map(({ id, n, r, t: text, at, place }) => [
            id,
            n,
            r,
            text,
            at?.slice(0, 19) ?? null,
            place,
          ]),
        );
        await fill(
          'places',
          data.places.map(({ id, city, size }) => [id, city, size]),
        );
        for (const options of asked) {
          const buckets = await collect(bridge.aggregate({ target: 'data', ...options }));
          assertBuckets(buckets, aggregate(data.rows, data.places, options));
        }
      },
    ),
    { numRuns: 250 },
  );
});
