/** The measures of an aggregate: what is computed over each bucket. */
import { parseWhere } from '../where/where.ts';
import { AGGREGATIONS, type Aggregation, type Measure } from './plan.ts';
import {
  type Fields,
  field,
  invalid,
  number,
  object,
  shown,
  text,
  unsupported,
  wholeNumber,
} from './read.ts';

const MAX_MEASURES = 200;
const MAX_TOP = 10_000;

/** @throws WhereError naming the measure. */
export function parseMeasures(input: unknown): Measure[] {
  if (input === undefined) return [];
  const entries = Object.entries(object(input, 'measures'));
  if (entries.length > MAX_MEASURES) throw invalid(`measures has more than ${MAX_MEASURES} keys`);
  return entries.map(([key, value]) => {
    const place = `measures[${shown(key)}]`;
    return parseMeasure(key, object(value, place), place);
  });
}

function parseMeasure(key: string, given: Fields, place: string): Measure {
  const agg = aggregation(given.agg, `${place}.agg`);
  const { accuracy } = given;
  // Every measure of ours is exact, which is more than `fast` asks for.
  if (accuracy !== undefined && accuracy !== 'fast' && accuracy !== 'exact') {
    throw invalid(`${place}.accuracy is neither fast nor exact`);
  }
  const common = {
    key,
    where: given.where === undefined ? undefined : parseWhere(given.where, `${place}.where`),
  };
  if (agg === 'count' || agg === 'rate') {
    return {
      ...common,
      agg,
      column: given.column === undefined ? undefined : field(given.column, `${place}.column`),
    };
  }
  if (given.column === undefined) throw invalid(`${place} lacks the column that ${agg} is of`);
  const column = field(given.column, `${place}.column`);
  switch (agg) {
    case 'percentile':
      return { ...common, agg, column, p: fraction(given.p, `${place}.p`) };
    case 'top_k':
      return { ...common, agg, column, k: wholeNumber(given.k, `${place}.k`, 1, MAX_TOP) };
    default:
      return { ...common, agg, column };
  }
}

function aggregation(value: unknown, place: string): Aggregation {
  const agg = text(value, place);
  const known = AGGREGATIONS.find(one => one === agg);
  if (known === undefined) throw unsupported(agg, place, 'there is no measure');
  return known;
}

function fraction(value: unknown, place: string): number {
  const p = number(value, place);
  if (p <= 0 || p >= 1) throw invalid(`${place} is not between 0 and 1: write 0.95 for the 95th percentile`);
  return p;
}
