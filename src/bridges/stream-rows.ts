/** Rows of any bridge in batches: its own stream where it has one, else its one answer in pieces. */
import type {
  BatchReadOptions,
  Bridge,
  Page,
  QueryOptions,
  ReadOptions,
  Row,
  RowBatch,
  RowBatches,
} from './bridge.ts';
import { toJsonValue } from './json-value.ts';

/** Small enough that a cancel is seen between two pieces. */
const PIECE_ROWS = 500;

export function streamRows(
  bridge: Bridge,
  kind: 'query' | 'read' | 'batchRead',
  target: string,
  options: Record<string, unknown>,
  signal: AbortSignal,
  timeoutMs?: number,
): RowBatches {
  return bridge.stream
    ? bridge.stream(kind, target, options, signal, timeoutMs)
    : inPieces(() => ask(bridge, kind, target, options), signal);
}

async function* inPieces(ask: () => Promise<Page>, signal: AbortSignal): RowBatches {
  const { rows, nextCursor, total } = await ask();
  for (let at = 0; at < rows.length; at += PIECE_ROWS) {
    signal.throwIfAborted();
    yield rows.slice(at, at + PIECE_ROWS).map(row => toJsonValue(row) as Row);
  }
  signal.throwIfAborted();
  return { ...(nextCursor === undefined ? {} : { nextCursor }), ...(total === undefined ? {} : { total }) };
}

async function ask(
  bridge: Bridge,
  kind: 'query' | 'read' | 'batchRead',
  target: string,
  options: Record<string, unknown>,
): Promise<Page> {
  switch (kind) {
    case 'query':
      return await bridge.query(target, options as QueryOptions);
    case 'read':
      return await bridge.read(target, options as ReadOptions);
    case 'batchRead': {
      // The public interface says rows; some bridges say a page.
      const answer: Row[] | Page = await bridge.batchRead(target, options as BatchReadOptions);
      return Array.isArray(answer) ? { rows: answer } : answer;
    }
  }
}

/** Everything a stream gives, for callers that want it at once. */
export async function collectRows(batches: RowBatches): Promise<Page> {
  const rows: Row[] = [];
  for (;;) {
    const step = await batches.next();
    if (step.done) return { rows, ...step.value };
    for (const row of rowsOf(step.value)) rows.push(row);
  }
}

/** The rows of a batch as objects. */
export function rowsOf(batch: RowBatch): Row[] {
  if (Array.isArray(batch)) return batch;
  return JSON.parse(`[${batch.lines.toString('utf8', 0, batch.lines.length - 1).replaceAll('\n', ',')}]`);
}
