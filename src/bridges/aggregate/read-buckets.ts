/** Buckets from the rows of an answer. */
import type { AggregateBucket, RowBatch } from '../bridge.ts';
import { rowsOf } from '../stream-rows.ts';
import { readCount } from './cells.ts';
import type { CompiledAggregate } from './compile-aggregate.ts';
import type { Decode } from './dialect.ts';

type Cells = readonly unknown[];

/**
 * @param compiled asked for at the first row: a bridge may compile once more before it.
 * @param rows of the compiled query, their cells in its order.
 * @param decode a cell of a column's own type into its JSON form.
 * @throws Error when a join has several rows for one: the buckets would count rows twice.
 */
export async function* readBuckets<C>(
  compiled: () => CompiledAggregate<C>,
  rows: AsyncIterable<Cells> | Iterable<Cells>,
  decode: Decode<C>,
): AsyncGenerator<AggregateBucket, void, undefined> {
  let reader: BucketReader<C> | undefined;
  let current: AggregateBucket | undefined;
  let place: unknown;
  for await (const cells of rows) {
    reader ??= new BucketReader(compiled(), decode);
    // Only a bucket with lists has several rows, and those are one after the other.
    if (current && reader.hasLists && cells[0] === place) {
      reader.append(current, cells);
      continue;
    }
    if (current) yield current;
    place = cells[0];
    current = reader.bucket(cells);
  }
  if (current) yield current;
}

/** Cells of rows that a bridge has made objects of: their names are ours, and none is a number that would move ahead. */
export async function* cellsOf(batches: AsyncIterable<RowBatch>): AsyncGenerator<unknown[]> {
  for await (const batch of batches) for (const row of rowsOf(batch)) yield Object.values(row);
}

class BucketReader<C> {
  readonly #compiled: CompiledAggregate<C>;
  readonly #decode: Decode<C>;
  readonly hasLists: boolean;

  constructor(compiled: CompiledAggregate<C>, decode: Decode<C>) {
    this.#compiled = compiled;
    this.#decode = decode;
    this.hasLists = compiled.measures.some(measure => 'top' in measure);
  }

  bucket(cells: Cells): AggregateBucket {
    const { joins, dimensions } = this.#compiled;
    for (const [index, target] of joins.entries()) {
      if (readCount(cells[2 + index]) === 0) continue;
      throw new Error(
        `${JSON.stringify(target)} has several rows for one value of the joined column: join by one that tells its rows apart`,
      );
    }
    const first = 2 + joins.length;
    const bucket: AggregateBucket = { dims: {}, measures: {}, count: readCount(cells[1]) };
    for (const [index, { name, grouping }] of dimensions.entries()) {
      put(bucket.dims, name, grouping.read(cells[first + index], this.#decode));
    }
    this.#eachMeasure(cells, (key, value) => put(bucket.measures, key, value));
    return bucket;
  }

  /** The next place of every list. */
  append(bucket: AggregateBucket, cells: Cells): void {
    this.#eachMeasure(cells, (key, value, isList) => {
      if (isList) (bucket.measures[key] as unknown[]).push(...(value as unknown[]));
    });
  }

  #eachMeasure(cells: Cells, take: (key: string, value: unknown, isList: boolean) => void): void {
    const { joins, dimensions, measures } = this.#compiled;
    let at = 2 + joins.length + dimensions.length;
    for (const measure of measures) {
      if ('computation' in measure) {
        const { cells: parts, read } = measure.computation;
        take(measure.key, read(cells.slice(at, at + parts.length), this.#decode), false);
        at += parts.length;
      } else {
        const count = cells[at + 1];
        const value = (): unknown => this.#decode(cells[at], measure.top.column.info);
        take(measure.key, count === null ? [] : [{ value: value(), count: readCount(count) }], true);
        at += 2;
      }
    }
  }
}

/** Defined, not assigned: the key is the caller's, and may be `__proto__`. */
function put(record: Record<string, unknown>, key: string, value: unknown): void {
  Object.defineProperty(record, key, { value, enumerable: true, writable: true, configurable: true });
}
