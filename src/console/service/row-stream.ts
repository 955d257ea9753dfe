/** Rows of a query as they arrive. */
import type { QueryQuestion } from '../text/question.ts';
import { askRaw } from './ask.ts';
import { linesOf } from './lines.ts';
import { Problem } from './problem.ts';
import type { Failure, Row } from './records.ts';

/**
 * Batches of rows; ending early cancels the job, down to the database.
 *
 * @throws Problem also for a job that failed after its first rows.
 */
export async function* streamRows(
  source: string,
  question: QueryQuestion,
  signal: AbortSignal,
): AsyncGenerator<Row[], void, undefined> {
  const path = `/v1/sources/${encodeURIComponent(source)}/query`;
  const accept = 'application/x-ndjson';
  const { body } = await askRaw(path, { method: 'POST', body: question, accept, signal });
  for await (const lines of linesOf(body as ReadableStream<Uint8Array>)) {
    const rows: Row[] = [];
    let failure: Problem | undefined;
    for (const line of lines) {
      if (line === '') continue;
      const row = JSON.parse(line) as Row;
      failure = failureOf(row);
      if (failure) break;
      rows.push(row);
    }
    if (rows.length > 0) yield rows;
    if (failure) throw failure;
  }
}

/** A last line that has `$error` and nothing else. */
function failureOf(row: Row): Problem | undefined {
  const keys = Object.keys(row);
  if (keys.length !== 1 || keys[0] !== '$error') return undefined;
  const { code, message } = row.$error as Failure;
  return new Problem(message, { status: 200, code });
}
