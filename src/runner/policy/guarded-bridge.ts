/** A bridge behind a policy: what comes out of the database is covered before anything else sees it. */
import { schemaOf } from '../../bridges/answers.ts';
import type { AggregateBucket, Bridge, RowBatches, TargetSchema } from '../../bridges/bridge.ts';
import { collectRows, rowsOf, streamRows } from '../../bridges/stream-rows.ts';
import { JobError } from '../job-error.ts';
import type { HiddenColumns } from './hidden-columns.ts';
import { sayingLess, type WithholdOptions, withheld } from './withheld-errors.ts';

export interface GuardOptions {
  hidden: (target: string) => HiddenColumns;
  /** Whether jobs may know of this target. */
  allows: (target: string) => boolean;
  /** Whether columns of any target are hidden, and so what a database says of a failure; undefined where not. */
  withhold: WithholdOptions | undefined;
}

export function guardBridge(bridge: Bridge, options: GuardOptions): Bridge {
  const { withhold } = options;
  const stream = (
    kind: 'query' | 'read' | 'batchRead',
    target: string,
    given: Record<string, unknown>,
    signal: AbortSignal,
    timeoutMs?: number,
  ): RowBatches => {
    const hidden = options.hidden(target);
    const rows = hidden.any
      ? covered(bridge, hidden, kind, target, given, signal, timeoutMs)
      : streamRows(bridge, kind, target, given, signal, timeoutMs);
    return withhold ? quietly(rows, withhold) : rows;
  };
  const quiet = <T>(work: () => Promise<T>): Promise<T> => (withhold ? sayingLess(withhold, work) : work());
  const all = (kind: 'query' | 'read' | 'batchRead', target: string, given: object) =>
    collectRows(stream(kind, target, { ...given }, new AbortController().signal));
  const { aggregate, ping, capabilities } = bridge;
  return {
    ...(capabilities ? { capabilities } : {}),
    connect: signal => bridge.connect(signal),
    disconnect: () => bridge.disconnect(),
    stream,
    query: (target, given) => all('query', target, given),
    read: (target, given) => all('read', target, given),
    batchRead: async (target, given) => (await all('batchRead', target, given)).rows,
    count: (target, given, signal, timeoutMs) => quiet(() => bridge.count(target, given, signal, timeoutMs)),
    listTargets: async signal =>
      (await bridge.listTargets(signal)).filter(one =>
        options.allows(typeof one === 'string' ? one : one.name),
      ),
    introspectTarget: async (target, signal) =>
      schemaWithout(
        schemaOf(await quiet(() => bridge.introspectTarget(target, signal))),
        options.hidden(target),
      ),
    ...(ping ? { ping: (signal?: AbortSignal) => ping.call(bridge, signal) } : {}),
    ...(aggregate
      ? {
          aggregate: async (given, context) => {
            const hidden = options.hidden(given.target);
            if (given.ids !== undefined && hidden.any) await mustShowKey(bridge, given.target, hidden, 'ids');
            const buckets = await quiet(async () => aggregate.call(bridge, given, context));
            return withhold && isAsyncIterable(buckets) ? quietly(buckets, withhold) : buckets;
          },
        }
      : {}),
  };
}

/** The same items, and of a failure no more than may be said. */
async function* quietly<T, End>(
  items: AsyncIterable<T, End> | AsyncGenerator<T, End, undefined>,
  withhold: WithholdOptions,
): AsyncGenerator<T, End, undefined> {
  const iterator = items[Symbol.asyncIterator]();
  let ended = false;
  try {
    for (;;) {
      const step = await iterator.next();
      if (step.done) {
        ended = true;
        return step.value;
      }
      yield step.value;
    }
  } catch (error) {
    ended = true;
    throw withheld(error, withhold);
  } finally {
    if (!ended) await iterator.return?.();
  }
}

function isAsyncIterable(value: unknown): value is AsyncIterable<AggregateBucket> {
  return typeof value === 'object' && value !== null && Symbol.asyncIterator in value;
}

/** Rows as they may leave. Where a page ends is told by the values of a key, so the key must be one that may be seen. */
async function* covered(
  bridge: Bridge,
  hidden: HiddenColumns,
  kind: 'query' | 'read' | 'batchRead',
  target: string,
  given: Record<string, unknown>,
  signal: AbortSignal,
  timeoutMs: number | undefined,
): RowBatches {
  if (kind === 'read') await mustShowKey(bridge, target, hidden, 'read', signal);
  const batches = streamRows(bridge, kind, target, given, signal, timeoutMs);
  let ended = false;
  try {
    for (;;) {
      const step = await batches.next();
      if (step.done) {
        ended = true;
        return kind === 'read' ? step.value : { ...step.value, nextCursor: undefined };
      }
      yield rowsOf(step.value).map(row => hidden.cover(row));
    }
  } finally {
    if (!ended) await batches.return(undefined);
  }
}

/** @throws JobError unless the target has a primary key and none of its columns is hidden. */
async function mustShowKey(
  bridge: Bridge,
  target: string,
  hidden: HiddenColumns,
  what: string,
  signal?: AbortSignal,
): Promise<void> {
  const { columns } = schemaOf(await bridge.introspectTarget(target, signal));
  const key = columns.filter(column => column.primaryKey);
  if (key.length > 0 && key.every(column => hidden.treatmentOf(column.name) === 'shown')) return;
  throw new JobError(
    'SOURCE_QUERY_FAILED',
    `refused by the policy of this runner: ${what} goes by the primary key, and ${JSON.stringify(target)} ${
      key.length === 0 ? 'has none' : 'has a hidden column in it'
    }: ask with query`,
  );
}

/** Nothing but what the interface names: a default or a sample value would be data. */
function schemaWithout(schema: TargetSchema, hidden: HiddenColumns): TargetSchema {
  if (!hidden.any) return schema;
  return {
    name: schema.name,
    columns: schema.columns
      .filter(column => hidden.treatmentOf(column.name) !== 'dropped')
      .map(({ name, type, nullable, primaryKey }) => ({ name, type, nullable, primaryKey })),
    ...(schema.rowCount === undefined ? {} : { rowCount: schema.rowCount }),
  };
}
