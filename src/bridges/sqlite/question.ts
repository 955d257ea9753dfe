/** What is asked of one SQLite file, checked and made of JSON alone: the same in this process and in a reader's. */
import type { AggregatePlan } from '../../aggregate/plan.ts';
import type { ParsedQuery, ParsedRead } from '../../where/options.ts';
import type { Condition } from '../../where/where.ts';
import type { RowLines } from '../bridge.ts';

export type Question =
  /** Opens the file and looks at it. */
  | { kind: 'ping' }
  | { kind: 'targets' }
  | { kind: 'introspect'; target: string }
  | { kind: 'count'; target: string; where: Condition }
  | { kind: 'rows'; target: string; query: ParsedQuery }
  | { kind: 'page'; target: string; read: ParsedRead }
  /** Its buckets come as lines. */
  | { kind: 'aggregate'; target: string; plan: AggregatePlan };

/** What is known at the end: of rows the next cursor, of any other question the answer itself. */
export interface Answer {
  value?: unknown;
  nextCursor?: string;
}

/** Batches of rows, where rows were asked for, and the answer. Returning early gives back the lock on the file. */
export type Answering = AsyncGenerator<RowLines, Answer, undefined>;
