/** A checked filter as SQL, quoted and bound by kysely for whichever dialect compiles it. */
import { type RawBuilder, sql } from 'kysely';
import { assertNever } from '../errors.ts';
import type { Comparison, Condition, Pattern } from '../where/where.ts';

/** What a dialect says differently. */
export interface WhereDialect {
  /** The column, quoted. */
  column(field: string): RawBuilder<unknown>;
  /** A scalar as a bound value. */
  value(value: string | number | boolean): RawBuilder<unknown>;
  /** The column matches the pattern, in that letter case or in any. */
  matches(column: RawBuilder<unknown>, pattern: readonly PatternPart[], caseSensitive: boolean): RawBuilder<unknown>;
}

/** `%` and `_` of a pattern, or text to be taken literally. */
export type PatternPart = { wildcard: 'any' | 'one' } | { text: string };

const SIGNS: Record<Comparison, string> = {
  $eq: '=',
  $ne: '<>',
  $gt: '>',
  $gte: '>=',
  $lt: '<',
  $lte: '<=',
};

export function compileWhere(condition: Condition, dialect: WhereDialect): RawBuilder<unknown> {
  switch (condition.kind) {
    case 'and':
    case 'or': {
      const parts = condition.of.map(one => sql`(${compileWhere(one, dialect)})`);
      return parts.length === 0 ? constant(condition.kind === 'and') : balanced(parts, condition.kind);
    }
    case 'not':
      return sql`not (${compileWhere(condition.of, dialect)})`;
    case 'null':
      return condition.negated
        ? sql`${dialect.column(condition.field)} is not null`
        : sql`${dialect.column(condition.field)} is null`;
    case 'compare':
      return sql`${dialect.column(condition.field)} ${sql.raw(SIGNS[condition.op])} ${dialect.value(condition.value)}`;
    case 'in': {
      if (condition.values.length === 0) return constant(condition.negated);
      const values = condition.values.map(value => (value === null ? sql`null` : dialect.value(value)));
      return sql`${dialect.column(condition.field)} ${sql.raw(condition.negated ? 'not in' : 'in')} (${sql.join(values)})`;
    }
    case 'pattern':
      return dialect.matches(
        dialect.column(condition.field),
        patternOf(condition.op, condition.text),
        condition.op === '$like',
      );
    default:
      return assertNever(condition);
  }
}

function constant(holds: boolean): RawBuilder<unknown> {
  return holds ? sql`1 = 1` : sql`1 = 0`;
}

/** As a tree of little depth: a chain of two thousand ANDs is deeper than SQLite's parser goes. */
function balanced(parts: RawBuilder<unknown>[], word: 'and' | 'or'): RawBuilder<unknown> {
  const [first, second] = parts;
  if (first && parts.length === 1) return first;
  if (first && second && parts.length === 2) return sql`${first} ${sql.raw(word)} ${second}`;
  const middle = parts.length >> 1;
  return sql`(${balanced(parts.slice(0, middle), word)}) ${sql.raw(word)} (${balanced(parts.slice(middle), word)})`;
}

function patternOf(op: Pattern, text: string): PatternPart[] {
  const any: PatternPart = { wildcard: 'any' };
  switch (op) {
    case '$contains':
      return [any, { text }, any];
    case '$startsWith':
      return [{ text }, any];
    case '$endsWith':
      return [any, { text }];
    case '$like':
    case '$ilike':
      return parsePattern(text);
    default:
      return assertNever(op);
  }
}

/** `\` makes the character after it literal; at the very end it stands for itself. */
function parsePattern(text: string): PatternPart[] {
  const parts: PatternPart[] = [];
  let literal = '';
  const flush = (): void => {
    if (literal !== '') parts.push({ text: literal });
    literal = '';
  };
  for (let at = 0; at < text.length; at++) {
    const character = text[at] as string;
    if (character === '\\' && at + 1 < text.length) {
      literal += text[++at];
    } else if (character === '%' || character === '_') {
      flush();
      parts.push({ wildcard: character === '%' ? 'any' : 'one' });
    } else {
      literal += character;
    }
  }
  flush();
  return parts;
}

/** The pattern for LIKE with the escape character `\`. */
export function likePattern(parts: readonly PatternPart[]): string {
  return parts
    .map(part => ('text' in part ? part.text.replace(/[\\%_]/g, '\\$&') : part.wildcard === 'any' ? '%' : '_'))
    .join('');
}
