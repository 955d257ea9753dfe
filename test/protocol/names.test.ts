import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isUuid, nameProblem } from '../../src/protocol/names.ts';

test('names of 1 to 63 lower-case letters, digits and inner hyphens are taken', () => {
  for (const name of ['a', '0', 'edge-1', 'a--b', 'x'.repeat(63)])
    assert.equal(nameProblem(name), undefined, name);
});

test('capitals, spaces, paths, outer hyphens, 64 characters, control characters and emoji are not', () => {
  for (const name of [
    '',
    'Edge',
    'a b',
    '../x',
    'a/b',
    '-a',
    'a-',
    'x'.repeat(64),
    'a\n',
    'a\0',
    'ä',
    '😀',
    'a.b',
    'a_b',
  ]) {
    assert.notEqual(nameProblem(name), undefined, JSON.stringify(name));
  }
});

test('a name in the form of a UUID is refused, in any letter case', () => {
  const uuid = '7b0c6a3e-2f4d-4c53-9d39-5a2f0f6f3c11';
  assert.match(nameProblem(uuid) ?? '', /UUID/);
  assert.ok(isUuid(uuid.toUpperCase()));
});
