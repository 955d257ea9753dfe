/** The Output port: every byte a person or a script sees goes through it. */

export type ColumnFormat = 'text' | 'time' | 'status' | 'list' | 'number';

export interface Column<T> {
  /** Upper-case heading of the terminal table. */
  header: string;
  value: (row: T) => unknown;
  /** What a table shows in its place: something shorter. */
  shown?: (row: T) => unknown;
  format?: ColumnFormat;
}

/** A spinner on stderr at a terminal, plain lines or nothing elsewhere. */
export interface Progress {
  update(text: string): void;
  succeed(text: string): void;
  fail(text: string): void;
  stop(): void;
}

export interface Output {
  /** Whether stdout and stderr each reach a terminal, and whether prompts may be shown. */
  readonly stdoutIsTerminal: boolean;
  readonly stderrIsTerminal: boolean;
  readonly json: boolean;
  /** A line of data, to stdout, as it is (already safe: our own format). Resolves false once the reader has gone. */
  data(line: string): void;
  /** Data to stdout with no newline added, and backpressure: resolves when more may be written. */
  write(chunk: string): Promise<void>;
  /** One JSON document to stdout. */
  document(value: unknown): void;
  /** A list: table on a terminal, tab-separated lines off it, an array with `--json`. */
  list<T>(rows: readonly T[], columns: readonly Column<T>[], emptyMessage: string): void;
  /** One record as label and value lines; with `--json`, `document(record)`. */
  record(record: unknown, fields: readonly [label: string, value: unknown, format?: ColumnFormat][]): void;
  /** What a check found, as a line of data with ✓, ! or ✗ in front. */
  finding(status: 'ok' | 'warning' | 'failed', text: string): void;
  /** Words for a person, to stderr; silent with `--quiet`. */
  note(text: string): void;
  /** Like `note`, with a ✓ in front where the terminal can show it. */
  success(text: string): void;
  /** What to type next, at a terminal: a script knows. */
  next(command: string): void;
  warn(text: string): void;
  /** `error: …` and `hint: …`, or the JSON form; to stderr, never silenced. */
  error(error: {
    code: string;
    message: string;
    hint?: string | undefined;
    requestId?: string | undefined;
    /** Where the documentation speaks of it. */
    docs?: string | undefined;
    stack?: string | undefined;
  }): void;
  progress(text: string): Progress;
}
