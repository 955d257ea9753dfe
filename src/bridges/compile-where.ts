/** A checked filter as SQL, quoted and bound by kysely for whichever dialect compiles it. */
import { type RawBuilder, sql } from 'kysely';
import { assertNever } from '../errors.ts';
import type { Comparison, Condition, Pattern, Scalar } from '../where/where.ts';

/** What a dialect says differently, over the columns of one table. */
export interface WhereDialect {
  /**
   * The column, quoted.
   *
   * @throws Error naming a column that the table has not.
   */
  column(field: string): RawBuilder<unknown>;
  /** The column compared with a bound scalar that is not null. */
  compare(field: string, op: Comparison, value: Scalar): RawBuilder<unknown>;
  /** The column in a list of one or more; a null in it means what SQL says. */
  isIn(field: string, values: readonly (Scalar | null)[], negated: boolean): RawBuilder<unknown>;
  /** The column matches the pattern, in that letter case or in any. */
  matches(field: string, pattern: readonly PatternPart[], caseSensitive: boolean): RawBuilder<unknown>;
}

/** `%` and `_` of a pattern, or text to be taken literally. */
export type PatternPart = { wildcard: 'any' | 'one' } | { text: string };

/** How SQL spells a comparison. */
export const SIGNS: Record<Comparison, string> = {
  $eq: '=',
  $ne: '<>',
  $gt: '>',
  $gte: '>=',
  $lt: '<',
  $lte: '<=',
};

/** A piece of the filter, with what decides how it may stand beside others. */
interface Piece {
  sql: RawBuilder<unknown>;
  /** Parentheses open at its deepest point. */
  nesting: number;
  /** Whether it falls apart without parentheses. */
  joined: boolean;
}

/** Chains longer than this become trees: each link of a chain is a level of SQLite's expression depth (1,000). */
const MAX_CHAIN = 8;

export function compileWhere(condition: Condition, dialect: WhereDialect): RawBuilder<unknown> {
  return compilePiece(condition, false, dialect).sql;
}

/**
 * Negation goes inward to the comparisons, which three-valued logic allows: SQLite's parser holds a hundred open
 * symbols, and each `not (` on the way in would be two of them.
 */
function compilePiece(condition: Condition, negated: boolean, dialect: WhereDialect): Piece {
  switch (condition.kind) {
    case 'and':
    case 'or': {
      const word = (condition.kind === 'and') !== negated ? 'and' : 'or';
      const pieces = condition.of.map(one => compilePiece(one, negated, dialect));
      return pieces.length === 0 ? leaf(constant(word === 'and')) : join(pieces, word);
    }
    case 'not':
      return compilePiece(condition.of, !negated, dialect);
    default: {
      const holds = compileLeaf(condition, dialect);
      return leaf(negated ? sql`not (${holds})` : holds);
    }
  }
}

/** The deepest piece comes first: what stands before an open parenthesis waits on the parser's stack with it. */
function join(pieces: Piece[], word: 'and' | 'or'): Piece {
  const [first] = pieces;
  if (first && pieces.length === 1) return first;
  const sorted = pieces.toSorted((a, b) => b.nesting - a.nesting);
  if (sorted.length > MAX_CHAIN) {
    const size = Math.ceil(sorted.length / MAX_CHAIN);
    const groups: Piece[] = [];
    for (let at = 0; at < sorted.length; at += size) groups.push(join(sorted.slice(at, at + size), word));
    return join(groups, word);
  }
  const parts = sorted.map(piece => (piece.joined ? sql`(${piece.sql})` : piece.sql));
  return {
    sql: sql.join(parts, sql.raw(` ${word} `)),
    nesting: Math.max(...sorted.map(piece => piece.nesting + (piece.joined ? 1 : 0))),
    joined: true,
  };
}

function leaf(holds: RawBuilder<unknown>): Piece {
  return { sql: holds, nesting: 0, joined: false };
}

function compileLeaf(
  condition: Exclude<Condition, { kind: 'and' | 'or' | 'not' }>,
  dialect: WhereDialect,
): RawBuilder<unknown> {
  switch (condition.kind) {
    case 'null':
      return condition.negated
        ? sql`${dialect.column(condition.field)} is not null`
        : sql`${dialect.column(condition.field)} is null`;
    case 'compare':
      return dialect.compare(condition.field, condition.op, condition.value);
    case 'in':
      if (condition.values.length > 0)
        return dialect.isIn(condition.field, condition.values, condition.negated);
      // Looked up all the same: an empty list does not make an unknown column right.
      dialect.column(condition.field);
      return constant(condition.negated);
    case 'pattern':
      return dialect.matches(
        condition.field,
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
    .map(part =>
      'text' in part ? part.text.replace(/[\\%_]/g, '\\$&') : part.wildcard === 'any' ? '%' : '_',
    )
    .join('');
}
