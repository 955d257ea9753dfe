/** What a caller has seen of its job, and whether that can be: one ending, one stream, the rows of the database in order. */
import assert from 'node:assert/strict';
import { type Agent, request } from 'node:http';

export type Row = Record<string, unknown>;

export interface Seen {
  /** HTTP status; 0 where no answer came at all. */
  status: number;
  rows: Row[];
  /**
   * `complete`: ended as it should. `failed`: with a code, before or after rows. `cut`: the connection ended with
   * nothing said, which only the loss of the gateway itself may do.
   */
  ending: 'complete' | 'failed' | 'cut';
  code: string | undefined;
  /** Rows that came before the failure, as the failure itself says. */
  saidRows: number | undefined;
  durationMs: number;
}

export interface Caller {
  url: string;
  key: string;
  agent?: Agent;
}

export interface Question {
  source: string;
  target: string;
  [option: string]: unknown;
}

/** Asks for rows as a stream; never rejects, whatever happens to the connection. */
export async function askRows(
  { url, key, agent }: Caller,
  { source, ...question }: Question,
  onRows: (rows: number) => void = () => {},
): Promise<Seen> {
  const started = performance.now();
  let text = '';
  let newlines = 0;
  const { status, clean } = await new Promise<{ status: number; clean: boolean }>(resolve => {
    const outgoing = request(`${url}/v1/sources/${source}/query`, {
      method: 'POST',
      headers: {
        authorization: `Bearer ${key}`,
        'content-type': 'application/json',
        accept: 'application/x-ndjson',
      },
      ...(agent ? { agent } : {}),
    });
    outgoing.on('error', () => resolve({ status: 0, clean: false }));
    outgoing.on('response', response => {
      response.setEncoding('utf8');
      response.on('data', (chunk: string) => {
        text += chunk;
        newlines += chunk.split('\n').length - 1;
        onRows(newlines);
      });
      response.on('error', () => {});
      response.on('close', () => resolve({ status: response.statusCode ?? 0, clean: response.complete }));
    });
    outgoing.end(JSON.stringify(question));
  });
  const durationMs = performance.now() - started;
  return { status, durationMs, ...(status === 200 ? streamed(text, clean) : refused(text, clean)) };
}

type Told = Omit<Seen, 'status' | 'durationMs'>;

function streamed(text: string, clean: boolean): Told {
  const lines = text.split('\n');
  const rest = lines.pop();
  const rows = lines.map(line => JSON.parse(line) as Row);
  const last = rows.at(-1)?.$error as { code: string; rows: number } | undefined;
  if (!clean && last) {
    return { rows: rows.slice(0, -1), ending: 'failed', code: last.code, saidRows: last.rows };
  }
  if (!clean) return { rows, ending: 'cut', code: undefined, saidRows: undefined };
  assert.equal(rest, '', 'an answer that ends as it should ends with a whole line');
  return { rows, ending: 'complete', code: undefined, saidRows: undefined };
}

function refused(text: string, clean: boolean): Told {
  if (!clean) return { rows: [], ending: 'cut', code: undefined, saidRows: undefined };
  const { code } = JSON.parse(text) as { code: string };
  return { rows: [], ending: 'failed', code, saidRows: 0 };
}

export interface Expectation {
  /** Rows of the whole answer; the nth has the id n. */
  total: number;
  /** Codes that a failure may have. */
  codes?: readonly string[];
  /** Whether the gateway itself may have been lost. */
  cut?: boolean;
}

/**
 * One stream and one ending: the rows are a prefix of the database's, each once and in its order, all from one origin
 * where they name one; all of them where the answer is complete; and where it is not, the caller can tell.
 */
export function checkHistory(seen: Seen, { total, codes = [], cut = false }: Expectation): void {
  const { rows, ending, code, saidRows } = seen;
  const wrong = rows.findIndex((row, at) => row.id !== at + 1);
  assert.equal(wrong, -1, `row ${wrong} has the id ${String(rows[wrong]?.id)}`);
  const origins = new Set(rows.map(row => row.origin));
  assert.ok(origins.size <= 1, `one stream of ${[...origins].join(' and ')}`);
  if (ending === 'complete') return assert.equal(rows.length, total, 'complete, and not all rows');
  if (ending === 'cut') return assert.ok(cut, `an answer of ${rows.length} rows ended with nothing said`);
  assert.ok(codes.includes(code ?? ''), `failed with ${code}, status ${seen.status}`);
  assert.equal(saidRows, rows.length, 'the failure counts the rows that came before it');
}
