/** Aggregates again, row by row in memory: what the compiled SQL is held against. Shares nothing with it. */
import type { AggregateBucket } from '../../../src/bridges/bridge.ts';
import { type DataRow, evaluate } from '../naive-where.ts';

export interface Row extends DataRow {
  id: number;
  /** An instant as it crosses, or null. */
  at: string | null;
  /** Row of `places`, by its id. */
  place: number | null;
}

export interface Place {
  id: number;
  city: string | null;
  size: number | null;
}

export interface Options {
  where?: Record<string, unknown>;
  dimensions?: { field: string; as?: string; from?: string; bucket?: unknown }[];
  measures?: Record<string, MeasureOptions>;
  having?: Record<string, unknown>;
  sort?: { key: string; dir?: 'asc' | 'desc' }[];
  limit?: number;
  ids?: (string | number)[];
  joins?: unknown[];
  changeTrackingColumn?: string;
}

export interface MeasureOptions {
  agg: string;
  column?: string;
  p?: number;
  k?: number;
  where?: Record<string, unknown>;
}

type Value = string | number | null;

export function aggregate(
  rows: readonly Row[],
  places: readonly Place[],
  options: Options,
): AggregateBucket[] {
  const {
    where = {},
    dimensions = [],
    measures = {},
    having = {},
    limit = Number.POSITIVE_INFINITY,
  } = options;
  const chosen = rows.filter(
    row => evaluate(where, row) === true && (options.ids?.some(id => Number(id) === row.id) ?? true),
  );
  const groups = new Map<string, { dims: Value[]; rows: Row[] }>();
  if (dimensions.length === 0) groups.set('[]', { dims: [], rows: [] });
  for (const row of chosen) {
    const place = places.find(one => one.id === row.place);
    const dims = dimensions.map(({ field, from, bucket }) => {
      const source = from === undefined ? row : place;
      return inBucket((source?.[field as keyof typeof source] as Value | undefined) ?? null, bucket);
    });
    const key = JSON.stringify(dims);
    const group = groups.get(key) ?? { dims, rows: [] };
    group.rows.push(row);
    groups.set(key, group);
  }
  const names = dimensions.map(({ field, as }) => as ?? field);
  return [...groups.values()]
    .map(group => {
      const computed = Object.entries(measures).map(([key, measure]): [string, unknown] => [
        key,
        compute(measure, group.rows, options.changeTrackingColumn),
      ]);
      return { group, computed };
    })
    .filter(({ group, computed }) => {
      const row = new Map([['count', group.rows.length], ...computed]) as Map<string, unknown>;
      return evaluate(having, ownProperties(row) as unknown as DataRow) === true;
    })
    .sort((a, b) => {
      for (const { key, dir } of options.sort ?? []) {
        const of = ({ group, computed }: typeof a): Value => {
          const at = names.indexOf(key);
          if (at >= 0) return group.dims[at] as Value;
          const measure = computed.find(([name]) => name === key);
          return measure ? (measure[1] as Value) : group.rows.length;
        };
        const order = compare(of(a), of(b), dir === 'desc');
        if (order !== 0) return order;
      }
      for (const at of names.keys()) {
        const order = compare(a.group.dims[at] as Value, b.group.dims[at] as Value, false);
        if (order !== 0) return order;
      }
      return 0;
    })
    .slice(0, limit)
    .map(({ group, computed }) => ({
      dims: ownProperties(new Map(names.map((name, at) => [name, group.dims[at]]))),
      measures: ownProperties(new Map(computed)),
      count: group.rows.length,
    }));
}

/** With a `__proto__` of its own where there is one. */
function ownProperties(entries: Map<string, unknown>): Record<string, unknown> {
  return JSON.parse(
    `{${[...entries].map(([key, value]) => `${JSON.stringify(key)}:${JSON.stringify(value)}`).join(',')}}`,
  ) as Record<string, unknown>;
}

function inBucket(value: Value, bucket: unknown): Value {
  if (value === null || bucket === undefined) return value;
  if (typeof bucket === 'string') return startOf(new Date(String(value)), bucket);
  const { step, breaks } = bucket as { step?: number; breaks?: number[] };
  if (breaks) return breaks.filter(one => one <= Number(value)).at(-1) ?? null;
  const size = step as number;
  const index = Math.floor(Number((Number(value) / size).toPrecision(15)));
  return Number((index * size).toPrecision(15)) + 0;
}

function startOf(at: Date, unit: string): string {
  const parts: [number, number, number, number, number] = [
    at.getUTCFullYear(),
    at.getUTCMonth(),
    at.getUTCDate(),
    at.getUTCHours(),
    at.getUTCMinutes(),
  ];
  const [year, month, day, hour, minute] = parts;
  const starts: Record<string, number> = {
    minute: Date.UTC(year, month, day, hour, minute),
    hour: Date.UTC(year, month, day, hour),
    day: Date.UTC(year, month, day),
    week: Date.UTC(year, month, day - ((at.getUTCDay() + 6) % 7)),
    month: Date.UTC(year, month),
    quarter: Date.UTC(year, month - (month % 3)),
    year: Date.UTC(year, 0),
  };
  return new Date(starts[unit] as number).toISOString().replace('.000Z', 'Z');
}

function compute(measure: MeasureOptions, all: readonly Row[], tracking: string | undefined): unknown {
  const rows = all.filter(row => measure.where === undefined || evaluate(measure.where, row) === true);
  const cellOf = (row: Row, column: string): Value => row[column as keyof Row] as Value;
  const { agg, column } = measure;
  if (agg === 'count' && column === undefined) return rows.length;
  const values = rows.map(row => cellOf(row, column as string)).filter(value => value !== null);
  const numbers = values.map(Number).sort((a, b) => a - b);
  const sum = numbers.reduce((total, value) => total + value, 0);
  switch (agg) {
    case 'count':
      return values.length;
    case 'count_distinct':
      return new Set(values).size;
    case 'sum':
      return numbers.length === 0 ? null : sum;
    case 'avg':
      return numbers.length === 0 ? null : sum / numbers.length;
    case 'min':
      return values.sort((a, b) => compare(a, b, false))[0] ?? null;
    case 'max':
      return values.sort((a, b) => compare(a, b, true))[0] ?? null;
    case 'percentile': {
      if (numbers.length === 0) return null;
      const place = (measure.p as number) * (numbers.length - 1);
      const low = numbers[Math.floor(place)] as number;
      const high = numbers[Math.ceil(place)] as number;
      return low + (high - low) * (place - Math.floor(place));
    }
    case 'top_k':
      return [...new Set(values)]
        .map(value => ({ value, count: values.filter(one => one === value).length }))
        .sort((a, b) => b.count - a.count || compare(a.value, b.value, false))
        .slice(0, measure.k);
    default: {
      const tracked = rows.filter(row => cellOf(row, tracking as string) !== null);
      tracked.sort((a, b) =>
        compare(cellOf(a, tracking as string), cellOf(b, tracking as string), agg === 'last'),
      );
      return tracked[0] ? cellOf(tracked[0], column as string) : null;
    }
  }
}

/** Nulls last, both ways; texts by their bytes. */
function compare(a: Value, b: Value, down: boolean): number {
  if (a === null || b === null) return (a === null ? 1 : 0) - (b === null ? 1 : 0);
  const order =
    typeof a === 'number' && typeof b === 'number'
      ? a - b
      : Buffer.compare(Buffer.from(String(a)), Buffer.from(String(b)));
  return down ? -order : order;
}
