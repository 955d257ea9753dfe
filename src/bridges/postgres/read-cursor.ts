/** Cursors of `read`: where the page before ended, in a form that says of which table. */

/** Key values in the server's text, or for a table without a key how many rows were read. */
export type Position = { after: string[] } | { offset: number };

/** Opaque to callers. */
export function encodePosition(target: string, position: Position): string {
  const body = 'offset' in position ? { o: position.offset } : { k: position.after };
  return Buffer.from(JSON.stringify({ t: target, ...body })).toString('base64url');
}

/** @throws Error when the text is not a cursor of this table. */
export function decodePosition(target: string, cursor: string): Position {
  try {
    const { t, o, k } = JSON.parse(Buffer.from(cursor, 'base64url').toString()) as Record<string, unknown>;
    if (t !== target) throw new Error('another table');
    if (Number.isSafeInteger(o) && (o as number) >= 0) return { offset: o as number };
    if (Array.isArray(k) && k.length > 0 && k.every(one => typeof one === 'string'))
      return { after: k as string[] };
    throw new Error('no position');
  } catch {
    throw new Error(`the cursor is not one that a page of ${JSON.stringify(target)} gave`);
  }
}
