/** A filter put together from rows of column, operator and value. */

export interface Condition {
  /** Tells it from the others while they come and go. */
  id: number;
  field: string;
  op: string;
  value: string;
}

/** What a person reads, and what the API is sent; in the order of the menu. */
export const OPERATORS: { op: string; label: string; operand: 'value' | 'list' | 'none' }[] = [
  { op: '$eq', label: 'is', operand: 'value' },
  { op: '$ne', label: 'is not', operand: 'value' },
  { op: '$gt', label: 'greater than', operand: 'value' },
  { op: '$gte', label: 'at least', operand: 'value' },
  { op: '$lt', label: 'less than', operand: 'value' },
  { op: '$lte', label: 'at most', operand: 'value' },
  { op: '$in', label: 'one of', operand: 'list' },
  { op: '$nin', label: 'none of', operand: 'list' },
  { op: '$contains', label: 'contains', operand: 'value' },
  { op: '$startsWith', label: 'starts with', operand: 'value' },
  { op: '$endsWith', label: 'ends with', operand: 'value' },
  { op: '$like', label: 'is like', operand: 'value' },
  { op: '$ilike', label: 'is like, any case', operand: 'value' },
  { op: 'null', label: 'is empty (null)', operand: 'none' },
  { op: 'not null', label: 'is not empty', operand: 'none' },
];

const TEXT_OPERATORS = new Set(['$contains', '$startsWith', '$endsWith', '$like', '$ilike']);
const NUMERIC = /int|real|float|double|num|dec|money|serial/i;
const BOOLEAN = /bool/i;

/** The API's `where`, or undefined where nothing is asked; types are the columns' own, as the database names them. */
export function whereOf(
  conditions: readonly Condition[],
  typeOf: (field: string) => string,
): Record<string, unknown> | undefined {
  const parts = conditions
    .filter(({ field }) => field !== '')
    .map(condition => ({ [condition.field]: operandOf(condition, typeOf(condition.field)) }));
  if (parts.length === 0) return undefined;
  const fields = new Set(parts.flatMap(part => Object.keys(part)));
  // Two conditions on one column cannot be two keys of one object.
  return fields.size === parts.length ? Object.assign({}, ...parts) : { $and: parts };
}

function operandOf({ op, value }: Condition, type: string): unknown {
  if (op === 'null') return null;
  if (op === 'not null') return { $ne: null };
  if (op === '$in' || op === '$nin') {
    const items = value.split(',').map(item => item.trim());
    return { [op]: items.filter(item => item !== '').map(item => typed(item, type)) };
  }
  const operand = TEXT_OPERATORS.has(op) ? value : typed(value, type);
  return op === '$eq' ? operand : { [op]: operand };
}

/** A number only where it survives as one: `9007199254740993` and `1.10` stay as they were typed. */
function typed(value: string, type: string): unknown {
  const text = value.trim();
  if (BOOLEAN.test(type) && /^(true|false)$/i.test(text)) return text.toLowerCase() === 'true';
  const number = Number(text);
  const isNumber = text !== '' && Number.isFinite(number) && Math.abs(number) <= Number.MAX_SAFE_INTEGER;
  return NUMERIC.test(type) && isNumber ? number : value;
}
