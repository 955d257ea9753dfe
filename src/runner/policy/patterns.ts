/** Names in a policy: exact, or with `*` for any run of characters. What allows is matched strictly, what forbids loosely. */
import { variablePrefix } from '../local-credentials.ts';

export type Matches = (name: string) => boolean;

/** Letter by letter, letter case included: for what a policy allows. */
export function strictly(pattern: string): Matches {
  const expression = globExpression(pattern);
  return name => expression.test(name);
}

/**
 * As source names are told apart by the variables that hold their credentials: a gateway that says `shop.db` for
 * `shop-db` gets the same database, so it gets the same rules.
 */
export function bySource(pattern: string): Matches {
  const expression = globExpression(pattern.split('*').map(canonicalSource).join('*'));
  return name => expression.test(canonicalSource(name));
}

export function canonicalSource(name: string): string {
  const known = canonical.get(name);
  if (known !== undefined) return known;
  const text = variablePrefix(name).slice(SOURCE_PREFIX.length);
  if (canonical.size < MAX_REMEMBERED) canonical.set(name, text);
  return text;
}

/** Every job asks, and the names are those of a few sources. */
const canonical = new Map<string, string>();
const MAX_REMEMBERED = 1_000;

const SOURCE_PREFIX = variablePrefix('');

/**
 * Any way of writing the target: quoted or not, in any letter case, with or without its schema. Two tables of one name
 * in two schemas are both meant, unless the pattern names the schema.
 */
export function byTarget(pattern: string): Matches {
  const wanted = partsOf(pattern).map(part => globExpression(part));
  return target => {
    const parts = partsOf(target);
    const length = Math.min(parts.length, wanted.length);
    for (let back = 1; back <= length; back++) {
      if (!wanted[wanted.length - back]?.test(parts[parts.length - back] as string)) return false;
    }
    return true;
  };
}

/** A column by its name in any letter case and with any accents: some databases compare names without either. */
export function byColumn(pattern: string): Matches {
  const expression = globExpression(folded(pattern));
  return name => expression.test(folded(name));
}

/** The words that could be names of columns in what a bridge may take for more than one name: `upper(email)`. */
export function wordsOf(text: string): string[] {
  return text.match(/[\p{L}\p{M}\p{N}_$]+/gu) ?? [];
}

function partsOf(target: string): string[] {
  return folded(target)
    .replace(/["'`[\]\s]/g, '')
    .split('.');
}

function folded(name: string): string {
  return name.normalize('NFKD').replace(/\p{M}/gu, '').toLowerCase();
}

function globExpression(pattern: string): RegExp {
  const parts = pattern.split('*').map(part => part.replace(/[\\^$.*+?()[\]{}|]/g, '\\$&'));
  return new RegExp(`^${parts.join('.*')}$`, 'su');
}
