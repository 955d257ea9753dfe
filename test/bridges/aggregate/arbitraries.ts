/** Generated tables and generated aggregates over them. */
import fc from 'fast-check';
import type { MeasureOptions, Options, Place, Row } from './naive-aggregate.ts';

/** Names that collide with ours, with JavaScript's, or with what SQL means by them. */
const NAMES = [
  '__proto__',
  'constructor',
  'count',
  'd0',
  'm0_0',
  'n',
  'a"b',
  '`x`',
  "it's",
  'x.y',
  '',
  'é 😀',
  '?',
  '$1',
];

const text = (): fc.Arbitrary<string> =>
  fc.constantFrom('', 'a', 'A', 'ab', 'b', 'b%', '_', "'", '"', '\\', '10');
const integer = (): fc.Arbitrary<number> => fc.integer({ min: -4, max: 4 });
/** Sums of them are exact, in whatever order. */
const real = (): fc.Arbitrary<number> => fc.constantFrom(-2.5, -0.75, -0.25, 0, 0.25, 0.5, 1.75, 2, 3.5);
const instant = (): fc.Arbitrary<string> =>
  fc
    .integer({ min: Date.UTC(2019, 11, 25) / 1000, max: Date.UTC(2021, 1, 10) / 1000 })
    .map(seconds => new Date(seconds * 1000).toISOString().replace('.000Z', 'Z'));

/** At most one row of any instant: which of two comes first is promised to nobody. */
export function tables(): fc.Arbitrary<{ rows: Row[]; places: Place[] }> {
  const row = fc.record({
    n: fc.option(integer(), { freq: 6 }),
    r: fc.option(real(), { freq: 6 }),
    t: fc.option(text(), { freq: 6 }),
    at: fc.option(instant(), { freq: 6 }),
    place: fc.option(fc.integer({ min: 1, max: 5 }), { freq: 6 }),
  });
  const place = fc.record({ city: fc.option(text()), size: fc.option(integer()) });
  return fc.record({
    rows: fc.array(row, { maxLength: 24 }).map(rows =>
      rows.map((one, index) => ({
        ...one,
        id: index + 1,
        at: rows.findIndex(other => other.at === one.at) === index ? one.at : null,
      })),
    ),
    places: fc
      .array(place, { maxLength: 4 })
      .map(places => places.map((one, index) => ({ ...one, id: index + 1 }))),
  });
}

export function aggregates(): fc.Arbitrary<Options> {
  const names = fc.shuffledSubarray(NAMES, { minLength: 8, maxLength: 8 });
  return fc
    .record({
      names,
      where: fc.option(wheres(), { nil: undefined }),
      dimensions: fc.array(dimensions(), { maxLength: 3 }),
      measures: fc.array(measures(), { maxLength: 5 }),
      sorted: fc.array(fc.tuple(fc.nat(), fc.constantFrom('asc' as const, 'desc' as const, undefined)), {
        maxLength: 3,
      }),
      limit: fc.option(fc.integer({ min: 0, max: 5 }), { nil: undefined }),
      ids: fc.option(fc.array(fc.integer({ min: 1, max: 20 })), { nil: undefined, freq: 4 }),
      bound: fc.option(fc.tuple(fc.nat(), fc.constantFrom('$gt', '$lte', '$ne', '$exists'), integer()), {
        nil: undefined,
      }),
      changeTrackingColumn: fc.constantFrom('id', 'at'),
    })
    .map(given => assemble(given));
}

interface Parts {
  names: string[];
  where: Record<string, unknown> | undefined;
  dimensions: { field: string; from?: string; bucket?: unknown }[];
  measures: MeasureOptions[];
  sorted: [number, 'asc' | 'desc' | undefined][];
  limit: number | undefined;
  ids: number[] | undefined;
  bound: [number, string, number] | undefined;
  changeTrackingColumn: string;
}

function assemble(parts: Parts): Options {
  const { names, limit, ids, bound, changeTrackingColumn } = parts;
  const dimensions = parts.dimensions.map((dimension, index) => ({
    ...dimension,
    as: names[index] as string,
  }));
  const keys = parts.measures.map((_, index) => names[3 + index] as string);
  const measures: Record<string, MeasureOptions> = {};
  for (const [index, measure] of parts.measures.entries()) {
    Object.defineProperty(measures, keys[index] as string, { value: measure, enumerable: true });
  }
  const named = new Set([...dimensions.map(({ as }) => as), ...keys]);
  const numeric = keys.filter((_, index) => isNumber(parts.measures[index] as MeasureOptions));
  const comparable = keys.filter((_, index) => parts.measures[index]?.agg !== 'top_k');
  const sortable = [
    ...dimensions.map(({ as }) => as),
    ...comparable,
    ...(named.has('count') ? [] : ['count']),
  ];
  // A dimension of that name does not hide the number of rows from a filter; a measure does.
  const filterable = [...numeric, ...(keys.includes('count') ? [] : ['count'])].filter(
    key => key !== '' && !key.startsWith('$'),
  );
  const having: Record<string, unknown> = {};
  if (bound && filterable.length > 0) {
    const [index, op, value] = bound;
    Object.defineProperty(having, filterable[index % filterable.length] as string, {
      value: { [op]: op === '$exists' ? value > 0 : value },
      enumerable: true,
    });
  }
  return {
    ...(parts.where ? { where: parts.where } : {}),
    dimensions,
    measures,
    having,
    sort:
      sortable.length === 0
        ? []
        : parts.sorted.map(([index, dir]) => ({
            key: sortable[index % sortable.length] as string,
            ...(dir ? { dir } : {}),
          })),
    ...(limit === undefined ? {} : { limit }),
    ...(ids ? { ids } : {}),
    changeTrackingColumn,
    joins: [{ target: 'places', alias: 'p', kind: 'left', on: { local: 'place', foreign: 'id' } }],
  };
}

function isNumber({ agg, column }: MeasureOptions): boolean {
  return (
    ['count', 'count_distinct', 'sum', 'avg', 'percentile'].includes(agg) ||
    (agg !== 'top_k' && column === 'n')
  );
}

function dimensions(): fc.Arbitrary<{ field: string; from?: string; bucket?: unknown }> {
  const unit = fc.constantFrom('minute', 'hour', 'day', 'week', 'month', 'quarter', 'year');
  const numeric = fc.oneof(
    fc.constantFrom(0.1, 0.25, 0.7, 1, 2, 3).map(step => ({ type: 'numeric', step })),
    fc
      .uniqueArray(fc.constantFrom(-2, -0.25, 0, 0.3, 1, 2.5), { minLength: 1 })
      .map(breaks => ({ type: 'numeric', breaks: breaks.sort((a, b) => a - b) })),
  );
  return fc.oneof(
    fc.record({ field: fc.constantFrom('t', 'n', 'r', 'at') }),
    fc.record({ field: fc.constant('at'), bucket: unit }),
    fc.record({ field: fc.constantFrom('n', 'r'), bucket: numeric }),
    fc.record({ field: fc.constantFrom('city', 'size'), from: fc.constant('p') }),
    fc.record({ field: fc.constant('size'), from: fc.constant('p'), bucket: numeric }),
  );
}

function measures(): fc.Arbitrary<MeasureOptions> {
  const any = fc.constantFrom('n', 'r', 't', 'at', 'id');
  const number = fc.constantFrom('n', 'r');
  const measure = fc.oneof(
    fc.record({ agg: fc.constant('count') }),
    fc.record({
      agg: fc.constantFrom('count', 'count_distinct', 'min', 'max', 'first', 'last'),
      column: any,
    }),
    fc.record({ agg: fc.constantFrom('sum', 'avg'), column: number }),
    fc.record({
      agg: fc.constant('percentile'),
      column: number,
      p: fc.constantFrom(0.01, 0.25, 0.5, 0.9, 0.95, 0.999),
    }),
    fc.record({ agg: fc.constant('top_k'), column: any, k: fc.integer({ min: 1, max: 4 }) }),
  );
  return fc
    .tuple(measure, fc.option(wheres(), { nil: undefined }))
    .map(([one, where]) => (where ? { ...one, where } : one));
}

function wheres(): fc.Arbitrary<Record<string, unknown>> {
  const leaf = fc.oneof(
    fc.record({ n: fc.oneof(fc.option(integer()), fc.array(integer(), { maxLength: 3 })) }),
    fc
      .tuple(fc.constantFrom('$gt', '$gte', '$lt', '$lte', '$ne'), integer())
      .map(([op, n]) => ({ n: { [op]: n } })),
    fc.record({ r: fc.record({ $gte: real() }) }),
    fc.record({ t: fc.option(text()) }),
    fc.record({ t: fc.record({ $contains: text() }) }),
    fc.record({ t: fc.record({ $exists: fc.boolean() }) }),
  );
  const { where } = fc.letrec<{ where: Record<string, unknown> }>(tie => ({
    where: fc.oneof(
      { maxDepth: 2 },
      leaf,
      fc.record({ $or: fc.array(tie('where'), { maxLength: 3 }) }),
      fc.record({ $not: tie('where') }),
    ),
  }));
  return where;
}
