import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { type Condition, parseWhere, WhereError } from '../../src/where/where.ts';

const EVERYTHING: Condition = { kind: 'and', of: [] };
const NOTHING: Condition = { kind: 'or', of: [] };

test('no filter, an empty one and an empty $and are everything; an empty $or is nothing', () => {
  assert.deepEqual(parseWhere(undefined), EVERYTHING);
  assert.deepEqual(parseWhere({}), EVERYTHING);
  assert.deepEqual(parseWhere({ $and: [] }), EVERYTHING);
  assert.deepEqual(parseWhere({ $or: [] }), NOTHING);
});

test('a bare value is equality, null is IS NULL, an array is $in', () => {
  for (const value of ['shipped', '', 0, -1.5, true, false]) {
    assert.deepEqual(parseWhere({ f: value }), { kind: 'compare', field: 'f', op: '$eq', value });
  }
  assert.deepEqual(parseWhere({ f: null }), { kind: 'null', field: 'f', negated: false });
  assert.deepEqual(parseWhere({ f: [1, null] }), {
    kind: 'in',
    field: 'f',
    negated: false,
    values: [1, null],
  });
});

test('every comparison takes every scalar; only $eq and $ne take null, as IS NULL and IS NOT NULL', () => {
  for (const op of ['$eq', '$ne', '$gt', '$gte', '$lt', '$lte'] as const) {
    for (const value of ['x', 1, true]) {
      assert.deepEqual(parseWhere({ f: { [op]: value } }), { kind: 'compare', field: 'f', op, value });
    }
  }
  assert.deepEqual(parseWhere({ f: { $eq: null } }), { kind: 'null', field: 'f', negated: false });
  assert.deepEqual(parseWhere({ f: { $ne: null } }), { kind: 'null', field: 'f', negated: true });
  for (const op of ['$gt', '$gte', '$lt', '$lte']) assertInvalid({ f: { [op]: null } }, `where.f.${op}`);
});

test('$in and $nin take arrays of scalars and nulls, empty ones too', () => {
  assert.deepEqual(parseWhere({ f: { $in: [] } }), { kind: 'in', field: 'f', negated: false, values: [] });
  assert.deepEqual(parseWhere({ f: { $nin: ['a', null] } }), {
    kind: 'in',
    field: 'f',
    negated: true,
    values: ['a', null],
  });
  for (const operand of ['a', 1, null, {}, { length: 0 }])
    assertInvalid({ f: { $in: operand } }, 'where.f.$in');
  assertInvalid({ f: { $nin: [1, [2]] } }, 'where.f.$nin[1]');
  assertInvalid({ f: [{}] }, 'where.f[0]');
});

test('patterns take strings, $exists takes a boolean', () => {
  for (const op of ['$like', '$ilike', '$contains', '$startsWith', '$endsWith'] as const) {
    assert.deepEqual(parseWhere({ f: { [op]: '%x' } }), { kind: 'pattern', field: 'f', op, text: '%x' });
    for (const operand of [1, true, null, ['x'], {}])
      assertInvalid({ f: { [op]: operand } }, `where.f.${op}`);
  }
  assert.deepEqual(parseWhere({ f: { $exists: true } }), { kind: 'null', field: 'f', negated: true });
  assert.deepEqual(parseWhere({ f: { $exists: false } }), { kind: 'null', field: 'f', negated: false });
  for (const operand of [1, 'true', null]) assertInvalid({ f: { $exists: operand } }, 'where.f.$exists');
});

test('several keys and several operators mean AND', () => {
  assert.deepEqual(parseWhere({ a: 1, b: { $gt: 2, $lt: 3 } }), {
    kind: 'and',
    of: [
      { kind: 'compare', field: 'a', op: '$eq', value: 1 },
      {
        kind: 'and',
        of: [
          { kind: 'compare', field: 'b', op: '$gt', value: 2 },
          { kind: 'compare', field: 'b', op: '$lt', value: 3 },
        ],
      },
    ],
  });
});

test('$and, $or and $not nest, and $not stands on a field too', () => {
  const is = (value: number): Condition => ({ kind: 'compare', field: 'a', op: '$eq', value });
  assert.deepEqual(parseWhere({ $or: [{ a: 1 }, { $and: [{ a: 2 }, { $not: { a: 3 } }] }] }), {
    kind: 'or',
    of: [is(1), { kind: 'and', of: [is(2), { kind: 'not', of: is(3) }] }],
  });
  assert.deepEqual(parseWhere({ a: { $not: { $eq: 1 } } }), { kind: 'not', of: is(1) });
  for (const operand of [{}, { a: 1 }, null, 'x']) {
    assertInvalid({ $or: operand }, 'where.$or');
    assertInvalid({ $and: operand }, 'where.$and');
  }
  assertInvalid({ $not: [{ a: 1 }] }, 'where.$not');
  assertInvalid({ a: { $not: 1 } }, 'where.a.$not');
  assertInvalid({ $or: [{ a: 1 }, null] }, 'where.$or[1]');
});

test('an operator nobody has is told apart from an operand it cannot take, at any depth', () => {
  for (const [where, op] of [
    [{ f: { $regex: 'x' } }, '$regex'],
    [{ $nor: [] }, '$nor'],
    [{ $where: '1=1' }, '$where'],
    [{ f: { $gt: 1, $near: 2 } }, '$near'],
    [{ $or: [{ $not: { f: { gt: 1 } } }] }, 'gt'],
    [{ f: { $EQ: 1 } }, '$EQ'],
    [{ f: { __proto__x: 1 } }, '__proto__x'],
    [{ $: 1 }, '$'],
  ] as const) {
    assert.throws(
      () => parseWhere(where),
      (error: unknown) =>
        error instanceof WhereError &&
        error.kind === 'unsupported_operator' &&
        error.op === op &&
        error.message.includes(op),
      op,
    );
  }
});

test('an empty operator object, and what is no JSON scalar, is invalid', () => {
  assertInvalid({ f: {} }, 'where.f');
  for (const value of [Number.NaN, Number.POSITIVE_INFINITY, undefined, 1n, Symbol('x'), () => 1]) {
    assertInvalid({ f: value }, 'where.f');
    assertInvalid({ f: { $gt: value } }, 'where.f.$gt');
  }
  for (const where of [null, [], 'a', 1, true]) assertInvalid(where, 'where');
});

test('an error names the place, and never the value', () => {
  const error = caught({ customer: { card: { $gt: ['4111-1111'] } } });
  assert.equal(error.message.includes('4111'), false);
  assert.equal(caught({ a: { [`$${'x'.repeat(5_000)}`]: 1 } }).message.length < 300, true);
});

test('nesting ends at 64, by whichever way it goes down', () => {
  const ways: ((inner: object) => object)[] = [
    inner => ({ $not: inner }),
    inner => ({ $and: [inner] }),
    inner => ({ $or: [{ a: 1 }, inner] }),
  ];
  for (const way of ways) {
    assert.doesNotThrow(() => parseWhere(nested(64, way, { a: 1 })));
    assertInvalid(nested(65, way, { a: 1 }), '64');
    // Far deeper than the stack would bear.
    assertInvalid(nested(200_000, way, { a: 1 }), '64');
  }
  assertInvalid({ a: nested(200_000, inner => ({ $not: inner }), { $eq: 1 }) }, '64');
});

test('names of the language are plain fields, and change no prototype', () => {
  const where = JSON.parse('{"__proto__":1,"constructor":{"$gt":2},"hasOwnProperty":null}') as unknown;
  assert.deepEqual(parseWhere(where), {
    kind: 'and',
    of: [
      { kind: 'compare', field: '__proto__', op: '$eq', value: 1 },
      { kind: 'compare', field: 'constructor', op: '$gt', value: 2 },
      { kind: 'null', field: 'hasOwnProperty', negated: false },
    ],
  });
  const operator = JSON.parse('{"a":{"__proto__":{"$eq":1}}}') as unknown;
  assert.throws(() => parseWhere(operator), { kind: 'unsupported_operator', op: '__proto__' });
  assert.equal('$eq' in {}, false);
});

test('a field name is not empty, holds no NUL and has at most 1,024 characters', () => {
  assertInvalid({ '': 1 }, 'field name');
  assertInvalid({ 'a\0b': 1 }, 'field name');
  assertInvalid({ ['x'.repeat(1_025)]: 1 }, 'field name');
  assert.doesNotThrow(() => parseWhere({ ['x'.repeat(1_024)]: 1, '"; drop table orders; --': 1, '🜁': 1 }));
});

test('whatever JSON comes in, a filter or a WhereError comes out', () => {
  fc.assert(
    fc.property(fc.jsonValue({ maxDepth: 6 }), input => {
      try {
        assert.equal(typeof parseWhere(input).kind, 'string');
      } catch (error) {
        assert.equal(error instanceof WhereError, true);
      }
    }),
  );
});

function nested(levels: number, way: (inner: object) => object, core: object): object {
  let where = core;
  for (let level = 0; level < levels; level++) where = way(where);
  return where;
}

function caught(where: unknown): WhereError {
  try {
    parseWhere(where);
  } catch (error) {
    assert.ok(error instanceof WhereError);
    return error;
  }
  assert.fail('the filter was taken');
}

function assertInvalid(where: unknown, mention: string): void {
  const error = caught(where);
  assert.equal(error.kind, 'invalid', error.message);
  assert.ok(error.message.includes(mention), `"${error.message}" does not name ${mention}`);
}
