/** One run of a query: rows gathered as they come, shown a few times a second, ended by a press. */
import { useEffect, useRef, useState } from 'preact/hooks';
import type { Row } from '../service/records.ts';
import { streamRows } from '../service/row-stream.ts';
import type { QueryQuestion } from '../text/question.ts';

/** What a page can hold and a person can look through; the command line streams any number. */
export const MAX_ROWS = 10_000;
const SHOW_MS = 100;

export interface Run {
  state: 'idle' | 'waiting' | 'streaming' | 'done' | 'cancelled' | 'full' | 'failed';
  rows: readonly Row[];
  columns: readonly string[];
  error: unknown;
  /** Milliseconds until the first row and until the end. */
  firstRowMs: number | undefined;
  tookMs: number | undefined;
}

const IDLE: Run = {
  state: 'idle',
  rows: [],
  columns: [],
  error: undefined,
  firstRowMs: undefined,
  tookMs: undefined,
};

export function useRun(): {
  run: Run;
  begin: (source: string, question: QueryQuestion) => void;
  cancel: () => void;
} {
  const [run, setRun] = useState<Run>(IDLE);
  const current = useRef<AbortController | undefined>(undefined);
  const cancel = (): void => current.current?.abort();
  useEffect(() => cancel, []);
  const begin = (source: string, question: QueryQuestion): void => {
    cancel();
    const stop = new AbortController();
    current.current = stop;
    void gather(source, question, stop, next => current.current === stop && setRun(next));
  };
  return { run, begin, cancel };
}

async function gather(
  source: string,
  question: QueryQuestion,
  stop: AbortController,
  show: (run: Run) => void,
): Promise<void> {
  const started = performance.now();
  const rows: Row[] = [];
  const columns = new Set<string>();
  let firstRowMs: number | undefined;
  let shownAt = 0;
  const state = (state: Run['state'], error?: unknown): Run => ({
    state,
    rows: rows.slice(),
    columns: [...columns],
    error,
    firstRowMs,
    tookMs: state === 'waiting' || state === 'streaming' ? undefined : performance.now() - started,
  });
  show(state('waiting'));
  try {
    for await (const batch of streamRows(source, question, stop.signal)) {
      firstRowMs ??= performance.now() - started;
      for (const row of batch) {
        if (rows.length === MAX_ROWS) break;
        rows.push(row);
        for (const column of Object.keys(row)) columns.add(column);
      }
      if (rows.length === MAX_ROWS) break;
      if (performance.now() - shownAt > SHOW_MS) {
        shownAt = performance.now();
        show(state('streaming'));
      }
    }
    show(state(rows.length === MAX_ROWS && question.limit !== MAX_ROWS ? 'full' : 'done'));
  } catch (error) {
    show(stop.signal.aborted ? state('cancelled') : state('failed', error));
  } finally {
    stop.abort();
  }
}
