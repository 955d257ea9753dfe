/** The filter grammar: JSON in, a checked tree out. Gateway and bridges read it through this one file. */

export const COMPARISONS = ['$eq', '$ne', '$gt', '$gte', '$lt', '$lte'] as const;
export const PATTERNS = ['$like', '$ilike', '$contains', '$startsWith', '$endsWith'] as const;

export type Comparison = (typeof COMPARISONS)[number];
export type Pattern = (typeof PATTERNS)[number];
export type Scalar = string | number | boolean;

/** A filter, in three-valued logic as SQL has it. */
export type Condition =
  | { kind: 'and' | 'or'; of: Condition[] }
  | { kind: 'not'; of: Condition }
  | { kind: 'null'; field: string; negated: boolean }
  | { kind: 'compare'; field: string; op: Comparison; value: Scalar }
  | { kind: 'in'; field: string; negated: boolean; values: (Scalar | null)[] }
  | { kind: 'pattern'; field: string; op: Pattern; text: string };

/** A filter that cannot be used: an operator nobody has, or an operand it cannot take. */
export class WhereError extends Error {
  override readonly name = 'WhereError';
  readonly kind: 'unsupported_operator' | 'invalid';
  readonly op: string | undefined;

  constructor(kind: 'unsupported_operator' | 'invalid', message: string, op?: string) {
    super(message);
    this.kind = kind;
    this.op = op;
  }
}

/** Deeper than any filter a person writes, far from the end of the stack and of a database's expression limit. */
const MAX_DEPTH = 64;
export const MAX_FIELD_LENGTH = 1_024;

/**
 * @param input the `where` of a question; undefined is everything.
 * @param place where in the question it stands, for errors.
 * @throws WhereError naming the place, never the value.
 * @example parseWhere({ status: 'shipped', total: { $gte: 500 } })
 */
export function parseWhere(input: unknown, place = 'where'): Condition {
  return input === undefined ? all([]) : parseObject(input, place, 0);
}

function parseObject(input: unknown, path: string, depth: number): Condition {
  if (depth > MAX_DEPTH) throw invalid(`where nests deeper than ${MAX_DEPTH}`);
  if (!isObject(input)) throw invalid(`${path} is not an object`);
  const parts = Object.entries(input).map(([key, value]) => {
    const here = `${path}.${printable(key)}`;
    if (key === '$and' || key === '$or') {
      if (!Array.isArray(value)) throw invalid(`${here} is not an array`);
      const of = value.map((one, index) => parseObject(one, `${here}[${index}]`, depth + 1));
      return key === '$and' ? all(of) : { kind: 'or' as const, of };
    }
    if (key === '$not') return { kind: 'not' as const, of: parseObject(value, here, depth + 1) };
    if (key.startsWith('$')) throw unsupported(key, path);
    return parseField(checkField(key, path), value, here, depth);
  });
  return all(parts);
}

function parseField(field: string, value: unknown, path: string, depth: number): Condition {
  if (value === null) return { kind: 'null', field, negated: false };
  if (Array.isArray(value)) return membership(field, value, path, false);
  if (!isObject(value)) return { kind: 'compare', field, op: '$eq', value: scalar(value, path) };
  const entries = Object.entries(value);
  if (entries.length === 0) throw invalid(`${path} is an empty object: name an operator, such as {"$eq": …}`);
  return all(
    entries.map(([op, operand]) => parseOperator(field, op, operand, `${path}.${printable(op)}`, depth)),
  );
}

function parseOperator(field: string, op: string, operand: unknown, path: string, depth: number): Condition {
  switch (op) {
    case '$eq':
    case '$ne':
      if (operand === null) return { kind: 'null', field, negated: op === '$ne' };
      return { kind: 'compare', field, op, value: scalar(operand, path) };
    case '$gt':
    case '$gte':
    case '$lt':
    case '$lte':
      return { kind: 'compare', field, op, value: scalar(operand, path) };
    case '$in':
    case '$nin':
      if (!Array.isArray(operand)) throw invalid(`${path} is not an array`);
      return membership(field, operand, path, op === '$nin');
    case '$like':
    case '$ilike':
    case '$contains':
    case '$startsWith':
    case '$endsWith':
      if (typeof operand !== 'string') throw invalid(`${path} is not a string`);
      return { kind: 'pattern', field, op, text: operand };
    case '$exists':
      if (typeof operand !== 'boolean') throw invalid(`${path} is not a boolean`);
      return { kind: 'null', field, negated: operand };
    case '$not':
      return { kind: 'not', of: parseField(field, nested(operand, path, depth), path, depth + 1) };
    default:
      throw unsupported(op, path);
  }
}

/** `{field: {$not: {…}}}` negates operators, never a bare value. */
function nested(operand: unknown, path: string, depth: number): unknown {
  if (depth > MAX_DEPTH) throw invalid(`where nests deeper than ${MAX_DEPTH}`);
  if (!isObject(operand)) throw invalid(`${path} is not an object`);
  return operand;
}

function membership(field: string, values: unknown[], path: string, negated: boolean): Condition {
  return {
    kind: 'in',
    field,
    negated,
    values: values.map((value, index) => (value === null ? null : scalar(value, `${path}[${index}]`))),
  };
}

function all(of: Condition[]): Condition {
  return of.length === 1 ? (of[0] as Condition) : { kind: 'and', of };
}

function scalar(value: unknown, path: string): Scalar {
  if (typeof value === 'string' || typeof value === 'boolean') return value;
  if (typeof value === 'number' && Number.isFinite(value)) return value;
  throw invalid(`${path} is not a string, a number or a boolean`);
}

/** @throws WhereError for what cannot be the name of a column anywhere. */
export function checkField(field: string, path: string): string {
  if (field === '' || field.length > MAX_FIELD_LENGTH || field.includes('\0')) {
    throw invalid(`${path} has a field name that is empty, too long or holds a NUL`);
  }
  return field;
}

function unsupported(op: string, path: string): WhereError {
  return new WhereError('unsupported_operator', `${path}: there is no operator ${printable(op)}`, op);
}

function invalid(message: string): WhereError {
  return new WhereError('invalid', message);
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** A key of the caller's, short enough for an error. */
function printable(key: string): string {
  return key.length > 80 ? `${key.slice(0, 80)}…` : key;
}
