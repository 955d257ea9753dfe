/** Where rows go: each form takes lines of NDJSON and holds back no more than it must. */
import type { Context } from '../cli/context.ts';
import { AppError } from '../errors.ts';
import { csvLine } from '../output/csv.ts';
import type { Output } from '../output/output.ts';
import { sanitise, sanitiseJson } from '../output/sanitise.ts';

export interface RowSink {
  /** Resolves when more may come. */
  take(lines: readonly string[]): Promise<void>;
  /**
   * After the last row, or what turned out to be the last: then the answer is not complete.
   *
   * @param columns of the table, for a complete answer that had no row to tell them.
   */
  end(complete: boolean, columns: () => Promise<readonly string[] | undefined>): Promise<void>;
}

type Row = Record<string, unknown>;

/** Rows of one table at a terminal; small answers come as one. */
const PAGE_ROWS = 1_000;
/** A page that has waited this long is shown as it is: slow rows are worth seeing, too. */
const PAGE_WAIT_MS = 1_000;

export function ndjsonRows(output: Output): RowSink {
  return {
    take: async lines => {
      const text = `${lines.join('\n')}\n`;
      await output.write(output.stdoutIsTerminal ? sanitiseJson(text) : text);
    },
    end: async () => {},
  };
}

/** Columns are those that were selected, else those of the first row, else those of the table. */
export function csvRows(output: Output, select: readonly string[] | undefined): RowSink {
  let columns = select;
  let dropped = false;
  const line = (values: readonly unknown[]): string =>
    csvLine(
      output.stdoutIsTerminal
        ? values.map(value => (typeof value === 'string' ? sanitise(value) : value))
        : values,
    );
  let begun = false;
  const header = (): string => {
    if (begun || columns === undefined) return '';
    begun = true;
    return line(columns);
  };
  return {
    async take(lines) {
      let text = '';
      for (const row of lines.map(parseRow)) {
        columns ??= Object.keys(row);
        text += header() + line(columns.map(column => cellOf(row, column)));
        if (!dropped && Object.keys(row).some(key => !columns?.includes(key))) {
          dropped = true;
          output.warn(
            'some rows have fields that the first has not; they are left out (--select names what to print)',
          );
        }
      }
      await output.write(text);
    },
    async end(complete, columnsOfTable) {
      if (complete) columns ??= await columnsOfTable();
      const text = header();
      if (text !== '') await output.write(text);
    },
  };
}

/** Tables of up to a thousand rows; the next page is only asked for when this one is out. */
export async function tableRows(ctx: Context, select: readonly string[] | undefined): Promise<RowSink> {
  const [{ rowsTable }, { colourOf }] = await Promise.all([
    import('../output/table.ts'),
    import('../output/colour.ts'),
  ]);
  const { output, clock } = ctx;
  const chalk = colourOf(ctx.streams.stdout, ctx.env, ctx.global.color);
  let page: Row[] = [];
  let count = 0;
  let cancelWait: (() => void) | undefined;
  const flush = async (): Promise<void> => {
    cancelWait?.();
    cancelWait = undefined;
    if (page.length === 0) return;
    const rows = page;
    page = [];
    const columns = select ?? [...new Set(rows.flatMap(row => Object.keys(row)))];
    const width = (): number => ctx.streams.stdout.columns || 80;
    await output.write(`${rowsTable(rows, columns, { chalk, width })}\n`);
  };
  return {
    async take(lines) {
      for (const line of lines) {
        page.push(parseRow(line));
        count++;
        if (page.length >= PAGE_ROWS) await flush();
      }
      if (page.length > 0) cancelWait ??= clock.after(PAGE_WAIT_MS, () => void flush());
    },
    async end(complete) {
      await flush();
      if (complete || count > 0)
        output.note(`${count} ${count === 1 ? 'row' : 'rows'}${complete ? '' : ', then a failure'}`);
    },
  };
}

function parseRow(line: string): Row {
  try {
    const row: unknown = JSON.parse(line);
    if (typeof row === 'object' && row !== null && !Array.isArray(row)) return row as Row;
  } catch {
    // Said below.
  }
  throw new AppError('incomplete_response', { message: 'the service sent a line that is no row' });
}

/** A row may lack a column, and must not lend one from its prototype. */
function cellOf(row: Row, column: string): unknown {
  return Object.hasOwn(row, column) ? row[column] : null;
}
