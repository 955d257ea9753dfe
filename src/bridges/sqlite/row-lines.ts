/** Rows of SQLite as lines of JSON, written straight from the driver's values into batches. */
import { setImmediate as nextTurn } from 'node:timers/promises';
import type { CompiledQuery } from 'kysely';
import type { SqliteDatabase, SqliteValue } from '../../platform/sqlite.ts';
import type { AggregateBucket, RowLines } from '../bridge.ts';

/** A first batch this small leaves early; later ones double up to the largest. */
const FIRST_BATCH_BYTES = 4_096;
/** What a frame carries best. */
const MAX_BATCH_BYTES = 65_536;
/** Rows that are hard to find leave in smaller batches: somebody waits for the first of them. */
const MAX_BATCH_MS = 50;
/** Looking at the clock costs as much as a column. */
const ROWS_PER_LOOK = 16;

/** Writes the line of one row, with its newline. */
export type LineOf = (values: SqliteValue[]) => string;

/**
 * Reads to the end, or until the consumer returns or the signal aborts. The driver reads in this thread, so between
 * batches the others have their turn.
 *
 * @param wanted told of each row; one it answers false for becomes no line.
 */
export async function* readLines(
  database: SqliteDatabase,
  query: CompiledQuery,
  lineOf: LineOf,
  signal: AbortSignal,
  wanted: (values: SqliteValue[]) => boolean = () => true,
): AsyncGenerator<RowLines, void, undefined> {
  let text = '';
  let count = 0;
  let size = FIRST_BATCH_BYTES;
  let startedAt = performance.now();
  for (const values of database.prepare(query.sql).iterate(query.parameters)) {
    if (!wanted(values)) continue;
    text += lineOf(values);
    count++;
    if (text.length < size && !(count % ROWS_PER_LOOK === 0 && performance.now() - startedAt > MAX_BATCH_MS))
      continue;
    signal.throwIfAborted();
    yield { lines: Buffer.from(text), count };
    text = '';
    count = 0;
    size = Math.min(size * 2, MAX_BATCH_BYTES);
    await nextTurn();
    startedAt = performance.now();
  }
  signal.throwIfAborted();
  if (count > 0) yield { lines: Buffer.from(text), count };
}

/** Buckets as such lines: there are few of them, and they are known only once everything has been read. */
export async function* bucketLines(
  buckets: AsyncIterable<AggregateBucket>,
  signal: AbortSignal,
): AsyncGenerator<RowLines, void, undefined> {
  let text = '';
  let count = 0;
  for await (const bucket of buckets) {
    text += `${JSON.stringify(bucket)}\n`;
    count++;
    if (text.length < MAX_BATCH_BYTES) continue;
    signal.throwIfAborted();
    yield { lines: Buffer.from(text), count };
    text = '';
    count = 0;
    await nextTurn();
  }
  signal.throwIfAborted();
  if (count > 0) yield { lines: Buffer.from(text), count };
}
