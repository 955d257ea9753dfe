/** Rows of a bridge that cannot stream, page by page wherever the interface allows it: no page is kept once it left. */
import { BridgeAnswerError, pageOf, rowOf } from './answers.ts';
import type { Bridge, OrderBy, Page, RowBatches, StreamEnd, TargetSchema } from './bridge.ts';

/** Rows that are asked for at once with a cursor: what the interface's own bridges take for a page. */
const READ_PAGE_ROWS = 1_000;
/** With an offset each page costs a walk over all before it, so fewer and larger ones. */
const OFFSET_PAGE_ROWS = 10_000;
/** Small enough that a cancel is seen between two pieces. */
const PIECE_ROWS = 500;

export type RowKind = 'query' | 'read' | 'batchRead';
type Options = Record<string, unknown>;
type Rows = AsyncGenerator<unknown[], StreamEnd, undefined>;

/** What `stream` of a bridge gives, from one that has none. */
export async function* pagedRows(
  bridge: Bridge,
  kind: RowKind,
  target: string,
  options: Options,
  signal: Pick<AbortSignal, 'throwIfAborted'>,
): RowBatches {
  const pages = pagesOf(bridge, kind, target, options);
  for (;;) {
    const step = await pages.next();
    signal.throwIfAborted();
    if (step.done) return step.value;
    const rows = step.value;
    for (let at = 0; at < rows.length; at += PIECE_ROWS) {
      yield rows.slice(at, at + PIECE_ROWS).map(rowOf);
      signal.throwIfAborted();
    }
  }
}

/**
 * A page that the caller bounds, or that the bridge itself does, is asked for as it is. A `read` without a limit is one
 * page of the bridge's own size, and its cursor the caller's to go on with, as with every bridge.
 */
function pagesOf(bridge: Bridge, kind: RowKind, target: string, options: Options): Rows {
  const { limit } = options;
  switch (kind) {
    case 'batchRead':
      return single(() => bridge.batchRead(target, options));
    case 'read':
      return typeof limit === 'number' && limit > READ_PAGE_ROWS
        ? readPages(bridge, target, options, limit)
        : single(() => bridge.read(target, options));
    case 'query': {
      const wanted = typeof limit === 'number' ? limit : Number.POSITIVE_INFINITY;
      return wanted > OFFSET_PAGE_ROWS && orderOf(options).length > 0
        ? queryPages(bridge, target, options, wanted)
        : single(() => bridge.query(target, options));
    }
  }
}

async function* single(ask: () => Promise<unknown>): Rows {
  const page = pageOf(await ask());
  yield page.rows;
  return endOf(page.nextCursor, page.total);
}

/** Each page begins where the one before ended, so a table that changes meanwhile shifts none of them. */
async function* readPages(bridge: Bridge, target: string, options: Options, limit: number): Rows {
  let left = limit;
  let total: number | undefined;
  let cursor = options.cursor as string | undefined;
  const turns = new TurnDetector();
  for (;;) {
    const asked = Math.min(left, READ_PAGE_ROWS);
    const page = pageOf(
      await bridge.read(target, { ...options, limit: asked, ...(cursor === undefined ? {} : { cursor }) }),
    );
    total ??= page.total;
    yield page.rows;
    left -= page.rows.length;
    cursor = page.nextCursor;
    if (cursor === undefined || left <= 0) return endOf(cursor, total);
    turns.next(cursor);
  }
}

/** By offset, where the order asked for decides between any two rows; else one page of all. */
async function* queryPages(bridge: Bridge, target: string, options: Options, limit: number): Rows {
  const skipped = typeof options.offset === 'number' ? options.offset : 0;
  const ask = async (taken: number): Promise<Page> => {
    const asked = Math.min(limit - taken, OFFSET_PAGE_ROWS);
    return pageOf(await bridge.query(target, { ...options, limit: asked, offset: skipped + taken }));
  };
  const first = await ask(0);
  const mayGoOn = first.rows.length === OFFSET_PAGE_ROWS;
  if (mayGoOn && !isTotalOrder(orderOf(options), await bridge.introspectTarget(target))) {
    return yield* single(() => bridge.query(target, options));
  }
  let taken = 0;
  let begun: string | undefined;
  for (let page = first; ; page = await ask(taken)) {
    // In a total order no two pages begin alike: a bridge that takes no notice of the offset would never end.
    const beginning = JSON.stringify(page.rows.slice(0, 1).map(rowOf));
    if (beginning === begun) throw new BridgeAnswerError('the bridge returns the same page again and again');
    begun = beginning;
    yield page.rows;
    taken += page.rows.length;
    // More than was asked for is everything: such a bridge takes no notice of the limit.
    if (page.rows.length !== OFFSET_PAGE_ROWS || taken >= limit) return endOf(undefined, first.total);
  }
}

/** Notices that a cursor comes back, however long the round, with one cursor kept. */
class TurnDetector {
  #kept: string | undefined;
  #steps = 0;
  #power = 1;

  /** @throws BridgeAnswerError when the pages go round. */
  next(cursor: string): void {
    if (cursor === this.#kept) {
      throw new BridgeAnswerError('the bridge returns the same nextCursor again and again');
    }
    if (++this.#steps < this.#power) return;
    this.#kept = cursor;
    this.#power *= 2;
    this.#steps = 0;
  }
}

function orderOf({ orderBy }: Options): OrderBy[] {
  if (orderBy === undefined || orderBy === null) return [];
  return (Array.isArray(orderBy) ? orderBy : [orderBy]) as OrderBy[];
}

/** Whether the order holds the whole primary key. */
function isTotalOrder(order: readonly OrderBy[], schema: TargetSchema | null | undefined): boolean {
  const columns = Array.isArray(schema?.columns) ? schema.columns : [];
  const key = columns.filter(column => column?.primaryKey === true);
  return key.length > 0 && key.every(({ name }) => order.some(one => one?.field === name));
}

function endOf(nextCursor: string | undefined, total: number | undefined): StreamEnd {
  return { ...(nextCursor === undefined ? {} : { nextCursor }), ...(total === undefined ? {} : { total }) };
}
