/** What is refused, by which error, and that nothing a caller writes becomes a command. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { totalOf } from './shape.ts';
import type { Suite } from './suite.ts';
import { TABLES } from './tables.ts';

const { people } = TABLES;
const INJECTIONS = [
  `id; drop table ${people.name}; --`,
  `id" or 1=1; drop table ${people.name}; --`,
  `id\` or 1=1; drop table ${people.name}; --`,
  `id' or '1'='1`,
  '__proto__',
  '',
];

export function describeErrors(suite: Suite): void {
  test('an unknown target or column is an error that names it', async () => {
    const { bridge } = suite;
    for (const ask of [
      () => bridge.query('conformance_nowhere', {}),
      () => bridge.read('conformance_nowhere', {}),
      () => bridge.count('conformance_nowhere', {}),
      () => bridge.introspectTarget('conformance_nowhere'),
    ]) {
      await assert.rejects(ask, /conformance_nowhere/);
    }
    for (const ask of [
      () => bridge.query(people.name, { where: { wrong_column: 1 } }),
      () => bridge.query(people.name, { where: { $or: [{ $not: { wrong_column: null } }] } }),
      () => bridge.query(people.name, { orderBy: [{ field: 'wrong_column' }] }),
      () => bridge.query(people.name, { select: ['id', 'wrong_column'] }),
      () => bridge.count(people.name, { where: { wrong_column: 1 } }),
      () => bridge.read(people.name, { fields: ['wrong_column'] }),
    ]) {
      await assert.rejects(ask, /wrong_column/);
    }
  });

  test('an operator it does not have is an UnsupportedOperatorError, and no other operator is used for it', async () => {
    const { bridge } = suite;
    for (const op of ['$regex', '$near', '$toString', '$__proto__', ...suite.without]) {
      const where =
        op === '$and' || op === '$or' ? { [op]: [] } : op === '$not' ? { [op]: {} } : { name: { [op]: 'x' } };
      for (const ask of [
        () => bridge.query(people.name, { where }),
        () => bridge.count(people.name, { where }),
        () => bridge.batchRead(people.name, { where }),
      ]) {
        await assert.rejects(ask, (error: Error & Record<string, unknown>) => {
          assert.equal(error.name, 'UnsupportedOperatorError', `${op}: ${error.message}`);
          assert.deepEqual([error.op, error.target], [op, people.name]);
          assert.equal(typeof error.bridge, 'string');
          return true;
        });
      }
    }
  });

  test('an operand of the wrong type is an error, never another question', async () => {
    const { bridge } = suite;
    const wrong = [
      { age: { $in: 1 } },
      { name: { $contains: 1 } },
      { age: { $exists: 'yes' } },
      { age: {} },
      { age: { $gt: {} } },
      { age: { $gt: [1] } },
      { $and: {} },
      { $or: 'x' },
      { $not: [] },
    ].filter(where => !Object.keys(where).some(op => suite.without.includes(op)));
    for (const where of wrong) {
      await assert.rejects(
        async () => await bridge.count(people.name, { where }),
        Error,
        JSON.stringify(where),
      );
    }
  });

  test('what a caller writes is a name or a value, never a command', async () => {
    const { bridge } = suite;
    for (const text of INJECTIONS) {
      await assert.rejects(async () => await bridge.query(text, {}), Error, text);
      await assert.rejects(async () => await bridge.query(people.name, { select: [text] }), Error, text);
      await assert.rejects(
        async () => await bridge.query(people.name, { orderBy: [{ field: text }] }),
        Error,
        text,
      );
      const where = Object.fromEntries([[text, 1]]);
      await assert.rejects(async () => await bridge.count(people.name, { where }), Error, text);
      assert.equal(totalOf(await bridge.count(people.name, { where: { name: text } })), 0);
    }
    assert.equal(totalOf(await bridge.count(people.name, {})), people.rows.length);
  });
}
