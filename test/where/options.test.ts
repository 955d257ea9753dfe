import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  parseBatchReadOptions,
  parseCountOptions,
  parseQueryOptions,
  parseReadOptions,
} from '../../src/where/options.ts';

test('no options ask for everything, whether they are empty or missing', () => {
  const everything = { kind: 'and', of: [] };
  for (const none of [{}, undefined, { select: '*' }]) {
    assert.deepEqual(parseQueryOptions(none), {
      where: everything,
      orderBy: [],
      select: undefined,
      limit: undefined,
      offset: undefined,
    });
    assert.deepEqual(parseCountOptions(none), everything);
    assert.deepEqual(parseReadOptions(none), {
      limit: undefined,
      cursor: undefined,
      fields: undefined,
      changedSince: undefined,
      changeTrackingColumn: undefined,
    });
  }
});

test('keys of other versions are ignored', () => {
  assert.equal(parseQueryOptions({ limit: 3, consistency: 'strong', deadlineMs: 5 }).limit, 3);
  assert.equal('offset' in parseBatchReadOptions({ offset: 'no matter' }), false);
});

test('limit and offset are whole numbers of 0 or more', () => {
  assert.equal(parseQueryOptions({ limit: 0, offset: 0 }).limit, 0);
  assert.equal(parseQueryOptions({ offset: Number.MAX_SAFE_INTEGER }).offset, Number.MAX_SAFE_INTEGER);
  for (const wrong of [-1, 1.5, Number.NaN, Number.POSITIVE_INFINITY, 2 ** 53, '10', null, true, [1], {}]) {
    assert.throws(() => parseQueryOptions({ limit: wrong }), invalid('limit'));
    assert.throws(() => parseQueryOptions({ offset: wrong }), invalid('offset'));
    assert.throws(() => parseReadOptions({ limit: wrong }), invalid('limit'));
  }
});

test('orderBy is a list of fields with a direction, ascending unless said otherwise', () => {
  assert.deepEqual(parseQueryOptions({ orderBy: [{ field: 'a' }, { field: 'b', dir: 'desc' }] }).orderBy, [
    { field: 'a', dir: 'asc' },
    { field: 'b', dir: 'desc' },
  ]);
  assert.deepEqual(parseQueryOptions({ orderBy: { field: 'a', dir: 'desc' } }).orderBy, [
    { field: 'a', dir: 'desc' },
  ]);
  for (const wrong of [
    'a',
    null,
    {},
    { a: 'asc' },
    { field: 'a', dir: 'up' },
    ['a'],
    [null],
    [{}],
    [{ field: 1 }],
    [{ field: '' }],
    [{ field: 'a', dir: 'DESC' }],
    [{ field: 'a', dir: 'asc; drop table orders' }],
    [{ field: 'a', dir: null }],
  ]) {
    assert.throws(() => parseQueryOptions({ orderBy: wrong }), invalid('orderBy'));
  }
});

test('select and fields are lists of names that are not empty; a name given twice is selected once', () => {
  assert.deepEqual(parseQueryOptions({ select: ['b', 'a', 'b'] }).select, ['b', 'a']);
  assert.deepEqual(parseReadOptions({ fields: ['__proto__'] }).fields, ['__proto__']);
  for (const wrong of ['a', [], [1], [null], [''], ['a\0'], ['x'.repeat(1_025)], { 0: 'a' }]) {
    assert.throws(() => parseQueryOptions({ select: wrong }), invalid('select'));
    assert.throws(() => parseReadOptions({ fields: wrong }), invalid('fields'));
  }
});

test('changedSince needs the column that tells when a row changed', () => {
  assert.equal(parseReadOptions({ changedSince: 5, changeTrackingColumn: 'seq' }).changedSince, 5);
  assert.throws(() => parseReadOptions({ changedSince: '2026-01-01' }), invalid('changeTrackingColumn'));
  assert.throws(
    () => parseReadOptions({ changedSince: {}, changeTrackingColumn: 'a' }),
    invalid('changedSince'),
  );
  assert.throws(() => parseReadOptions({ changeTrackingColumn: 1 }), invalid('changeTrackingColumn'));
  assert.throws(() => parseReadOptions({ cursor: 1 }), invalid('cursor'));
});

test('options that are no object are invalid, whatever the question', () => {
  for (const parse of [parseQueryOptions, parseBatchReadOptions, parseCountOptions, parseReadOptions]) {
    for (const wrong of [null, 'x', 1, []]) assert.throws(() => parse(wrong), invalid('options'));
  }
});

test('the filter inside options is checked with them', () => {
  assert.throws(() => parseQueryOptions({ where: { a: {} } }), invalid('where.a'));
  assert.throws(() => parseCountOptions({ where: { a: { $near: 1 } } }), {
    kind: 'unsupported_operator',
    op: '$near',
  });
});

function invalid(mention: string): object {
  return { name: 'WhereError', kind: 'invalid', message: new RegExp(mention) };
}
