import { test } from 'node:test';
import fc from 'fast-check';
import { aggregates, tables } from '../aggregate/arbitraries.ts';
import { assertBuckets, collect } from '../aggregate/compare-buckets.ts';
import { aggregate } from '../aggregate/naive-aggregate.ts';
import { databaseWith } from './database.ts';

const SCHEMA = `create table data (id integer primary key, n integer, r real, t text, at text, place integer);
  create table places (id integer primary key, city text, size integer);`;

test('every aggregate answers what the rows say, each measure and bucket', async t => {
  const { writer, bridge } = await databaseWith(t, SCHEMA);
  const insert = writer.prepare('insert into data values (?, ?, ?, ?, ?, ?)');
  const insertPlace = writer.prepare('insert into places values (?, ?, ?)');
  await fc.assert(
    fc.asyncProperty(
      tables(),
      fc.array(aggregates(), { minLength: 4, maxLength: 4 }),
      async (data, asked) => {
        writer.exec('begin; delete from data; delete from places');
        for (const { id, n, r, t: text, at, place } of data.rows) insert.run([id, n, r, text, at, place]);
        for (const { id, city, size } of data.places) insertPlace.run([id, city, size]);
        writer.exec('commit');
        for (const options of asked) {
          const buckets = await collect(bridge.aggregate({ target: 'data', ...options }));
          assertBuckets(buckets, aggregate(data.rows, data.places, options));
        }
      },
    ),
    { numRuns: 500 },
  );
});
