/** The filter grammar on one row: true, false, or null where SQL says unknown. A database would do this itself. */

class UnsupportedOperatorError extends Error {
  /** The runner knows the error by this name: every bridge has a class of its own. */
  name = 'UnsupportedOperatorError';

  constructor({ op, target, bridge }) {
    super(`${bridge} does not support the operator ${op} (target ${target})`);
    Object.assign(this, { op, target, bridge });
  }
}

/** @param about whom an error names: `bridge`, `target`, and `known`, which throws for a column that is not there. */
export function matches(where, row, about) {
  object(where, 'where');
  const parts = Object.entries(where).map(([key, value]) => {
    if (key === '$and' || key === '$or') {
      if (!Array.isArray(value)) throw new TypeError(`${key} is not an array`);
      return (key === '$and' ? and : or)(value.map(one => matches(one, row, about)));
    }
    if (key === '$not') return not(matches(value, row, about));
    if (key.startsWith('$')) throw new UnsupportedOperatorError({ op: key, ...about });
    about.known(key);
    return field(row[key] ?? null, value, about);
  });
  return and(parts);
}

function field(value, operand, about) {
  if (operand === null) return value === null;
  if (Array.isArray(operand)) return isIn(value, operand);
  if (typeof operand !== 'object') return compare(value, operand, order => order === 0);
  const operators = Object.entries(operand);
  if (operators.length === 0) throw new TypeError('an operator object is empty');
  return and(operators.map(([op, one]) => operator(value, op, one, about)));
}

function operator(value, op, operand, about) {
  switch (op) {
    case '$eq':
      return operand === null ? value === null : compare(value, operand, order => order === 0);
    case '$ne':
      return operand === null ? value !== null : compare(value, operand, order => order !== 0);
    case '$gt':
      return compare(value, operand, order => order > 0);
    case '$gte':
      return compare(value, operand, order => order >= 0);
    case '$lt':
      return compare(value, operand, order => order < 0);
    case '$lte':
      return compare(value, operand, order => order <= 0);
    case '$in':
      return isIn(value, list(operand, op));
    case '$nin':
      return not(isIn(value, list(operand, op)));
    case '$exists':
      if (typeof operand !== 'boolean') throw new TypeError('$exists is not a boolean');
      return (value !== null) === operand;
    case '$not':
      return not(field(value, object(operand, '$not'), about));
    case '$contains':
      return pattern(value, operand, op, text => `.*${literal(text)}.*`, 'isu');
    case '$startsWith':
      return pattern(value, operand, op, text => `${literal(text)}.*`, 'isu');
    case '$endsWith':
      return pattern(value, operand, op, text => `.*${literal(text)}`, 'isu');
    case '$like':
      return pattern(value, operand, op, wildcards, 'su');
    case '$ilike':
      return pattern(value, operand, op, wildcards, 'isu');
    default:
      throw new UnsupportedOperatorError({ op, ...about });
  }
}

/** Compared with null nothing is true or false. */
function compare(value, operand, holds) {
  if (typeof operand === 'object' && operand !== null) throw new TypeError('an operand is not a plain value');
  if (value === null || operand === null) return null;
  return holds(value === operand ? 0 : value < operand ? -1 : 1);
}

function isIn(value, values) {
  return or(values.map(one => compare(value, one, order => order === 0)));
}

function pattern(value, operand, op, source, flags) {
  if (typeof operand !== 'string') throw new TypeError(`${op} is not a string`);
  return value === null ? null : new RegExp(`^${source(operand)}$`, flags).test(String(value));
}

/** `%` and `_` are wildcards; what follows a `\` stands for itself. */
function wildcards(text) {
  return text.replace(/\\(.)|[%_]|[^\\%_]+|\\$/gsu, (piece, escaped) => {
    if (escaped !== undefined) return literal(escaped);
    return piece === '%' ? '.*' : piece === '_' ? '.' : literal(piece);
  });
}

function literal(text) {
  return text.replace(/[\\^$.*+?()[\]{}|/]/g, '\\$&');
}

const and = truths => (truths.includes(false) ? false : truths.includes(null) ? null : true);
const or = truths => (truths.includes(true) ? true : truths.includes(null) ? null : false);
const not = truth => (truth === null ? null : !truth);

function object(value, what) {
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value;
  throw new TypeError(`${what} is not an object`);
}

function list(value, what) {
  if (Array.isArray(value)) return value;
  throw new TypeError(`${what} is not an array`);
}
