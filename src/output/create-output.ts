/** The Output port on real streams: what goes where, and in which form. */
import { isCi } from '../platform/environment.ts';
import type { Chalk } from './colour.ts';
import type { Output } from './output.ts';
import { redact } from './redact.ts';
import { sanitise, sanitiseJson, sanitiseLines } from './sanitise.ts';
import { silentProgress, startSpinner } from './spinner.ts';
import { tsvLine } from './tsv.ts';

export interface OutputStream extends NodeJS.WritableStream {
  isTTY?: boolean;
  columns?: number;
}

export interface OutputOptions {
  streams: { stdout: OutputStream; stderr: OutputStream };
  env: Record<string, string | undefined>;
  global: { json: boolean; quiet: boolean; debug: boolean; color?: boolean | undefined };
  /** Milliseconds since the epoch. */
  now: () => number;
}

/** Everything but colour: `CSI … m`. */
const UNSAFE_BUT_COLOUR =
  /\u001b\[[0-9;]*m|[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]/g;

/** Loads what this process will need and nothing else: off a terminal neither a table nor a colour. */
export async function createOutput(options: OutputOptions): Promise<Output> {
  const { streams, env, global } = options;
  const stdoutIsTerminal = streams.stdout.isTTY === true;
  const stderrIsTerminal = streams.stderr.isTTY === true;
  const tables = stdoutIsTerminal && !global.json ? await import('./table.ts') : undefined;
  const wantsColour =
    stdoutIsTerminal || stderrIsTerminal || global.color === true || env.FORCE_COLOR !== undefined;
  const colours = wantsColour ? await import('./colour.ts') : undefined;
  const out = colours?.colourOf(streams.stdout, env, global.color);
  const err = colours?.colourOf(streams.stderr, env, global.color);
  // A terminal that does not say how wide it is is taken for the usual one.
  const width = (): number => streams.stdout.columns || 80;
  const style = out && { chalk: out, now: options.now, width };
  // A terminal that has no width yet (a container's, before its first resize) has no line for a spinner to turn on.
  const wide = streams.stderr.columns !== 0;
  const lively =
    stderrIsTerminal && wide && !global.quiet && !global.json && !isCi(env) && env.TERM !== 'dumb';

  const say = (text: string): void => void streams.stderr.write(`${text}\n`);
  const data = (line: string): void => void streams.stdout.write(`${line}\n`);
  const document = (value: unknown): void =>
    data(stdoutIsTerminal ? sanitiseJson(JSON.stringify(value, null, 2)) : JSON.stringify(value));
  const note = (text: string): void => {
    if (!global.quiet) say(withColourOnly(text));
  };
  const success = (text: string): void => {
    if (!global.quiet) say(`${marked(err?.green, '✓', stderrIsTerminal)}${sanitiseLines(text)}`);
  };
  const failure = (text: string): void =>
    say(`${marked(err?.red, '✗', stderrIsTerminal)}${sanitiseLines(text)}`);

  return {
    stdoutIsTerminal,
    stderrIsTerminal,
    json: global.json,
    data,
    document,
    note,
    success,
    write: chunk => writeOut(streams.stdout, chunk),
    list(rows, columns, emptyMessage) {
      if (global.json) return document(rows);
      if (rows.length === 0) return note(sanitise(emptyMessage));
      if (tables && style) return data(tables.listTable(rows, columns, style));
      for (const row of rows) data(tsvLine(columns.map(column => column.value(row))));
    },
    record(record, fields) {
      if (global.json) return document(record);
      const width = Math.max(...fields.map(([label]) => label.length));
      for (const [label, value, format] of fields) {
        if (tables && style) {
          data(
            `${style.chalk.bold(label)}${' '.repeat(width - label.length)}  ${tables.formatCell(value, format, style)}`.trimEnd(),
          );
        } else {
          data(tsvLine([label, value]));
        }
      }
    },
    finding(status, text) {
      const mark = { ok: '✓', warning: '!', failed: '✗' }[status];
      const colour = { ok: out?.green, warning: out?.yellow, failed: out?.red }[status];
      const line = sanitise(text);
      data(`${paint(colour, mark)} ${tables ? tables.wrapped(line, width() - 2, '    ') : line}`);
    },
    next: command => {
      if (stderrIsTerminal) note(`${paint(err?.dim, 'next:')} ${sanitise(command)}`);
    },
    warn: text => say(`${paint(err?.yellow, 'warning:')} ${sanitiseLines(redact(text))}`),
    error({ code, message, hint, requestId, docs, stack }) {
      if (global.json) {
        const told = { code, message: redact(message), hint: hint === undefined ? null : redact(hint) };
        const error = requestId === undefined ? told : { ...told, requestId };
        say(sanitiseJson(JSON.stringify({ error })));
      } else {
        say(`${paint(err?.red, 'error:')} ${sanitiseLines(redact(message))}`);
        if (hint !== undefined) say(`${paint(err?.cyan, 'hint:')} ${sanitiseLines(redact(hint))}`);
      }
      if (!global.debug) return;
      if (!global.json && requestId !== undefined) say(`request: ${sanitise(requestId)}`);
      if (!global.json && docs !== undefined) say(`code: ${sanitise(code)}, see ${docs}`);
      if (stack !== undefined) say(sanitiseLines(redact(stack), ''));
    },
    progress: text =>
      lively
        ? startSpinner(text, { stream: streams.stderr, colour: (err?.level ?? 0) > 0, success, failure })
        : silentProgress({ success, failure }),
  };
}

function paint(painter: Chalk | undefined, text: string): string {
  return painter ? painter(text) : text;
}

function marked(painter: Chalk | undefined, mark: string, terminal: boolean): string {
  return terminal ? `${paint(painter, mark)} ` : '';
}

/** A note may carry our own colours; anything else that a terminal would obey is written out. */
function withColourOnly(text: string): string {
  return text.replace(UNSAFE_BUT_COLOUR, found => (found.length > 1 ? found : sanitise(found)));
}

/** Resolves once the stream takes more; a stream whose reader has gone takes anything. */
function writeOut(stream: OutputStream, chunk: string): Promise<void> {
  return new Promise(resolve => {
    if (stream.write(chunk)) return resolve();
    const done = (): void => {
      stream.off('drain', done);
      stream.off('close', done);
      stream.off('error', done);
      resolve();
    };
    stream.on('drain', done);
    stream.on('close', done);
    stream.on('error', done);
  });
}
