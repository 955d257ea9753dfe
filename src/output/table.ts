/** Tables for people: without borders, as wide as what they hold, nothing from outside left raw. */
import CliTable from 'cli-table3';
import type { Chalk } from './colour.ts';
import type { Column, ColumnFormat } from './output.ts';
import { relativeTime } from './relative-time.ts';
import { sanitise } from './sanitise.ts';
import { textOf } from './tsv.ts';

/** Beyond this a cell of rows is cut: a person reads the beginning, a script asks for NDJSON. */
const MAX_ROW_CELL_LENGTH = 100;

const STATUS_COLOURS: Record<string, 'green' | 'yellow' | 'red' | 'dim'> = {
  online: 'green',
  draining: 'yellow',
  offline: 'red',
  revoked: 'red',
  'never connected': 'dim',
  ok: 'green',
  failed: 'red',
};

export interface TableStyle {
  chalk: Chalk;
  /** Milliseconds since the epoch, for `3 min ago`. */
  now: () => number;
}

/** A list of records under bold headings; no newline at the end. */
export function listTable<T>(rows: readonly T[], columns: readonly Column<T>[], style: TableStyle): string {
  return borderless(
    columns.map(column => style.chalk.bold(column.header)),
    rows.map(row => columns.map(column => formatCell(column.value(row), column.format, style))),
    columns.map(column => (column.format === 'number' ? 'right' : 'left')),
  );
}

/** Rows of a database under their column names. */
export function rowsTable(
  rows: readonly Record<string, unknown>[],
  columns: readonly string[],
  chalk: Chalk,
): string {
  return borderless(
    columns.map(column => chalk.bold(sanitise(column))),
    rows.map(row => columns.map(column => rowCell(row[column], chalk))),
    columns.map(column => (rows.every(row => isNumberOrNull(row[column])) ? 'right' : 'left')),
  );
}

/** One value as a person reads it. */
export function formatCell(value: unknown, format: ColumnFormat | undefined, style: TableStyle): string {
  if (value === null || value === undefined || value === '') return '';
  if (format === 'time') return sanitise(relativeTime(textOf(value), style.now()));
  const text = sanitise(Array.isArray(value) ? value.map(textOf).join(', ') : textOf(value));
  const colour = format === 'status' ? STATUS_COLOURS[text] : undefined;
  return colour === undefined ? text : style.chalk[colour](text);
}

function rowCell(value: unknown, chalk: Chalk): string {
  if (value === null || value === undefined) return chalk.dim('null');
  const text = typeof value === 'object' ? JSON.stringify(value) : String(value);
  const short =
    text.length > MAX_ROW_CELL_LENGTH ? `${[...text].slice(0, MAX_ROW_CELL_LENGTH - 1).join('')}…` : text;
  return sanitise(short);
}

function isNumberOrNull(value: unknown): boolean {
  return typeof value === 'number' || value === null || value === undefined;
}

function borderless(head: string[], body: string[][], aligns: ('left' | 'right')[]): string {
  const table = new CliTable({
    head,
    colAligns: aligns,
    style: { head: [], border: [], 'padding-left': 0, 'padding-right': 0, compact: true },
    chars: {
      top: '',
      'top-mid': '',
      'top-left': '',
      'top-right': '',
      bottom: '',
      'bottom-mid': '',
      'bottom-left': '',
      'bottom-right': '',
      left: '',
      'left-mid': '',
      mid: '',
      'mid-mid': '',
      right: '',
      'right-mid': '',
      middle: '  ',
    },
  });
  table.push(...body);
  return table
    .toString()
    .split('\n')
    .map(line => line.trimEnd())
    .join('\n');
}
