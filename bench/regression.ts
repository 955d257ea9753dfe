/** Whether a build is slower than another, from runs of both that took turns. */
import { median, quantile } from './figures.ts';
import { type Column, figureOf, type Result } from './result.ts';

/** What is called a regression: that much more time or memory, or as much less done. */
export const LIMIT = 1.25;
/** Noise makes one pair in four look bad; where that many do not, it was noise. */
const CERTAIN_SHARE = 0.25;
const CERTAIN = 1.1;

export interface Change {
  what: string;
  /** Of each pair of runs, how many times worse the head was: over 1 is worse, whichever way is good. */
  ratios: number[];
  median: number;
  /** The ratio that three pairs in four exceed. */
  low: number;
  isRegression: boolean;
}

/** Every figure that has a better way, of each pair of results `[base, head]` of the same benchmark. */
export function changesBetween(pairs: readonly (readonly [base: Result, head: Result])[]): Change[] {
  const ratios = new Map<string, number[]>();
  for (const [base, head] of pairs) {
    const before = comparedFigures(base);
    for (const [what, { value, column }] of comparedFigures(head)) {
      const other = before.get(what)?.value;
      // What took no measurable time on either side has no ratio.
      if (other === undefined || other <= 0 || value <= 0) continue;
      const worse = column.better === 'more' ? other / value : value / other;
      ratios.set(what, [...(ratios.get(what) ?? []), worse]);
    }
  }
  return [...ratios].map(([what, all]) => judged(what, all));
}

function judged(what: string, ratios: number[]): Change {
  const [middle, low] = [median(ratios), quantile(ratios, CERTAIN_SHARE)];
  return { what, ratios, median: middle, low, isRegression: middle > LIMIT && low > CERTAIN };
}

function comparedFigures({ name, series }: Result): Map<string, { value: number; column: Column }> {
  const figures = new Map<string, { value: number; column: Column }>();
  for (const { title, columns, rows } of series) {
    for (const { label, side, values } of rows) {
      if (side !== 'ours') continue;
      for (const column of columns) {
        const value = figureOf(values[column.key]);
        if (!column.better || value === undefined) continue;
        figures.set(`${name}: ${title}, ${label}, ${column.title}`, { value, column });
      }
    }
  }
  return figures;
}
