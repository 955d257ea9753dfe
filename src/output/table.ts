/** Tables for people: without borders, as wide as what they hold, nothing from outside left raw. */
import CliTable from 'cli-table3';
import stringWidth from 'string-width';
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
  /** Columns of the window. */
  width: () => number;
}

/** Between two columns. */
const GAP = '  ';
/** What a column is cut to before the table gives up being one: enough of a UUID to tell it from others. */
const NARROWEST = 8;
const COLOUR = /(\u001b\[[0-9;]*m)/;
const GRAPHEMES = new Intl.Segmenter();

/** A list of records under bold headings, cut to the window; one below the other where not even that fits. */
export function listTable<T>(rows: readonly T[], columns: readonly Column<T>[], style: TableStyle): string {
  const { chalk } = style;
  return borderless(
    columns.map(column => chalk.bold(column.header)),
    rows.map(row =>
      columns.map(column => formatCell((column.shown ?? column.value)(row), column.format, style)),
    ),
    columns.map(column => (column.format === 'number' ? 'right' : 'left')),
    style,
    // The beginning of a UUID tells enough.
    columns.findIndex(column => column.header === 'ID'),
  );
}

/** Rows of a database under their column names. */
export function rowsTable(
  rows: readonly Record<string, unknown>[],
  columns: readonly string[],
  style: Pick<TableStyle, 'chalk' | 'width'>,
): string {
  const { chalk } = style;
  return borderless(
    columns.map(column => chalk.bold(sanitise(column))),
    rows.map(row => columns.map(column => rowCell(row[column], chalk))),
    columns.map(column => (rows.every(row => isNumberOrNull(row[column])) ? 'right' : 'left')),
    style,
  );
}

/** One value as a person reads it. */
export function formatCell(value: unknown, format: ColumnFormat | undefined, style: TableStyle): string {
  if (value === null || value === undefined || value === '') return '';
  if (format === 'time') return sanitise(relativeTime(textOf(value), style.now()));
  const text = sanitise(Array.isArray(value) ? value.map(textOf).join(', ') : textOf(value));
  const colour = format === 'status' ? STATUS_COLOURS[text] : undefined;
  return colour === undefined ? text : `${style.chalk[colour]('●')} ${style.chalk[colour](text)}`;
}

function rowCell(value: unknown, chalk: Chalk): string {
  if (value === null || value === undefined) return chalk.dim('null');
  const text = typeof value === 'object' ? JSON.stringify(value) : String(value);
  const short =
    text.length > MAX_ROW_CELL_LENGTH ? `${[...text].slice(0, MAX_ROW_CELL_LENGTH - 1).join('')}…` : text;
  return sanitise(short);
}

/** Widths that fit the window: one column, then always the widest, gives. Undefined where nothing readable is left. */
function fit(
  natural: number[],
  headings: readonly number[],
  window: number,
  firstToGive = -1,
): number[] | undefined {
  const room = window - GAP.length * (natural.length - 1);
  const total = (widths: readonly number[]): number => widths.reduce((sum, one) => sum + one, 0);
  if (total(natural) <= room) return natural;
  const least = natural.map((width, at) => Math.min(width, Math.max(NARROWEST, headings[at] ?? 0)));
  if (total(least) > room) return undefined;
  const widths = [...natural];
  while (total(widths) > room) {
    const slack = widths.map((width, at) => (width > (least[at] as number) ? width : 0));
    const giving = (slack[firstToGive] ?? 0) > 0 ? firstToGive : slack.indexOf(Math.max(...slack));
    widths[giving] = (widths[giving] as number) - 1;
  }
  return widths;
}

/** Each record as label and value lines, for windows too narrow for its columns. */
function cards(head: readonly string[], body: readonly string[][]): string {
  const width = Math.max(...head.map(widthOf));
  return body
    .map(row =>
      head
        .map((title, at) => `${title}${' '.repeat(width - widthOf(title))}${GAP}${row[at] ?? ''}`.trimEnd())
        .join('\n'),
    )
    .join('\n\n');
}

/** The beginning that fits, with … after it; colours are kept whole, so that they end where they should. */
function cutTo(text: string, width: number): string {
  if (widthOf(text) <= width) return text;
  let room = width - 1;
  let begin = '';
  let colours = '';
  let full = false;
  for (const part of text.split(COLOUR)) {
    if (COLOUR.test(part)) {
      if (full) colours += part;
      else begin += part;
      continue;
    }
    for (const { segment } of GRAPHEMES.segment(part)) {
      room -= widthOf(segment);
      full ||= room < 0;
      if (full) break;
      begin += segment;
    }
  }
  return `${begin}…${colours}`;
}

/** Cells on the screen: colours take none, combining characters none, wide ones two. */
function widthOf(text: string): number {
  return stringWidth(text);
}

/** Broken between words to that width, further lines indented. */
export function wrapped(text: string, width: number, indent: string): string {
  const lines: string[] = [];
  let line = '';
  for (const word of text.split(' ')) {
    const room = lines.length === 0 ? width : width - indent.length;
    if (line !== '' && widthOf(line) + 1 + widthOf(word) > room) {
      lines.push(line);
      line = word;
    } else {
      line = line === '' ? word : `${line} ${word}`;
    }
  }
  return [...lines, line].join(`\n${indent}`);
}

function isNumberOrNull(value: unknown): boolean {
  return typeof value === 'number' || value === null || value === undefined;
}

function borderless(
  head: string[],
  body: string[][],
  aligns: ('left' | 'right')[],
  style: Pick<TableStyle, 'width'>,
  firstToGive?: number,
): string {
  const natural = head.map((title, at) =>
    Math.max(...[title, ...body.map(row => row[at] ?? '')].map(widthOf)),
  );
  const widths = fit(natural, head.map(widthOf), style.width(), firstToGive);
  if (!widths) return cards(head, body);
  const cut = (cells: string[]): string[] => cells.map((cell, at) => cutTo(cell, widths[at] as number));
  const table = new CliTable({
    head: cut(head),
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
      middle: GAP,
    },
  });
  table.push(...body.map(cut));
  return table
    .toString()
    .split('\n')
    .map(line => line.trimEnd())
    .join('\n');
}
