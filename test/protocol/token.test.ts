import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { checkChecksum, fingerprintOf, formatSecret, hashSecret } from '../../src/protocol/token.ts';

test('a token of 32 zero bytes is all zeros, padded, with the CRC-32 of what stands before it', () => {
  // CRC-32 of "rk_" and 43 zeros, by an independent implementation, in base 62.
  const token = formatSecret('rk_', new Uint8Array(32));
  assert.equal(token.slice(0, 46), `rk_${'0'.repeat(43)}`);
  assert.equal(token.length, 52);
  assert.equal(token.slice(46), base62(crc32Bitwise(`rk_${'0'.repeat(43)}`)));
});

test('a token of 32 bytes of 255 is the largest 256-bit number in base 62', () => {
  const token = formatSecret('rk_', new Uint8Array(32).fill(255));
  let value = 0n;
  for (const digit of token.slice(3, 46)) value = value * 62n + BigInt(DIGITS.indexOf(digit));
  assert.equal(value, 2n ** 256n - 1n);
});

test('every token has the shape of the contract and a checksum that holds', () => {
  fc.assert(
    fc.property(fc.uint8Array({ minLength: 32, maxLength: 32 }), bytes => {
      const token = formatSecret('rk_', bytes);
      assert.match(token, /^rk_[0-9A-Za-z]{43}[0-9A-Za-z]{6}$/);
      assert.equal(checkChecksum(token), 'ok');
    }),
  );
});

test('one changed character is found; a token of another shape proves nothing', () => {
  const token = formatSecret('rk_', new Uint8Array(32).fill(7));
  for (let at = 3; at < token.length; at++) {
    const other = token[at] === 'A' ? 'B' : 'A';
    assert.equal(checkChecksum(token.slice(0, at) + other + token.slice(at + 1)), 'wrong');
  }
  assert.equal(checkChecksum('rk_live_something-else'), 'unknown');
  assert.equal(checkChecksum(`${token}x`), 'unknown');
});

test('a fingerprint shows four characters and eight hex digits, and of a short secret no character at all', () => {
  const token = formatSecret('rk_', new Uint8Array(32).fill(1));
  assert.equal(fingerprintOf(token), `rk_…${token.slice(-4)}:${hashSecret(token).slice(0, 8)}`);
  assert.equal(fingerprintOf('rk_short'), `rk_…:${hashSecret('rk_short').slice(0, 8)}`);
});

const DIGITS = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz';

/** The definition, bit by bit: independent of zlib's tables. */
function crc32Bitwise(text: string): number {
  let crc = 0xffffffff;
  for (const byte of Buffer.from(text)) {
    crc ^= byte;
    for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >>> 1) ^ 0xedb88320 : crc >>> 1;
  }
  return (crc ^ 0xffffffff) >>> 0;
}

function base62(value: number): string {
  let text = '';
  for (let rest = value; rest > 0; rest = Math.floor(rest / 62)) text = DIGITS[rest % 62] + text;
  return text.padStart(6, '0');
}
