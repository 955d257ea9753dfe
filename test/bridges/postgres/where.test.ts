import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { type DataRow, evaluate } from '../naive-where.ts';
import { databaseWith } from './bridge.ts';

type Operand = string | number | boolean;

/**
 * Values of a column in their order, each in every way that a filter may spell it. The oracle compares their ranks, so
 * it needs no arithmetic of its own. What has no SQL cannot stand in the column and is only asked for.
 */
const COLUMNS: Record<string, { sql?: string; as: Operand[] }[]> = {
  i: [
    { as: [-5_000_000_000, '-99999999999999999999'] },
    { sql: '-2147483648', as: [-2_147_483_648] },
    { sql: '-1', as: [-1, '-1'] },
    { sql: '0', as: [0, '0', false] },
    { as: [0.5, '0.5'] },
    { sql: '1', as: [1, '1', true, '1.0'] },
    { sql: '2147483647', as: [2_147_483_647] },
    { as: [2_147_483_648, '2147483648'] },
    { as: ['9223372036854775808', 1e21] },
  ],
  big: [
    { as: ['-9223372036854775809'] },
    { sql: '-9223372036854775808', as: ['-9223372036854775808'] },
    { sql: '7', as: [7, '7'] },
    { sql: '9007199254740992', as: ['9007199254740992'] },
    { sql: '9007199254740993', as: ['9007199254740993'] },
    { sql: '9223372036854775807', as: ['9223372036854775807'] },
    { as: ['1e19', 1e19] },
  ],
  d: [
    { sql: '-12.5', as: [-12.5, '-12.50'] },
    { sql: '0.1', as: [0.1, '0.1'] },
    { as: ['0.10000000000000000001'] },
    { sql: '12345678901234567890.123', as: ['12345678901234567890.123'] },
  ],
  f: [
    { sql: `'-Infinity'`, as: ['-Infinity'] },
    { sql: '-0.25', as: [-0.25] },
    { sql: '0.1', as: [0.1, '0.1'] },
    { sql: '1e300', as: [1e300] },
  ],
  b: [
    { sql: 'false', as: [false, 0, '0'] },
    { sql: 'true', as: [true, 1, 't'] },
  ],
  day: [
    { sql: `'0044-03-15 BC'`, as: ['0044-03-15 BC'] },
    { sql: `'2024-02-29'`, as: ['2024-02-29'] },
    { sql: `'2024-03-01'`, as: ['2024-03-01'] },
    { sql: `'infinity'`, as: ['infinity'] },
  ],
  at: [
    { sql: `'2024-02-29 10:00+00'`, as: ['2024-02-29T10:00:00Z', '2024-02-29T12:00:00+02:00'] },
    { sql: `'2024-02-29 10:00:00.000001+00'`, as: ['2024-02-29T10:00:00.000001Z'] },
    { sql: `'2024-02-29 11:00+00'`, as: ['2024-02-29T11:00:00Z'] },
  ],
  u: [
    { sql: `'00000000-0000-0000-0000-000000000001'`, as: ['00000000-0000-0000-0000-000000000001'] },
    {
      sql: `'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11'`,
      as: ['A0EEBC99-9C0B-4EF8-BB6D-6BB9BD380A11', 'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11'],
    },
  ],
};

const TABLE = `create type colour as enum ('red', 'green');
  create table data (id int primary key, i int, big bigint, d numeric, f float8, b boolean, day date, at timestamptz, u uuid,
    t text, v varchar(20), c char(8), j jsonb, k json, e colour, tags text[])`;

/** Few letters, so that comparisons meet; every character that means something to LIKE, arrays or the escape. */
const text = fc.string({
  unit: fc.constantFrom('a', 'A', 'b', 'é', 'É', '%', '_', '\\', '"', "'", '{', '}', ',', '$', '😀', '\n'),
  maxLength: 5,
});

/** The rank of each spelling, by column. */
const RANKS = new Map(
  Object.entries(COLUMNS).map(([name, values]) => [
    name,
    new Map<string, number>(values.flatMap(({ as }, rank) => as.map(one => [`${typeof one} ${one}`, rank]))),
  ]),
);

interface TypedRow {
  /** Literals, by column. */
  sql: Record<string, string>;
  /** Ranks and texts, as the oracle compares them. */
  data: DataRow;
}

function typedRow(): fc.Arbitrary<TypedRow> {
  const ranks = Object.fromEntries(
    Object.entries(COLUMNS).map(([name, values]) => {
      const storable = values.flatMap(({ sql }, rank) => (sql === undefined ? [] : [rank]));
      return [name, fc.option(fc.constantFrom(...storable), { freq: 5 })];
    }),
  );
  return fc
    .record({ ranks: fc.record(ranks), t: fc.option(text, { freq: 5 }) })
    .map(({ ranks: chosen, t }) => ({
      sql: Object.fromEntries(
        Object.entries(chosen).map(([name, rank]) => [
          name,
          rank === null ? 'null' : (COLUMNS[name]?.[rank]?.sql as string),
        ]),
      ),
      data: { ...chosen, t } as DataRow,
    }));
}

/** A filter for the database, and the same in ranks for the oracle. */
interface Question {
  where: Record<string, unknown>;
  ranked: Record<string, unknown>;
}

function fieldQuestions(name: string): fc.Arbitrary<Question> {
  const spelled = [...(RANKS.get(name) as Map<string, number>).keys()];
  const operand = fc.constantFrom(...spelled).map(key => ({
    value: (COLUMNS[name] ?? [])
      .flatMap(({ as }) => as)
      .find(one => `${typeof one} ${one}` === key) as Operand,
    rank: RANKS.get(name)?.get(key) as number,
  }));
  const both = (build: (of: unknown) => unknown) =>
    operand.map(({ value, rank }) => ({ where: { [name]: build(value) }, ranked: { [name]: build(rank) } }));
  const lists = (build: (of: unknown[]) => unknown) =>
    fc.array(fc.option(operand, { freq: 5 }), { maxLength: 4 }).map(items => ({
      where: { [name]: build(items.map(item => item?.value ?? null)) },
      ranked: { [name]: build(items.map(item => item?.rank ?? null)) },
    }));
  return fc.oneof(
    both(value => value),
    ...['$eq', '$ne', '$gt', '$gte', '$lt', '$lte'].map(op => both(value => ({ [op]: value }))),
    both(value => ({ $not: { $gt: value } })),
    fc.tuple(operand, operand).map(([low, high]) => ({
      where: { [name]: { $gte: low.value, $lt: high.value } },
      ranked: { [name]: { $gte: low.rank, $lt: high.rank } },
    })),
    lists(items => items),
    lists(items => ({ $in: items })),
    lists(items => ({ $nin: items })),
    lists(items => ({ $not: { $nin: items } })),
    fc.constantFrom(null, { $eq: null }, { $ne: null }, { $exists: true }, { $exists: false }).map(one => ({
      where: { [name]: one },
      ranked: { [name]: one },
    })),
  );
}

const textQuestions: fc.Arbitrary<Question> = fc
  .oneof(
    text,
    ...['$eq', '$ne', '$gt', '$lte', '$like', '$ilike', '$contains', '$startsWith', '$endsWith'].map(op =>
      fc.record({ [op]: text }),
    ),
    fc.array(fc.option(text, { freq: 5 }), { maxLength: 4 }),
    fc.record({ $nin: fc.array(fc.option(text, { freq: 5 }), { maxLength: 4 }) }),
    fc.record({ $not: fc.record({ $ilike: text }) }),
  )
  .map(one => ({ where: { t: one }, ranked: { t: one } }));

function questions(): fc.Arbitrary<Question> {
  const { question } = fc.letrec<{ question: Question }>(tie => {
    const several = (key: '$and' | '$or') =>
      fc.array(tie('question'), { maxLength: 3 }).map(parts => ({
        where: { [key]: parts.map(part => part.where) },
        ranked: { [key]: parts.map(part => part.ranked) },
      }));
    return {
      question: fc.oneof(
        { maxDepth: 4, withCrossShrink: true },
        ...Object.keys(COLUMNS).map(fieldQuestions),
        textQuestions,
        several('$and'),
        several('$or'),
        tie('question').map(({ where, ranked }) => ({ where: { $not: where }, ranked: { $not: ranked } })),
        fc.tuple(tie('question'), tie('question')).map(([one, other]) => ({
          where: { $and: [one.where], $or: [other.where] },
          ranked: { $and: [one.ranked], $or: [other.ranked] },
        })),
      ),
    };
  });
  return question;
}

test('every filter selects in Postgres the rows that three-valued logic says', async t => {
  const fixture = await databaseWith(t, TABLE);
  if (!fixture) return;
  const { bridge, owner } = fixture;
  await fc.assert(
    fc.asyncProperty(
      fc.array(typedRow(), { minLength: 1, maxLength: 20 }),
      fc.array(questions(), { minLength: 1, maxLength: 25 }),
      async (rows, asked) => {
        const names = Object.keys(COLUMNS);
        await owner.query('truncate data');
        await owner.query({
          text: `insert into data (id, ${names.join(', ')}, t) values ${rows
            .map((row, id) => `(${id}, ${names.map(name => row.sql[name]).join(', ')}, $${id + 1})`)
            .join(', ')}`,
          values: rows.map(row => row.data.t),
        });
        for (const { where, ranked } of asked) {
          const expected = rows.flatMap((row, id) =>
            evaluate(ranked, row.data, folded => folded.toLowerCase()) === true ? [id] : [],
          );
          const { rows: found } = await bridge.query('data', {
            where,
            select: ['id'],
            orderBy: [{ field: 'id' }],
          });
          assert.deepEqual(
            found.map(row => row.id),
            expected,
            JSON.stringify(where),
          );
        }
      },
    ),
    { numRuns: 160 },
  );
});

test('patterns match what is no text by its text, and padded texts without their padding', async t => {
  const fixture = await databaseWith(
    t,
    `${TABLE}; insert into data (id, i, day, u, v, c, j, k, e, tags) values
      (1, 1234, '2024-02-29', 'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11', 'Ada', 'Ada', '{"a":1}', '{"a":1}', 'red', '{x,y}')`,
  );
  if (!fixture) return;
  const { bridge } = fixture;
  const count = (where: unknown) => bridge.count('data', { where });
  for (const where of [
    { i: { $contains: '23' } },
    { day: { $startsWith: '2024' } },
    { u: { $contains: 'EEBC' } },
    { v: { $endsWith: 'DA' } },
    { c: { $endsWith: 'da' } },
    { c: 'Ada' },
    { j: { $contains: '"a"' } },
    { j: '{"a": 1}' },
    { k: '{ "a": 1 }' },
    { k: { $in: ['{"b":1}', '{"a":1}'] } },
    { e: 'red' },
    { e: { $like: 'r%' } },
    { tags: { $contains: 'x' } },
    { v: { $gt: 'Acc' } },
    { v: 'Ada', i: { $gt: 1000, $lt: 2000, $ne: 1500 } },
  ]) {
    assert.equal(await count(where), 1, JSON.stringify(where));
  }
  assert.equal(await count({ v: 'ada' }), 0);
  assert.equal(await count({ v: { $like: 'a%' } }), 0);
  await assert.rejects(count({ e: 'blue' }), /enum/);
  await assert.rejects(count({ i: 'many' }), /invalid input syntax/);
  await assert.rejects(count({ day: 7 }), /date/);
  await assert.rejects(count({ v: 'a\0b' }), /NUL/);
  await assert.rejects(count({ v: { $contains: '\0' } }), /NUL/);
});

test('long lists and long filters are within what Postgres takes', async t => {
  const fixture = await databaseWith(
    t,
    `${TABLE}; insert into data (id, i, t) values (1, 5, 'x'), (2, 6, 'y')`,
  );
  if (!fixture) return;
  const { bridge } = fixture;
  const many = Array.from({ length: 100_000 }, (_, n) => n);
  assert.equal(await bridge.count('data', { where: { i: many } }), 2);
  assert.equal(await bridge.count('data', { where: { i: { $nin: many } } }), 0);
  assert.equal(await bridge.count('data', { where: { $or: many.slice(0, 5_000).map(i => ({ i })) } }), 2);
  await assert.rejects(bridge.count('data', { where: { $or: many.map(i => ({ i })) } }), /100000 values/);
  let deep: object = { i: 5 };
  for (let level = 0; level < 60; level++) deep = level % 2 ? { $or: [{ i: 99 }, deep] } : { $and: [deep] };
  assert.equal(await bridge.count('data', { where: deep }), 1);
});
