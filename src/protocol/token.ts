/** Tokens and keys: shape, checksum, hash and the fingerprint people compare. */
import { hash } from 'node:crypto';
import { crc32 } from 'node:zlib';

const ALPHABET = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz';
const SECRET_LENGTH = 43;
const CHECKSUM_LENGTH = 6;

/** Random bytes in a token: 256 bits. */
export const TOKEN_SECRET_BYTES = 32;

export type SecretPrefix = 'rk_' | 'sk_';

/** Builds a token from 32 random bytes: prefix, 43 base62 characters, 6 of CRC-32 over all before. */
export function formatSecret(prefix: SecretPrefix, random: Uint8Array): string {
  const body = prefix + base62(BigInt(`0x${Buffer.from(random).toString('hex')}`), SECRET_LENGTH);
  return body + checksumOf(body);
}

/**
 * What a token's checksum says: `ok`, `wrong`, or `unknown` for a token of another shape
 * (the hosted service's may have one), which proves nothing.
 */
export function checkChecksum(token: string): 'ok' | 'wrong' | 'unknown' {
  if (!/^rk_[0-9A-Za-z]{49}$/.test(token)) return 'unknown';
  const body = token.slice(0, -CHECKSUM_LENGTH);
  return checksumOf(body) === token.slice(-CHECKSUM_LENGTH) ? 'ok' : 'wrong';
}

/** SHA-256 of a token or key, lower-case hex: the only form that is ever stored. */
export function hashSecret(secret: string): string {
  return hash('sha256', secret, 'hex');
}

/** `rk_…AbCd:1a2b3c4d`: last four characters and first eight hex digits of the hash, safe to print anywhere. */
export function fingerprintOf(secret: string): string {
  const prefix = /^[a-z]{2}_/.exec(secret)?.[0] ?? '';
  const tail = secret.length >= prefix.length + 16 ? secret.slice(-4) : '';
  return `${prefix}…${tail}:${hashSecret(secret).slice(0, 8)}`;
}

function checksumOf(body: string): string {
  return base62(BigInt(crc32(body)), CHECKSUM_LENGTH);
}

function base62(value: bigint, length: number): string {
  let text = '';
  for (let rest = value; rest > 0n; rest /= 62n) text = ALPHABET[Number(rest % 62n)] + text;
  return text.padStart(length, '0');
}
