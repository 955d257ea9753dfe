/** Every name that an aggregate says, for a policy to judge. What it does not know is refused, not overlooked. */
import type { Condition } from '../../where/where.ts';
import { parseWhere } from '../../where/where.ts';

export interface AggregateNames {
  /** Columns, aliases and keys, of whichever target. */
  names: string[];
  /** Targets that are joined. */
  joined: string[];
  /** Whether rows are chosen by their keys. */
  byKey: boolean;
}

/** An option, or a part of one, that this runner cannot judge. */
export class UnjudgedError extends Error {
  override readonly name = 'UnjudgedError';
}

type Fields = Record<string, unknown>;

/** @throws UnjudgedError naming the place, WhereError for a filter that is none. */
export function aggregateNames(options: Fields): AggregateNames {
  const given = only(options, 'options', [
    ...['target', 'dimensions', 'measures', 'candidatesWhere', 'where', 'ids', 'having', 'sort', 'limit'],
    ...['changeTrackingColumn', 'joins', 'sample'],
  ]);
  const names: string[] = [];
  const joined: string[] = [];
  const say = (value: unknown, place: string): void => {
    if (value === undefined) return;
    if (typeof value !== 'string') throw new UnjudgedError(`${place} is not a name`);
    names.push(value);
  };
  const filter = (value: unknown): void => {
    if (value !== undefined) names.push(...fieldsOf(parseWhere(value)));
  };
  for (const one of list(given.dimensions, 'dimensions')) {
    const dimension = only(one, 'dimensions', ['field', 'as', 'from', 'bucket']);
    say(dimension.field, 'dimensions.field');
    say(dimension.as, 'dimensions.as');
    say(dimension.from, 'dimensions.from');
    if (typeof dimension.bucket === 'object' && dimension.bucket !== null)
      plain(dimension.bucket as Fields, 'dimensions.bucket');
    else say(dimension.bucket, 'dimensions.bucket');
  }
  for (const [key, one] of Object.entries(only(given.measures ?? {}, 'measures'))) {
    const measure = only(one, 'measures', ['agg', 'column', 'where', 'p', 'k', 'accuracy']);
    say(key, 'measures');
    say(measure.agg, 'measures.agg');
    say(measure.column, 'measures.column');
    filter(measure.where);
    plain({ p: measure.p, k: measure.k, accuracy: measure.accuracy }, 'measures');
  }
  for (const one of list(given.sort, 'sort')) {
    const sort = only(one, 'sort', ['key', 'dir']);
    say(sort.key, 'sort.key');
  }
  for (const one of list(given.joins, 'joins')) {
    const join = only(one, 'joins', ['target', 'alias', 'kind', 'on']);
    const on = only(join.on, 'joins.on', ['local', 'foreign']);
    if (typeof join.target !== 'string') throw new UnjudgedError('joins.target is not a name');
    joined.push(join.target);
    say(join.alias, 'joins.alias');
    say(on.local, 'joins.on.local');
    say(on.foreign, 'joins.on.foreign');
  }
  filter(given.where);
  filter(given.candidatesWhere);
  filter(given.having);
  say(given.changeTrackingColumn, 'changeTrackingColumn');
  plain({ limit: given.limit, sample: given.sample }, 'options');
  return { names, joined, byKey: given.ids !== undefined };
}

/** The columns that a filter compares. */
export function fieldsOf(condition: Condition): string[] {
  switch (condition.kind) {
    case 'and':
    case 'or':
      return condition.of.flatMap(fieldsOf);
    case 'not':
      return fieldsOf(condition.of);
    default:
      return [condition.field];
  }
}

/** An object, with no keys but these where they are given. */
function only(value: unknown, place: string, keys?: readonly string[]): Fields {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw new UnjudgedError(`${place} is not an object`);
  }
  const unknown = keys && Object.keys(value).find(key => !keys.includes(key));
  if (unknown !== undefined)
    throw new UnjudgedError(`${place} has a key ${JSON.stringify(unknown.slice(0, 80))}`);
  return value as Fields;
}

function list(value: unknown, place: string): unknown[] {
  if (value === undefined) return [];
  if (!Array.isArray(value)) throw new UnjudgedError(`${place} is not an array`);
  return value;
}

/** Numbers and words, lists of numbers: nothing that could hold a question of its own. */
function plain(fields: Fields, place: string): void {
  for (const value of Object.values(fields)) {
    const numbers = Array.isArray(value) && value.every(one => typeof one === 'number');
    const word = typeof value === 'string' && /^[a-z0-9_]{1,32}$/i.test(value);
    if (value !== undefined && typeof value !== 'number' && !numbers && !word) {
      throw new UnjudgedError(`${place} holds something that is neither a number nor a word`);
    }
  }
}
