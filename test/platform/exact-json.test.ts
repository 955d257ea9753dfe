import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { parseExactJson } from '../../src/platform/exact-json.ts';

test('an integer that no number holds exactly keeps its digits, wherever it stands', () => {
  const text =
    '{"a":9007199254740993,"b":[-9007199254740993, 9223372036854775807],"9007199254740993":{"$gt":1234567890123456789012}}';
  assert.deepEqual(parseExactJson(text), {
    a: '9007199254740993',
    b: ['-9007199254740993', '9223372036854775807'],
    '9007199254740993': { $gt: '1234567890123456789012' },
  });
  assert.equal(parseExactJson(`1${'0'.repeat(400)}`), `1${'0'.repeat(400)}`);
});

test('what a number holds stays one, and strings stay as they are', () => {
  const text =
    '[9007199254740992, 100000000000000000000, 1e300, 0.30000000000000004, -0, "9007199254740993", "\\"9007199254740993", "\\\\", "n 9007199254740993,"]';
  assert.deepEqual(parseExactJson(text), JSON.parse(text));
});

test('is JSON.parse for everything that JSON.stringify writes of safe values', () => {
  fc.assert(
    fc.property(fc.jsonValue(), value => {
      const text = JSON.stringify(value);
      assert.deepEqual(parseExactJson(text), exactly(JSON.parse(text)));
    }),
  );
});

test('every 64-bit integer has the digits it was written with, after the next hop too', () => {
  const digitsOf = (text: string) => String((parseExactJson(text) as [unknown])[0]);
  const check = (value: bigint) => {
    assert.equal(digitsOf(`[${value}]`), String(value));
    assert.equal(digitsOf(JSON.stringify(parseExactJson(`[${value}]`))), String(value));
  };
  fc.assert(fc.property(fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }), check));
  for (let power = 53n; power <= 63n; power++) for (const sign of [1n, -1n]) check(sign * 2n ** power);
});

test('what is no JSON does not become any', () => {
  for (const text of [
    '{9007199254740993:1}',
    '09007199254740993',
    '9007199254740993x',
    '"9007199254740993',
    '',
  ]) {
    assert.throws(() => parseExactJson(text), SyntaxError, text);
  }
});

test('a mebibyte of escapes or digits takes no time', () => {
  for (const text of [JSON.stringify('\\'.repeat(500_000)), `["${'1'.repeat(1_000_000)}"]`]) {
    assert.deepEqual(parseExactJson(text), JSON.parse(text));
  }
});

/** Doubles beyond 2^53 whose shortest spelling is another integer are told by their digits. */
function exactly(value: unknown): unknown {
  if (typeof value === 'number' && Number.isInteger(value) && /^-?\d+$/.test(String(value))) {
    return BigInt(value) === BigInt(String(value)) ? value : String(value);
  }
  if (Array.isArray(value)) return value.map(exactly);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, one]) => [key, exactly(one)]));
}
