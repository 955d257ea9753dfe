import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseAggregate } from '../../src/aggregate/parse-aggregate.ts';
import { WhereError } from '../../src/where/where.ts';

const parse = (options: Record<string, unknown>) => parseAggregate({ target: 'orders', ...options });

test('a target alone asks for how many rows it has', () => {
  assert.deepEqual(parse({}), {
    target: 'orders',
    where: { kind: 'and', of: [] },
    ids: undefined,
    dimensions: [],
    measures: [],
    having: { kind: 'and', of: [] },
    sort: [],
    limit: undefined,
    changeTrackingColumn: undefined,
    joins: [],
    sample: undefined,
  });
});

test('every form of a dimension, measure, join and order is read', () => {
  const plan = parse({
    candidatesWhere: { status: 'new' },
    dimensions: [
      { field: 'status' },
      { field: 'placed_at', bucket: 'week', as: 'week' },
      { field: 'total', bucket: { type: 'numeric', step: 0.5 } },
      { field: 'total', bucket: { type: 'numeric', breaks: [-1, 0, 10] }, as: 'size' },
      { field: 'city', from: 'c' },
      { field: 'place', bucket: { type: 'geohash', precision: 5, latField: 'lat', lngField: 'lng' } },
    ],
    measures: {
      orders: { agg: 'count' },
      paid: { agg: 'count', column: 'paid_at', accuracy: 'exact', where: { status: 'paid' } },
      p95: { agg: 'percentile', column: 'total', p: 0.95, accuracy: 'fast' },
      top: { agg: 'top_k', column: 'sku', k: 3 },
      latest: { agg: 'last', column: 'status' },
      speed: { agg: 'rate' },
    },
    having: { p95: { $gt: 3 }, $or: [{ count: 1 }, { latest: null }] },
    sort: [{ key: 'week' }, { key: 'p95', dir: 'desc' }, { key: 'count', dir: 'asc' }],
    limit: 0,
    ids: ['1', 2],
    joins: [{ target: 'customers', alias: 'c', kind: 'left', on: { local: 'customer_id', foreign: 'id' } }],
    changeTrackingColumn: 'placed_at',
    sample: 0.5,
  });
  assert.deepEqual(plan.where, { kind: 'compare', field: 'status', op: '$eq', value: 'new' });
  assert.deepEqual(
    plan.dimensions.map(({ name, field, join, bucket }) => [name, field, join, bucket]),
    [
      ['status', 'status', undefined, undefined],
      ['week', 'placed_at', undefined, { kind: 'time', unit: 'week' }],
      ['total', 'total', undefined, { kind: 'step', step: 0.5 }],
      ['size', 'total', undefined, { kind: 'breaks', breaks: [-1, 0, 10] }],
      ['city', 'city', 0, undefined],
      ['place', 'place', undefined, { kind: 'elsewhere', op: 'geohash' }],
    ],
  );
  const paid = { kind: 'compare', field: 'status', op: '$eq', value: 'paid' };
  assert.deepEqual(plan.measures, [
    { key: 'orders', where: undefined, agg: 'count', column: undefined },
    { key: 'paid', where: paid, agg: 'count', column: 'paid_at' },
    { key: 'p95', where: undefined, agg: 'percentile', column: 'total', p: 0.95 },
    { key: 'top', where: undefined, agg: 'top_k', column: 'sku', k: 3 },
    { key: 'latest', where: undefined, agg: 'last', column: 'status' },
    { key: 'speed', where: undefined, agg: 'rate', column: undefined },
  ]);
  assert.deepEqual(plan.sort, [
    { dir: 'asc', by: 'dimension', index: 1 },
    { dir: 'desc', by: 'measure', index: 2 },
    { dir: 'asc', by: 'count' },
  ]);
  assert.deepEqual(
    [plan.limit, plan.ids, plan.changeTrackingColumn, plan.sample],
    [0, ['1', 2], 'placed_at', 0.5],
  );
  assert.deepEqual(plan.joins, [{ target: 'customers', alias: 'c', local: 'customer_id', foreign: 'id' }]);
});

test('where is another name of candidatesWhere, and both are one too many', () => {
  assert.deepEqual(parse({ where: { a: 1 } }).where, parse({ candidatesWhere: { a: 1 } }).where);
  assert.throws(() => parse({ where: {}, candidatesWhere: {} }), invalid(/candidatesWhere and where/));
});

test('a measure or dimension called count is what having and sort mean by it', () => {
  const measures = { count: { agg: 'sum', column: 'a' } };
  assert.deepEqual(parse({ measures, sort: [{ key: 'count' }] }).sort, [
    { dir: 'asc', by: 'measure', index: 0 },
  ]);
  assert.deepEqual(parse({ dimensions: [{ field: 'count' }], sort: [{ key: 'count' }] }).sort, [
    { dir: 'asc', by: 'dimension', index: 0 },
  ]);
});

test('names of JavaScript are names like any other', () => {
  const options = JSON.parse(
    '{"dimensions":[{"field":"a","as":"__proto__"}],"measures":{"__proto__":{"agg":"count"},"constructor":{"agg":"count"}},"having":{"constructor":1,"__proto__":2}}',
  );
  const plan = parse(options);
  assert.equal(plan.dimensions[0]?.name, '__proto__');
  assert.deepEqual(
    plan.measures.map(({ key }) => key),
    ['__proto__', 'constructor'],
  );
  assert.throws(() => parse({ having: { toString: 1 } }), invalid(/having names "toString"/));
  assert.throws(() => parse({ sort: [{ key: 'toString' }] }), invalid(/sort\[0\]\.key is "toString"/));
});

test('what is wrong is refused by its place', () => {
  const measure = (given: unknown) => ({ measures: { m: given } });
  const dimension = (given: unknown) => ({ dimensions: [{ field: 'a' }, given] });
  const bucket = (given: unknown) => dimension({ field: 'b', bucket: given });
  const join = (given: object) => ({
    joins: [{ target: 't', alias: 'j', on: { local: 'a', foreign: 'b' }, ...given }],
  });
  const cases: [Record<string, unknown>, RegExp][] = [
    [{ target: '' }, /^target/],
    [{ target: 1 }, /^target is not a string/],
    [{ dimensions: {} }, /^dimensions is not an array/],
    [{ dimensions: Array(33).fill({ field: 'a' }) }, /^dimensions has more than 32/],
    [dimension(null), /^dimensions\[1\] is not an object/],
    [dimension({}), /^dimensions\[1\]\.field is not a string/],
    [dimension({ field: 'a' }), /^dimensions\[1\] has the name "a" of another/],
    [dimension({ field: 'b', as: 1 }), /^dimensions\[1\]\.as is not a string/],
    [dimension({ field: 'b', from: 'x' }), /^dimensions\[1\]\.from is "x"/],
    [bucket(5), /^dimensions\[1\]\.bucket is not an object/],
    [bucket({ type: 'numeric' }), /bucket needs either step or breaks/],
    [bucket({ type: 'numeric', step: 1, breaks: [1] }), /bucket needs either step or breaks/],
    [bucket({ type: 'numeric', step: 0 }), /bucket\.step is not above 0/],
    [bucket({ type: 'numeric', step: '1' }), /bucket\.step is not a number/],
    [bucket({ type: 'numeric', breaks: [] }), /bucket\.breaks is empty/],
    [bucket({ type: 'numeric', breaks: [1, 1] }), /bucket\.breaks does not ascend/],
    [bucket({ type: 'numeric', breaks: [1, Number.NaN] }), /bucket\.breaks\[1\] is not a number/],
    [{ measures: [] }, /^measures is not an object/],
    [measure(1), /^measures\["m"\] is not an object/],
    [measure({}), /^measures\["m"\]\.agg is not a string/],
    [measure({ agg: 'sum' }), /^measures\["m"\] lacks the column that sum is of/],
    [measure({ agg: 'sum', column: 1 }), /^measures\["m"\]\.column is not a string/],
    [measure({ agg: 'count', accuracy: 'some' }), /accuracy is neither fast nor exact/],
    [measure({ agg: 'percentile', column: 'a' }), /\.p is not a number/],
    [measure({ agg: 'percentile', column: 'a', p: 95 }), /\.p is not between 0 and 1/],
    [measure({ agg: 'percentile', column: 'a', p: 1 }), /\.p is not between 0 and 1/],
    [measure({ agg: 'top_k', column: 'a' }), /\.k is not a whole number of 1 to 10000/],
    [measure({ agg: 'top_k', column: 'a', k: 0 }), /\.k is not a whole number/],
    [measure({ agg: 'first', column: 'a' }), /^measures\["m"\] needs changeTrackingColumn/],
    [measure({ agg: 'count', where: 1 }), /^measures\["m"\]\.where is not an object/],
    [measure({ agg: 'count', where: { a: {} } }), /^measures\["m"\]\.where\.a is an empty object/],
    [{ having: { x: 1 } }, /^having names "x", which is the key of no measure/],
    [{ ...measure({ agg: 'top_k', column: 'a', k: 1 }), having: { m: 1 } }, /^having names "m", and a top_k/],
    [{ ...measure({ agg: 'top_k', column: 'a', k: 1 }), sort: [{ key: 'm' }] }, /^sort\[0\]\.key .* a top_k/],
    [{ sort: [{ key: 'x' }] }, /^sort\[0\]\.key is "x", which is neither/],
    [{ sort: [{ key: 'count', dir: 'down' }] }, /^sort\[0\]\.dir is neither/],
    [
      { ...dimension({ field: 'm' }), ...measure({ agg: 'count' }), sort: [{ key: 'm' }] },
      /dimension and a measure/,
    ],
    [{ limit: -1 }, /^limit is not a whole number of 0 or more/],
    [{ ids: [null] }, /^ids\[0\] is neither a string nor a number/],
    [{ changeTrackingColumn: 1 }, /^changeTrackingColumn is not a string/],
    [{ sample: 0 }, /^sample is not above 0/],
    [{ sample: 1.5 }, /^sample is not above 0/],
    [join({ alias: 'a b' }), /^joins\[0\]\.alias is not a plain name/],
    [join({ on: { local: 'a' } }), /^joins\[0\]\.on\.foreign is not a string/],
    [
      { joins: [...(join({}).joins as object[]), ...(join({}).joins as object[])] },
      /^joins\[1\]\.alias is the alias/,
    ],
  ];
  for (const [options, message] of cases)
    assert.throws(() => parse(options), invalid(message), String(message));
});

test('what nobody has is an unsupported operator, by its name', () => {
  const cases: [Record<string, unknown>, string][] = [
    [{ measures: { m: { agg: 'median', column: 'a' } } }, 'median'],
    [{ dimensions: [{ field: 'a', bucket: 'decade' }] }, 'decade'],
    [{ dimensions: [{ field: 'a', bucket: { type: 's2' } }] }, 's2'],
    [{ joins: [{ target: 't', alias: 'j', kind: 'inner', on: { local: 'a', foreign: 'b' } }] }, 'inner'],
    [{ where: { a: { $near: 1 } } }, '$near'],
    [{ measures: { m: { agg: 'count', where: { a: { $regex: 'x' } } } } }, '$regex'],
    [{ having: { $nor: [] } }, '$nor'],
  ];
  for (const [options, op] of cases) {
    assert.throws(
      () => parse(options),
      (error: unknown) =>
        error instanceof WhereError && error.kind === 'unsupported_operator' && error.op === op,
    );
  }
});

test('a sample of everything is no sample', () => {
  assert.equal(parse({ sample: 1 }).sample, undefined);
});

function invalid(message: RegExp) {
  return (error: unknown): boolean => {
    assert.ok(error instanceof WhereError);
    assert.equal(error.kind, 'invalid', error.message);
    assert.match(error.message, message);
    return true;
  };
}
