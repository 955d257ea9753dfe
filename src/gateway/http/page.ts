/** Lists in pages: `{items, nextCursor}`, the cursor opaque to clients. */
import { AppError } from '../../errors.ts';

export interface PageQuery {
  limit: number;
  cursor?: string;
  status?: string;
  q?: string;
}

export interface Page {
  items: unknown[];
  nextCursor: string | null;
}

export interface PageSource<T> {
  /** Items after the position, in order; fewer than `limit` only at the end. */
  fetch(limit: number, after: string | undefined): Promise<T[]>;
  /** The position of an item. */
  positionOf(item: T): string;
  view(item: T): Record<string, unknown>;
  /** Which views are wanted; all, where absent. */
  keep?: ((view: Record<string, unknown>) => boolean) | undefined;
}

/** Records looked at in one go when a filter lets few through. */
const FETCH_LIMIT = 1_000;

export async function pageOf<T>(query: PageQuery, source: PageSource<T>): Promise<Page> {
  const items: unknown[] = [];
  let after = query.cursor === undefined ? undefined : positionOf(query.cursor);
  for (;;) {
    // One more than asked for tells whether another page exists.
    const limit = source.keep ? FETCH_LIMIT : query.limit + 1;
    const fetched = await source.fetch(limit, after);
    for (const item of fetched) {
      const view = source.view(item);
      if (source.keep && !source.keep(view)) {
        after = source.positionOf(item);
        continue;
      }
      if (items.length === query.limit) return { items, nextCursor: cursorOf(after as string) };
      items.push(view);
      after = source.positionOf(item);
    }
    if (fetched.length < limit) return { items, nextCursor: null };
  }
}

function cursorOf(position: string): string {
  return Buffer.from(position).toString('base64url');
}

function positionOf(cursor: string): string {
  const position = Buffer.from(cursor, 'base64url');
  if (position.length === 0 || position.toString('base64url') !== cursor) {
    throw new AppError('invalid_request', { message: 'cursor is not one that a page gave' });
  }
  return position.toString();
}
