/** The filter grammar again, row by row in memory: what the compiled SQL is held against. Shares nothing with it. */

export type DataRow = Record<string, number | string | null>;

/** How a database folds letter case. */
export type Fold = (text: string) => string;

/** True, false, or null for SQL's unknown. */
type Truth = boolean | null;
type Value = string | number | null;

export function evaluate(where: Record<string, unknown>, row: DataRow, fold: Fold = foldAscii): Truth {
  return and(
    Object.entries(where).map(([key, operand]) => {
      const parts = operand as Record<string, unknown>[];
      if (key === '$and') return and(parts.map(one => evaluate(one, row, fold)));
      if (key === '$or') return or(parts.map(one => evaluate(one, row, fold)));
      if (key === '$not') return not(evaluate(operand as Record<string, unknown>, row, fold));
      return field(row[key] ?? null, operand, fold);
    }),
  );
}

function field(value: Value, operand: unknown, fold: Fold): Truth {
  if (operand === null) return value === null;
  if (Array.isArray(operand)) return isIn(value, operand as Value[]);
  if (typeof operand !== 'object') return compare(value, operand as Value, order => order === 0);
  return and(Object.entries(operand as object).map(([op, one]) => operator(value, op, one, fold)));
}

function operator(value: Value, op: string, operand: unknown, fold: Fold): Truth {
  const other = operand as Value;
  switch (op) {
    case '$eq':
      return other === null ? value === null : compare(value, other, order => order === 0);
    case '$ne':
      return other === null ? value !== null : compare(value, other, order => order !== 0);
    case '$gt':
      return compare(value, other, order => order > 0);
    case '$gte':
      return compare(value, other, order => order >= 0);
    case '$lt':
      return compare(value, other, order => order < 0);
    case '$lte':
      return compare(value, other, order => order <= 0);
    case '$in':
      return isIn(value, operand as Value[]);
    case '$nin':
      return not(isIn(value, operand as Value[]));
    case '$exists':
      return (value !== null) === operand;
    case '$not':
      return not(field(value, operand, fold));
    default:
      return value === null ? null : matches(op, String(value), String(operand), fold);
  }
}

function matches(op: string, value: string, operand: string, fold: Fold): boolean {
  switch (op) {
    case '$like':
      return like([...value], [...operand]);
    case '$ilike':
      return like([...fold(value)], [...fold(operand)]);
    case '$contains':
      return fold(value).includes(fold(operand));
    case '$startsWith':
      return fold(value).startsWith(fold(operand));
    case '$endsWith':
      return fold(value).endsWith(fold(operand));
    default:
      throw new Error(`the oracle does not know ${op}`);
  }
}

function like(value: string[], pattern: string[]): boolean {
  const [first, ...rest] = pattern;
  if (first === undefined) return value.length === 0;
  if (first === '%') return value.some((_, at) => like(value.slice(at), rest)) || like([], rest);
  const [next, ...others] = value;
  if (next === undefined) return false;
  if (first === '_') return like(others, rest);
  if (first === '\\' && rest[0] !== undefined) return next === rest[0] && like(others, rest.slice(1));
  return next === first && like(others, rest);
}

/** ASCII letters alone, as SQLite folds. */
function foldAscii(text: string): string {
  return text.replace(/[A-Z]/g, letter => letter.toLowerCase());
}

function isIn(value: Value, list: Value[]): Truth {
  return or(list.map(one => compare(value, one, order => order === 0)));
}

function compare(a: Value, b: Value, holds: (order: number) => boolean): Truth {
  if (a === null || b === null) return null;
  if (typeof a === 'number' && typeof b === 'number') return holds(a - b);
  return holds(Buffer.compare(Buffer.from(String(a)), Buffer.from(String(b))));
}

function and(truths: Truth[]): Truth {
  if (truths.includes(false)) return false;
  return truths.includes(null) ? null : true;
}

function or(truths: Truth[]): Truth {
  if (truths.includes(true)) return true;
  return truths.includes(null) ? null : false;
}

function not(truth: Truth): Truth {
  return truth === null ? null : !truth;
}
