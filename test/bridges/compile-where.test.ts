import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { compileWhere } from '../../src/bridges/compile-where.ts';
import { compile, sqliteDialect } from '../../src/bridges/sqlite/dialect.ts';
import { parseWhere } from '../../src/where/where.ts';
import { type DataRow, evaluate } from './naive-where.ts';
import { databaseWith } from './sqlite/database.ts';

const anyColumn = sqliteDialect(name => ({ name }));

const SCHEMA = 'create table data (id integer primary key, n integer, r real, t text)';

test('every filter selects in SQLite the rows that three-valued logic says', async t => {
  const { writer, bridge } = await databaseWith(t, SCHEMA);
  const insert = writer.prepare('insert into data values (?, ?, ?, ?)');
  await fc.assert(
    fc.asyncProperty(fc.array(rows(), { minLength: 1, maxLength: 12 }), wheres(), async (data, where) => {
      writer.exec('begin; delete from data');
      for (const [id, row] of data.entries()) insert.run([id, row.n, row.r, row.t]);
      writer.exec('commit');
      const expected = [...data.keys()].filter(id => evaluate(where, data[id] as DataRow) === true);
      const { rows: found } = await bridge.query('data', {
        where,
        select: ['id'],
        orderBy: [{ field: 'id' }],
      });
      assert.deepEqual(
        found.map(row => row.id),
        expected,
      );
      assert.equal(await bridge.count('data', { where }), expected.length);
    }),
    { numRuns: 600 },
  );
});

test('values are bound and never written into the statement', () => {
  const canary = `x'; drop table orders; --`;
  for (const where of [
    { a: canary },
    { a: [canary] },
    { a: { $like: canary } },
    { a: { $contains: canary } },
    { a: { $nin: [canary, null] } },
    { $not: { a: { $gte: canary } } },
    { a: `${canary}\0` },
  ]) {
    const { sql, parameters } = compile(compileWhere(parseWhere(where), anyColumn));
    assert.equal(sql.includes('drop'), false, sql);
    assert.ok(parameters.some(value => typeof value === 'string' && value.includes('drop')));
  }
});

test('identifiers are quoted by the dialect, quotes doubled', () => {
  const { sql } = compile(compileWhere(parseWhere({ 'a" or 1=1 --': 1 }), anyColumn));
  assert.equal(sql, '"a"" or 1=1 --" = ?');
});

test('negation reaches the comparisons, and double negation is none', () => {
  const sql = (where: unknown): string => compile(compileWhere(parseWhere(where), anyColumn)).sql;
  assert.equal(sql({ $not: { a: 1, b: 2 } }), 'not ("a" = ?) or not ("b" = ?)');
  assert.equal(sql({ $not: { $not: { a: 1 } } }), '"a" = ?');
  assert.equal(sql({ $not: { $or: [] } }), '1 = 1');
  assert.equal(sql({ $not: {} }), '1 = 0');
});

test('the deepest filter the grammar takes is one that SQLite takes', async t => {
  const { bridge } = await databaseWith(
    t,
    `${SCHEMA}; insert into data values (1, 5, 1.5, 'x'), (2, 6, 2.5, 'y')`,
  );
  const ways: Record<string, (inner: object, level: number) => object> = {
    not: inner => ({ $not: inner }),
    'or, deep part last': inner => ({ $or: [{ n: 99 }, inner] }),
    'and and or in turn': (inner, level) =>
      level % 2
        ? { $and: [{ n: { $gt: 0 } }, { r: { $gt: 0 } }, inner] }
        : { $or: [{ n: 98 }, { n: 99 }, inner] },
    'two deep parts': inner => ({ $or: [nested(20, one => ({ $and: [{ n: 97 }, one] }), { n: 97 }), inner] }),
  };
  for (const [name, way] of Object.entries(ways)) {
    const levels = name === 'two deep parts' ? 40 : 64;
    assert.equal(await bridge.count('data', { where: nested(levels, way, { n: 5 }) }), 1, name);
  }
});

test('a filter of thousands of parts, or a list of thousands of values, is within what SQLite takes', async t => {
  const { bridge } = await databaseWith(
    t,
    `${SCHEMA}; insert into data values (1, 5, 1.5, 'x'), (2, 6, 2.5, 'y')`,
  );
  const many = Array.from({ length: 5_000 }, (_, n) => n);
  assert.equal(await bridge.count('data', { where: { $or: many.map(n => ({ n })) } }), 2);
  assert.equal(await bridge.count('data', { where: { $and: many.map(n => ({ r: { $ne: n } })) } }), 2);
  assert.equal(await bridge.count('data', { where: { n: { $in: many } } }), 2);
  // Past SQLite's limit of bound values: an error of the question's, and the bridge goes on.
  await assert.rejects(bridge.count('data', { where: { n: Array(40_000).fill(1) } }), /too many/i);
  assert.equal(await bridge.count('data', {}), 2);
});

test('a pattern with a NUL is refused, for SQLite would end it there', async t => {
  const { bridge } = await databaseWith(t, SCHEMA);
  for (const op of ['$like', '$ilike', '$contains', '$startsWith', '$endsWith']) {
    await assert.rejects(bridge.count('data', { where: { t: { [op]: 'a\0b' } } }), /NUL/);
  }
});

function nested(levels: number, way: (inner: object, level: number) => object, core: object): object {
  let where = core;
  for (let level = 0; level < levels; level++) where = way(where, level);
  return where;
}

/** Few letters, so that comparisons meet; every character that means something to LIKE, GLOB or the escape. */
const text = (): fc.Arbitrary<string> =>
  fc.string({
    unit: fc.constantFrom('a', 'A', 'b', 'é', 'É', '%', '_', '\\', '*', '?', '[', ']', '-', '^', "'", '😀'),
    maxLength: 5,
  });
const integer = (): fc.Arbitrary<number> => fc.integer({ min: -3, max: 3 });
const real = (): fc.Arbitrary<number> => fc.constantFrom(-1.5, -0.25, 0.25, 1.5, 2.75);

function rows(): fc.Arbitrary<DataRow> {
  return fc.record({ n: fc.option(integer()), r: fc.option(real()), t: fc.option(text()) });
}

function wheres(): fc.Arbitrary<Record<string, unknown>> {
  const field = (
    name: string,
    value: fc.Arbitrary<unknown>,
    patterns: boolean,
  ): fc.Arbitrary<Record<string, unknown>> => {
    const comparisons = ['$gt', '$gte', '$lt', '$lte'].map(op => fc.record({ [op]: value }));
    const list = fc.array(fc.option(value, { freq: 6 }), { maxLength: 4 });
    const operators = fc.oneof(
      ...comparisons,
      fc.record({ $eq: fc.option(value) }),
      fc.record({ $ne: fc.option(value) }),
      fc.record({ $in: list }),
      fc.record({ $nin: list }),
      fc.record({ $exists: fc.boolean() }),
      fc.record({ $gte: value, $lt: value }),
      ...(patterns
        ? ['$like', '$ilike', '$contains', '$startsWith', '$endsWith'].map(op => fc.record({ [op]: value }))
        : []),
    );
    const negated = operators.map(inner => ({ $not: inner }));
    return fc
      .oneof(fc.option(value), list, operators, operators, negated)
      .map(operand => ({ [name]: operand }));
  };
  const { where } = fc.letrec<{ where: Record<string, unknown> }>(tie => ({
    where: fc.oneof(
      { maxDepth: 4, withCrossShrink: true },
      field('t', text(), true),
      field('n', integer(), false),
      field('r', real(), false),
      fc.tuple(field('n', integer(), false), field('t', text(), true)).map(([a, b]) => ({ ...a, ...b })),
      fc.record({ $and: fc.array(tie('where'), { maxLength: 3 }) }),
      fc.record({ $or: fc.array(tie('where'), { maxLength: 3 }) }),
      fc.record({ $not: tie('where') }),
    ),
  }));
  return where;
}
