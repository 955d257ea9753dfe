/** The filter grammar again, row by row in memory: what compiled SQL is held against. Shares nothing with it. */

export type Value = string | number | bigint | null;
export type DataRow = Record<string, Value>;

/** How a database folds letter case. */
export type Fold = (text: string) => string;

/** What engines do differently with text. */
export interface TextRules {
  /** Letters that `$ilike` and its kind take for the same are the same in what this returns. */
  fold: Fold;
  /** Below zero, zero or above, as the text column of the test sorts. */
  compare(a: string, b: string): number;
}

/** ASCII letters alone are folded; text sorts by its bytes in UTF-8. */
export const ASCII_RULES: TextRules = {
  fold: text => text.replace(/[A-Z]/g, letter => letter.toLowerCase()),
  compare: (a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)),
};

/** True, false, or null for SQL's unknown. */
type Truth = boolean | null;

export function evaluate(where: Record<string, unknown>, row: DataRow, fold = ASCII_RULES.fold): Truth {
  return new Oracle({ ...ASCII_RULES, fold }).evaluate(where, row);
}

/** Whether a row is found: SQL finds those for which the filter is true, not those for which it is unknown. */
export function isFound(where: Record<string, unknown>, row: DataRow, rules: TextRules): boolean {
  return new Oracle(rules).evaluate(where, row) === true;
}

class Oracle {
  readonly #rules: TextRules;

  constructor(rules: TextRules) {
    this.#rules = rules;
  }

  evaluate(where: Record<string, unknown>, row: DataRow): Truth {
    return and(
      Object.entries(where).map(([key, operand]) => {
        const parts = (): Truth[] =>
          (operand as Record<string, unknown>[]).map(one => this.evaluate(one, row));
        if (key === '$and') return and(parts());
        if (key === '$or') return or(parts());
        if (key === '$not') return not(this.evaluate(operand as Record<string, unknown>, row));
        return this.#field(row[key] ?? null, operand);
      }),
    );
  }

  #field(value: Value, operand: unknown): Truth {
    if (operand === null) return value === null;
    if (Array.isArray(operand)) return this.#isIn(value, operand as Value[]);
    if (typeof operand !== 'object') return this.#compare(value, operand as Value, order => order === 0);
    return and(Object.entries(operand as object).map(([op, one]) => this.#operator(value, op, one)));
  }

  #operator(value: Value, op: string, operand: unknown): Truth {
    const other = operand as Value;
    switch (op) {
      case '$eq':
        return other === null ? value === null : this.#compare(value, other, order => order === 0);
      case '$ne':
        return other === null ? value !== null : this.#compare(value, other, order => order !== 0);
      case '$gt':
        return this.#compare(value, other, order => order > 0);
      case '$gte':
        return this.#compare(value, other, order => order >= 0);
      case '$lt':
        return this.#compare(value, other, order => order < 0);
      case '$lte':
        return this.#compare(value, other, order => order <= 0);
      case '$in':
        return this.#isIn(value, operand as Value[]);
      case '$nin':
        return not(this.#isIn(value, operand as Value[]));
      case '$exists':
        return (value !== null) === operand;
      case '$not':
        return not(this.#field(value, operand));
      default:
        return value === null ? null : this.#matches(op, String(value), String(operand));
    }
  }

  #matches(op: string, value: string, operand: string): boolean {
    const { fold } = this.#rules;
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

  #isIn(value: Value, list: Value[]): Truth {
    return or(list.map(one => this.#compare(value, one, order => order === 0)));
  }

  /** An integer of the column meets an operand in digits, however many, exactly. */
  #compare(value: Value, other: Value, holds: (order: number) => boolean): Truth {
    if (value === null || other === null) return null;
    if (typeof value === 'bigint') {
      const operand = BigInt(other);
      return holds(value < operand ? -1 : value > operand ? 1 : 0);
    }
    if (typeof value === 'number') return holds(value - Number(other));
    return holds(this.#rules.compare(value, String(other)));
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
