/** Cursors of `read`: where the page before ended, in a form that says which kind it is. */
import type { SqliteValue } from '../../platform/sqlite.ts';

/** Key values as `selected` gives them: text as bytes, binary as hexadecimal. */
export type Position = { after: SqliteValue[] } | { offset: number };

/** Null, integer, real (as text, for JSON has no infinity), text (its bytes in base64), binary (hexadecimal). */
type Encoded = ['n'] | ['i' | 'r' | 't' | 'b', string];

/** Opaque to callers; holds the table, so that it cannot be used for another. */
export function encodePosition(target: string, position: Position): string {
  const body = 'offset' in position ? { o: position.offset } : { k: position.after.map(encodeValue) };
  return Buffer.from(JSON.stringify({ t: target, ...body })).toString('base64url');
}

/** @throws Error when the text is not a cursor of this table. */
export function decodePosition(target: string, cursor: string): Position {
  try {
    const { t, o, k } = JSON.parse(Buffer.from(cursor, 'base64url').toString()) as Record<string, unknown>;
    if (t !== target) throw new Error('another table');
    if (Number.isSafeInteger(o) && (o as number) >= 0) return { offset: o as number };
    if (Array.isArray(k) && k.length > 0) return { after: k.map(decodeValue) };
    throw new Error('no position');
  } catch {
    throw new Error(`the cursor is not one that a page of ${JSON.stringify(target)} gave`);
  }
}

function encodeValue(value: SqliteValue): Encoded {
  if (value === null) return ['n'];
  if (typeof value === 'bigint') return ['i', value.toString()];
  if (typeof value === 'number') return ['r', String(value)];
  if (typeof value === 'string') return ['b', value];
  return ['t', value.toString('base64')];
}

function decodeValue(encoded: unknown): SqliteValue {
  if (!Array.isArray(encoded)) throw new Error('no value');
  const [kind, value] = encoded as [unknown, unknown];
  if (kind === 'n') return null;
  if (typeof value !== 'string') throw new Error('no value');
  if (kind === 'r' && !Number.isNaN(Number(value))) return Number(value);
  if (kind === 'i') return BigInt.asIntN(64, BigInt(value));
  if (kind === 't') return Buffer.from(value, 'base64');
  if (kind === 'b') return value;
  throw new Error('no value');
}
