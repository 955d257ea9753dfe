/** What a bridge may say of a failure where columns are hidden: a database quotes the values that it stumbles over. */
import { JobError } from '../job-error.ts';

export interface WithholdOptions {
  /** Whether the bridge is one of ours, whose own errors quote nothing but the question. */
  ours: boolean;
}

/** Errors of any bridge that are about the question, or about the way to the database. */
const PLAIN = ['UnsupportedOperatorError', 'SourceUnreachableError', 'BridgeNotFoundError'];
/** A SQLSTATE, or a name such as `ER_DUP_ENTRY`. */
const DATABASE_CODE = /^[A-Z0-9_]{1,40}$/;

/**
 * The error as it may leave. What a database said has a code of the database's, and of a bridge that is not ours nobody
 * knows whose words they are.
 */
export function withheld(error: unknown, { ours }: WithholdOptions): unknown {
  if (error instanceof JobError) return error;
  const { name, code, errno } = (error ?? {}) as { name?: unknown; code?: unknown; errno?: unknown };
  if (PLAIN.includes(String(name))) return error;
  if (ours && code === undefined && errno === undefined) return error;
  const known = typeof code === 'string' && DATABASE_CODE.test(code) ? ` (${code})` : '';
  return new JobError(
    'SOURCE_QUERY_FAILED',
    `the database refused the question${known}: the policy of this runner withholds its words, which may quote what is hidden`,
    error,
  );
}

/** Rows, or a value, of which no failure says more than it may. */
export async function sayingLess<T>(options: WithholdOptions, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    throw withheld(error, options);
  }
}
