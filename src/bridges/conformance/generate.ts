/** Filters from a seed: the same ones for the same seed, on every machine. */
import type { CellValue, ConformanceTable } from './tables.ts';

export type Where = Record<string, unknown>;

const COMPARISONS = ['$eq', '$ne', '$gt', '$gte', '$lt', '$lte'];
const PATTERNS = ['$like', '$ilike', '$contains', '$startsWith', '$endsWith'];
/** Levels of `$and`, `$or` and `$not` around a condition. */
const MAX_DEPTH = 3;

export class WhereGenerator {
  readonly #table: ConformanceTable;
  readonly #without: ReadonlySet<string>;
  #state: number;

  /** @param without operators that are not generated. */
  constructor(table: ConformanceTable, seed: number, without: readonly string[]) {
    this.#table = table;
    this.#without = new Set(without);
    this.#state = seed >>> 0;
  }

  next(depth = MAX_DEPTH): Where {
    const shape = depth === 0 ? 0 : this.#below(6);
    const several = (): Where[] => Array.from({ length: this.#below(4) }, () => this.next(depth - 1));
    if (shape === 3 && this.#has('$and')) return { $and: several() };
    if (shape === 4 && this.#has('$or')) return { $or: several() };
    if (shape === 5 && this.#has('$not')) return { $not: this.next(depth - 1) };
    return shape === 2 ? { ...this.#field(), ...this.#field() } : this.#field();
  }

  #field(): Where {
    const { name, type } = this.#pick(this.#table.columns);
    const value = (): CellValue => this.#pick(this.#table.rows)[name] as CellValue;
    const known = (): CellValue => {
      for (;;) {
        const found = value();
        if (found !== null) return found;
      }
    };
    const ranges = name === 'note' ? COMPARISONS.slice(0, 2) : COMPARISONS;
    const operators = [...ranges, '$in', '$nin', '$exists', ...(type === 'text' ? PATTERNS : [])];
    const operator = (): Where => {
      const op = this.#pick(operators.filter(one => this.#has(one)));
      if (op === '$in' || op === '$nin') return { [op]: Array.from({ length: this.#below(4) }, value) };
      if (op === '$exists') return { [op]: this.#below(2) === 0 };
      if (PATTERNS.includes(op)) return { [op]: this.#pattern(String(known()), op) };
      return { [op]: op === '$eq' || op === '$ne' ? value() : known() };
    };
    switch (this.#below(5)) {
      case 0:
        return { [name]: value() };
      case 1:
        return { [name]: { ...operator(), ...operator() } };
      case 2:
        return this.#has('$not') ? { [name]: { $not: operator() } } : { [name]: operator() };
      default:
        return { [name]: operator() };
    }
  }

  /** A piece of a text that is there; of a pattern, some characters replaced by wildcards or escaped. */
  #pattern(text: string, op: string): string {
    const characters = [...text];
    const start = this.#below(characters.length + 1);
    const piece = characters.slice(start, start + this.#below(4));
    if (op !== '$like' && op !== '$ilike') return piece.join('');
    const pattern = characters.map(one => {
      const choice = this.#below(5);
      if (choice === 0) return '_';
      if (choice === 1) return '%';
      return /[%_\\]/.test(one) ? `\\${one}` : one;
    });
    return pattern.join('');
  }

  #has(operator: string): boolean {
    return !this.#without.has(operator);
  }

  #pick<T>(from: readonly T[]): T {
    return from[this.#below(from.length)] as T;
  }

  /** A whole number from 0, below that one: mulberry32, which needs 32 bits of state and passes what we ask of it. */
  #below(limit: number): number {
    this.#state = (this.#state + 0x6d2b79f5) >>> 0;
    let mixed = this.#state;
    mixed = Math.imul(mixed ^ (mixed >>> 15), mixed | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return Math.floor((((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32) * limit);
  }
}
