/** The options of an aggregate, checked: gateway and bridges read them through this one file. */
import { mapFields } from '../where/fields.ts';
import { type Condition, parseWhere } from '../where/where.ts';
import { parseDimensions, parseJoins } from './parse-dimensions.ts';
import { parseMeasures } from './parse-measures.ts';
import type { AggregatePlan, Dimension, Measure, SortKey } from './plan.ts';
import { type Fields, field, invalid, list, number, object, shown, text, wholeNumber } from './read.ts';

const MAX_SORT_KEYS = 100;
const MAX_IDS = 10_000;
/** The rows of a bucket, in `having` and `sort`, unless something of the caller's has that name. */
const COUNT = 'count';

/**
 * @param options as a job has them, `target` included; keys it does not know are ignored.
 * @throws WhereError naming the place, never a value of a filter.
 * @example
 * parseAggregate({
 *   target: 'orders',
 *   dimensions: [{ field: 'placed_at', bucket: 'month', as: 'month' }],
 *   measures: { revenue: { agg: 'sum', column: 'total', where: { status: 'shipped' } } },
 *   sort: [{ key: 'revenue', dir: 'desc' }],
 *   limit: 12,
 * });
 */
export function parseAggregate(options: unknown): AggregatePlan {
  const given = object(options, 'options');
  const joins = parseJoins(given.joins);
  const dimensions = parseDimensions(given.dimensions, joins);
  const measures = parseMeasures(given.measures);
  return {
    target: field(given.target, 'target'),
    where: candidates(given),
    ids: given.ids === undefined ? undefined : list(given.ids, 'ids', MAX_IDS).map(id),
    dimensions,
    measures,
    having: having(given.having, measures),
    sort: list(given.sort, 'sort', MAX_SORT_KEYS).map((one, index) =>
      sortKey(one, `sort[${index}]`, dimensions, measures),
    ),
    limit:
      given.limit === undefined ? undefined : wholeNumber(given.limit, 'limit', 0, Number.MAX_SAFE_INTEGER),
    changeTrackingColumn: changeTracking(given.changeTrackingColumn, measures),
    joins,
    sample: sample(given.sample),
  };
}

/** `where` is what every other question calls it. */
function candidates({ candidatesWhere, where }: Fields): Condition {
  if (candidatesWhere !== undefined && where !== undefined) {
    throw invalid('candidatesWhere and where are two names of one option: give one of them');
  }
  return where === undefined ? parseWhere(candidatesWhere, 'candidatesWhere') : parseWhere(where);
}

function id(value: unknown, index: number): string | number {
  if (typeof value === 'string' || (typeof value === 'number' && Number.isFinite(value))) return value;
  throw invalid(`ids[${index}] is neither a string nor a number`);
}

function having(value: unknown, measures: readonly Measure[]): Condition {
  return mapFields(parseWhere(value, 'having'), key => {
    const measure = measures.find(one => one.key === key);
    if (!measure && key !== COUNT)
      throw invalid(`having names ${shown(key)}, which is the key of no measure`);
    if (measure?.agg === 'top_k') throw invalid(`having names ${shown(key)}, and a top_k is a list`);
    return key;
  });
}

function sortKey(
  value: unknown,
  place: string,
  dimensions: readonly Dimension[],
  measures: readonly Measure[],
): SortKey {
  const given = object(value, place);
  const key = text(given.key, `${place}.key`);
  const { dir = 'asc' } = given;
  if (dir !== 'asc' && dir !== 'desc') throw invalid(`${place}.dir is neither asc nor desc`);
  const dimension = dimensions.findIndex(one => one.name === key);
  const measure = measures.findIndex(one => one.key === key);
  if (dimension >= 0 && measure >= 0) {
    throw invalid(`${place}.key is ${shown(key)}, which is a dimension and a measure: rename one of them`);
  }
  if (dimension >= 0) return { dir, by: 'dimension', index: dimension };
  if (measure >= 0) {
    if (measures[measure]?.agg === 'top_k')
      throw invalid(`${place}.key is ${shown(key)}, and a top_k is a list`);
    return { dir, by: 'measure', index: measure };
  }
  if (key === COUNT) return { dir, by: 'count' };
  throw invalid(`${place}.key is ${shown(key)}, which is neither a dimension nor a measure`);
}

function changeTracking(value: unknown, measures: readonly Measure[]): string | undefined {
  if (value !== undefined) return field(value, 'changeTrackingColumn');
  const asking = measures.find(({ agg }) => agg === 'first' || agg === 'last');
  if (!asking) return undefined;
  throw invalid(
    `measures[${shown(asking.key)}] needs changeTrackingColumn: the column that tells which row was ${asking.agg}`,
  );
}

function sample(value: unknown): number | undefined {
  if (value === undefined) return undefined;
  const share = number(value, 'sample');
  if (share <= 0 || share > 1) throw invalid('sample is not above 0 and at most 1');
  return share === 1 ? undefined : share;
}
