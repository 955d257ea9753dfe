/** Rows of any bridge in batches: its own stream where it has one, else its pages. */
import type { Bridge, Page, Row, RowBatch, RowBatches } from './bridge.ts';
import { pagedRows, type RowKind } from './paged-rows.ts';

export function streamRows(
  bridge: Bridge,
  kind: RowKind,
  target: string,
  options: Record<string, unknown>,
  signal: AbortSignal,
  timeoutMs?: number,
): RowBatches {
  return bridge.stream
    ? bridge.stream(kind, target, options, signal, timeoutMs)
    : pagedRows(bridge, kind, target, options, signal);
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
