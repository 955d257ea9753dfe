/** Cursors of `read`: where the page before ended, in a form that says which table and key it is of. */
import type { TableInfo } from './schema.ts';

/** Key values as the server sent them, or a number of rows where there is no key. */
export type Position = { after: Buffer[] } | { offset: number };

/** Opaque to callers; holds the table and its key, so that it cannot be used for another. */
export function encodePosition(table: TableInfo, position: Position): string {
  const body =
    'offset' in position
      ? { o: position.offset }
      : { c: table.key, k: position.after.map(value => value.toString('base64')) };
  return Buffer.from(JSON.stringify({ t: table.target, ...body })).toString('base64url');
}

/** @throws Error when the text is not a cursor of this table. */
export function decodePosition(table: TableInfo, cursor: string): Position {
  try {
    const { t, o, c, k } = JSON.parse(Buffer.from(cursor, 'base64url').toString()) as Record<string, unknown>;
    if (t !== table.target) throw new Error('another table');
    if (Number.isSafeInteger(o) && (o as number) >= 0) return { offset: o as number };
    if (JSON.stringify(c) !== JSON.stringify(table.key)) throw new Error('another key');
    if (!Array.isArray(k) || k.length !== table.key.length || k.some(one => typeof one !== 'string'))
      throw new Error('no position');
    return { after: (k as string[]).map(value => Buffer.from(value, 'base64')) };
  } catch {
    throw new Error(
      `the cursor is not one that a page of ${JSON.stringify(table.target.slice(0, 200))} gave`,
    );
  }
}
