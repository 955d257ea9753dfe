/** The filter grammar again, row by row in memory: what the compiled SQL is held against. Shares nothing with it. */

export interface DataRow {
  n: number | null;
  r: number | null;
  t: string | null;
}

/** True, false, or null for SQL's unknown. */
type Truth = boolean | null;
type Value = string | number | null;

export function evaluate(where: Record<string, unknown>, row: DataRow): Truth {
  return and(
    Object.entries(where).map(([key, operand]) => {
      if (key === '$and') return and((operand as Record<string, unknown>[]).map(one => evaluate(one, row)));
      if (key === '$or') return or((operand as Record<string, unknown>[]).map(one => evaluate(one, row)));
      if (key === '$not') return not(evaluate(operand as Record<string, unknown>, row));
      return field(row[key as keyof DataRow], operand);
    }),
  );
}

function field(value: Value, operand: unknown): Truth {
  if (operand === null) return value === null;
  if (Array.isArray(operand)) return isIn(value, operand as Value[]);
  if (typeof operand !== 'object') return compare(value, operand as Value, order => order === 0);
  return and(Object.entries(operand as object).map(([op, one]) => operator(value, op, one)));
}

function operator(value: Value, op: string, operand: unknown): Truth {
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
      return not(field(value, operand));
    default:
      return value === null ? null : matches(op, String(value), String(operand));
  }
}

function matches(op: string, value: string, operand: string): boolean {
  switch (op) {
    case '$like':
      return like([...value], [...operand]);
    case '$ilike':
      return like([...folded(value)], [...folded(operand)]);
    case '$contains':
      return folded(value).includes(folded(operand));
    case '$startsWith':
      return folded(value).startsWith(folded(operand));
    case '$endsWith':
      return folded(value).endsWith(folded(operand));
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
function folded(text: string): string {
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
