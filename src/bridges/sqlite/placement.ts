/** Which questions are answered in the runner's own thread: those that cannot hold it up for long. */
import { statSync } from 'node:fs';
import { assertNever } from '../../errors.ts';
import type { Condition } from '../../where/where.ts';
import type { Question } from './question.ts';
import type { TableInfo } from './schema.ts';

/**
 * On a busy machine of two cores a file of this size is filtered in 20 ms and sorted without an index in 300 ms
 * (`npm run bench:sqlite`): far less than the seconds after which a heartbeat is missed.
 */
const MAX_BYTES = 8 * 1_048_576;
/** Bytes times what a filter does with each of them: 32 comparisons over the largest file. */
const MAX_WORK = 32 * MAX_BYTES;
/** Values of a list are found in a tree, so that many cost little more than one. */
const VALUES_PER_COMPARISON = 16;
/** Sorting costs about as much as this many comparisons of each row. */
const SORT_WEIGHT = 8;

/** A question for a reader of its own, whatever the size of the file. */
export class TooMuchWork extends Error {
  override readonly name = 'TooMuchWork';
}

/** Bytes of a database and its write-ahead log; 0 when there is none. */
export function sizeOfDatabase(file: string): number {
  return sizeOf(file) + sizeOf(`${file}-wal`);
}

/** Whether the file is small enough for this thread; what is asked of it may still be too much. */
export function isSmall(bytes: number): boolean {
  return bytes <= MAX_BYTES;
}

/** @throws TooMuchWork for a target that computes its rows, or a filter that takes long on a file of that size. */
export function admit(bytes: number, question: Question, table: TableInfo): void {
  if (!table.plain || bytes * weightOf(question) > MAX_WORK) throw new TooMuchWork();
}

function weightOf(question: Question): number {
  switch (question.kind) {
    case 'count':
      return weightOfFilter(question.where);
    case 'rows':
      return weightOfFilter(question.query.where) + question.query.orderBy.length * SORT_WEIGHT;
    case 'aggregate': {
      const { where, dimensions, measures, joins } = question.plan;
      // A join may look at every row of its target for every row.
      if (joins.length > 0) return Number.POSITIVE_INFINITY;
      return weightOfFilter(where) + (1 + dimensions.length + measures.length) * SORT_WEIGHT;
    }
    default:
      return 0;
  }
}

/** Comparisons a row may need: every character of a pattern may be compared at every place of a text. */
function weightOfFilter(condition: Condition): number {
  switch (condition.kind) {
    case 'and':
    case 'or':
      return condition.of.reduce((sum, one) => sum + weightOfFilter(one), 0);
    case 'not':
      return weightOfFilter(condition.of);
    case 'in':
      return 1 + condition.values.length / VALUES_PER_COMPARISON;
    case 'pattern':
      return 1 + condition.text.length;
    case 'null':
    case 'compare':
      return 1;
    default:
      return assertNever(condition);
  }
}

function sizeOf(path: string): number {
  return statSync(path, { throwIfNoEntry: false })?.size ?? 0;
}
