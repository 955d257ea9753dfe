/** What a benchmark found, as it is kept in bench/results and as it is printed. */
import { type Spread, table } from './figures.ts';

/** A cell: a figure, a figure with its spread, a word, null for what could not be measured; none for what has no meaning. */
export type Cell = number | Spread | string | null;

export interface Column {
  key: string;
  title: string;
  /** Digits after the point; none if not given. */
  digits?: number;
  /** 654321 is written 654k. */
  thousands?: boolean;
  /** Which way is good, for columns that a comparison of two builds looks at. */
  better?: 'less' | 'more';
}

export interface Row {
  label: string;
  /** What is measured, what it cannot beat, or another that does the same. */
  side: 'ours' | 'floor' | 'peer';
  values: Record<string, Cell | undefined>;
}

export interface Series {
  name: string;
  /** What the rows are. */
  title: string;
  columns: Column[];
  rows: Row[];
  /** A line under the table, such as the straight line that fits it. */
  note?: string;
}

export interface Target {
  what: string;
  wanted: string;
  measured: string;
  /** null where it could not be measured. */
  isMet: boolean | null;
}

export interface Result {
  name: string;
  machine: string;
  versions: Record<string, string>;
  settings: Record<string, string | number | boolean>;
  series: Series[];
  targets: Target[];
  /** What should have been measured and was not, and why. */
  notMeasured: string[];
}

/** A series as a Markdown table; where a figure has a spread, a column more. */
export function seriesTable({ title, columns, rows }: Series): string {
  const isSpread = ({ key }: Column) =>
    rows.some(row => {
      const spread = asSpread(row.values[key]);
      return spread !== undefined && spread.least < spread.most;
    });
  const head = columns.flatMap(column => (isSpread(column) ? [column.title, 'least–most'] : [column.title]));
  const cells = (row: Row) =>
    columns.flatMap(column => {
      const cell = row.values[column.key];
      const spread = asSpread(cell);
      const shown = spread ? number(spread.median, column) : written(cell, column);
      const ends = spread ? `${number(spread.least, column)}–${number(spread.most, column)}` : '';
      return isSpread(column) ? [shown, ends] : [shown];
    });
  return table(
    [title, ...head],
    rows.map(row => [row.label, ...cells(row)]),
  );
}

export function targetsTable(targets: readonly Target[]): string {
  const verdict = ({ isMet }: Target) => (isMet === null ? 'not measured' : isMet ? 'met' : 'MISSED');
  return table(
    ['target', 'wanted', 'measured', 'verdict'],
    targets.map(target => [target.what, target.wanted, target.measured, verdict(target)]),
  );
}

export function settingsLine(settings: Result['settings']): string {
  return Object.entries(settings)
    .filter(([, value]) => value !== false && value !== '')
    .map(([name, value]) => (value === true ? name : `${name} ${counted(value)}`))
    .join(', ');
}

export function versionsLine(versions: Result['versions']): string {
  return Object.entries(versions)
    .map(([name, version]) => `${name} ${version}`)
    .join(', ');
}

/** The figure of a cell, the one in the middle where there are more; undefined for words and what is missing. */
export function figureOf(cell: Cell | undefined): number | undefined {
  const figure = typeof cell === 'number' ? cell : asSpread(cell)?.median;
  return figure === undefined || !Number.isFinite(figure) ? undefined : figure;
}

/** A figure as its column writes it. */
export function number(value: number, { digits = 0, thousands = false }: Column): string {
  if (!Number.isFinite(value)) return '-';
  return thousands ? `${(value / 1000).toFixed(digits)}k` : value.toFixed(digits);
}

function asSpread(cell: Cell | undefined): Spread | undefined {
  return typeof cell === 'object' && cell !== null ? cell : undefined;
}

function written(cell: Cell | undefined, column: Column): string {
  if (cell === undefined) return '';
  return typeof cell === 'number' ? number(cell, column) : String(cell ?? '-');
}

function counted(value: string | number | boolean): string {
  return typeof value === 'number' && value >= 10_000 ? value.toLocaleString('en') : String(value);
}
