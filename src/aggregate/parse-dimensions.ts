/** The dimensions of an aggregate, and the joins they may read from: what rows are grouped by. */
import { type Bucket, type Dimension, type Join, TIME_UNITS } from './plan.ts';
import { type Fields, field, invalid, list, number, object, shown, text, unsupported } from './read.ts';

const MAX_DIMENSIONS = 32;
const MAX_JOINS = 16;
const MAX_BREAKS = 1_000;
/** What every caller, and every database, can say without quotes. */
const ALIAS = /^[A-Za-z_][A-Za-z0-9_]{0,63}$/;

/** @throws WhereError naming the dimension by its position. */
export function parseDimensions(input: unknown, joins: readonly Join[]): Dimension[] {
  const names = new Set<string>();
  return list(input, 'dimensions', MAX_DIMENSIONS).map((one, index) => {
    const place = `dimensions[${index}]`;
    const given = object(one, place);
    const name = field(given.field, `${place}.field`);
    const as = given.as === undefined ? name : text(given.as, `${place}.as`);
    if (names.has(as)) throw invalid(`${place} has the name ${shown(as)} of another: give it one with as`);
    names.add(as);
    return {
      name: as,
      field: name,
      join: given.from === undefined ? undefined : joinNamed(given.from, `${place}.from`, joins),
      bucket: given.bucket === undefined ? undefined : parseBucket(given.bucket, `${place}.bucket`),
    };
  });
}

export function parseJoins(input: unknown): Join[] {
  const aliases = new Set<string>();
  return list(input, 'joins', MAX_JOINS).map((one, index) => {
    const place = `joins[${index}]`;
    const given = object(one, place);
    const alias = text(given.alias, `${place}.alias`);
    if (!ALIAS.test(alias)) throw invalid(`${place}.alias is not a plain name of letters, digits and _`);
    if (aliases.has(alias)) throw invalid(`${place}.alias is the alias of another join`);
    aliases.add(alias);
    const kind = text(given.kind ?? 'left', `${place}.kind`);
    if (kind !== 'left') throw unsupported(kind, `${place}.kind`, 'there is no join of the kind');
    const on = object(given.on, `${place}.on`);
    return {
      target: field(given.target, `${place}.target`),
      alias,
      local: field(on.local, `${place}.on.local`),
      foreign: field(on.foreign, `${place}.on.foreign`),
    };
  });
}

function joinNamed(value: unknown, place: string, joins: readonly Join[]): number {
  const alias = text(value, place);
  const index = joins.findIndex(join => join.alias === alias);
  if (index < 0) throw invalid(`${place} is ${shown(alias)}, which is the alias of no join`);
  return index;
}

function parseBucket(value: unknown, place: string): Bucket {
  if (typeof value === 'string') {
    const unit = TIME_UNITS.find(one => one === value);
    if (unit === undefined) throw unsupported(value, place, 'there is no time bucket');
    return { kind: 'time', unit };
  }
  const given = object(value, place);
  const type = text(given.type, `${place}.type`);
  switch (type) {
    case 'numeric':
      return parseNumeric(given, place);
    case 'geohash':
    case 'h3':
    case 'semantic':
      return { kind: 'elsewhere', op: type };
    default:
      throw unsupported(type, `${place}.type`, 'there is no bucket');
  }
}

function parseNumeric(given: Fields, place: string): Bucket {
  if ((given.step === undefined) === (given.breaks === undefined)) {
    throw invalid(`${place} needs either step or breaks`);
  }
  if (given.step !== undefined) {
    const step = number(given.step, `${place}.step`);
    if (step <= 0) throw invalid(`${place}.step is not above 0`);
    return { kind: 'step', step };
  }
  const breaks = list(given.breaks, `${place}.breaks`, MAX_BREAKS).map((one, index) =>
    number(one, `${place}.breaks[${index}]`),
  );
  if (breaks.length === 0) throw invalid(`${place}.breaks is empty`);
  if (breaks.some((one, index) => index > 0 && one <= (breaks[index - 1] as number))) {
    throw invalid(`${place}.breaks does not ascend`);
  }
  return { kind: 'breaks', breaks };
}
