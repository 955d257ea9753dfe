/** The filter grammar row by row in memory, for MySQL's types: what the compiled SQL is held against. Shares nothing with it. */

/** How a column compares: exact numbers, doubles, texts by code point, texts that are only equal or not, local times. */
export type ColumnKind = 'number' | 'double' | 'ordered text' | 'text' | 'time' | 'binary';
export type Columns = Record<string, ColumnKind>;
export type DataRow = Record<string, string | number | null>;

/** True, false, or null for SQL's unknown. */
type Truth = boolean | null;
type Scalar = string | number | boolean | null;

export function evaluate(columns: Columns, where: Record<string, unknown>, row: DataRow): Truth {
  const inner = (one: unknown): Truth => evaluate(columns, one as Record<string, unknown>, row);
  return and(
    Object.entries(where).map(([key, operand]) => {
      if (key === '$and') return and((operand as unknown[]).map(inner));
      if (key === '$or') return or((operand as unknown[]).map(inner));
      if (key === '$not') return not(inner(operand));
      return field(columns[key] as ColumnKind, row[key] as Scalar, operand);
    }),
  );
}

function field(kind: ColumnKind, value: Scalar, operand: unknown): Truth {
  if (operand === null) return value === null;
  if (Array.isArray(operand)) return isIn(kind, value, operand);
  if (typeof operand !== 'object') return equal(kind, value, operand as Scalar);
  return and(Object.entries(operand).map(([op, one]) => operator(kind, value, op, one)));
}

function operator(kind: ColumnKind, value: Scalar, op: string, operand: unknown): Truth {
  const other = operand as Scalar;
  switch (op) {
    case '$eq':
      return other === null ? value === null : equal(kind, value, other);
    case '$ne':
      return other === null ? value !== null : not(equal(kind, value, other));
    case '$in':
      return isIn(kind, value, operand as Scalar[]);
    case '$nin':
      return not(isIn(kind, value, operand as Scalar[]));
    case '$exists':
      return (value !== null) === operand;
    case '$not':
      return not(field(kind, value, operand));
    case '$gt':
    case '$gte':
    case '$lt':
    case '$lte':
      return value === null ? null : ordered(op, order(kind, value, other));
    default:
      return value === null ? null : matches(op, String(value), String(operand));
  }
}

function ordered(op: string, sign: number): boolean {
  if (op === '$gt') return sign > 0;
  if (op === '$gte') return sign >= 0;
  return op === '$lt' ? sign < 0 : sign <= 0;
}

function equal(kind: ColumnKind, value: Scalar, other: Scalar): Truth {
  if (value === null || other === null) return null;
  if ((kind === 'number' || kind === 'double') && !isNumber(other)) return false;
  if (kind === 'time' && !/^\d{4}-/.test(String(other))) return false;
  if (kind === 'text' || kind === 'ordered text' || kind === 'binary') return String(value) === plain(other);
  return order(kind, value, other) === 0;
}

function order(kind: ColumnKind, value: Scalar, other: Scalar): number {
  switch (kind) {
    case 'number':
      return Math.sign(Number(fixed(plain(value)) - fixed(plain(other))));
    case 'double':
      return Math.sign(Number(value) - Number(plain(other)));
    case 'time':
      return compared(wholeTime(String(value)), wholeTime(String(other)));
    default:
      return Math.sign(Buffer.compare(Buffer.from(String(value)), Buffer.from(plain(other))));
  }
}

function plain(value: Scalar): string {
  return typeof value === 'boolean' ? String(Number(value)) : String(value);
}

function compared(a: string, b: string): number {
  return a === b ? 0 : a < b ? -1 : 1;
}

/** Nine decimals, so that texts order as times do. */
function wholeTime(text: string): string {
  const [date, time = '00:00:00'] = text.replace('Z', '').split('T') as [string, string?];
  const [whole, fraction = ''] = time.split('.') as [string, string?];
  return `${date}T${whole}.${fraction.padEnd(9, '0')}`;
}

function isNumber(value: Scalar): boolean {
  return /^-?\d+(\.\d+)?(e[+-]?\d+)?$/.test(plain(value));
}

/** Times 10^400: the digits of every number that is generated. */
function fixed(text: string): bigint {
  const [mantissa, exponent = '0'] = text.split('e') as [string, string?];
  const [whole, fraction = ''] = mantissa.replace('-', '').split('.') as [string, string?];
  const places = 400 + Number(exponent) - fraction.length;
  const units = BigInt(whole + fraction) * 10n ** BigInt(Math.max(0, places));
  return (mantissa.startsWith('-') ? -1n : 1n) * (places < 0 ? units / 10n ** BigInt(-places) : units);
}

function matches(op: string, value: string, operand: string): boolean {
  const [folded, pattern] = [value.toLowerCase(), operand.toLowerCase()];
  switch (op) {
    case '$like':
      return like([...value], [...operand]);
    case '$ilike':
      return like([...folded], [...pattern]);
    case '$contains':
      return folded.includes(pattern);
    case '$startsWith':
      return folded.startsWith(pattern);
    case '$endsWith':
      return folded.endsWith(pattern);
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

function isIn(kind: ColumnKind, value: Scalar, list: Scalar[]): Truth {
  return or(list.map(one => equal(kind, value, one)));
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
