/** The columns of one step of a statement, each under a name of ours, so that no name of the caller's meets another. */
import { sql } from 'kysely';
import type { Sql } from './dialect.ts';

export class Step {
  readonly #prefix: string;
  readonly #columns: { name: string; sql: Sql }[] = [];

  constructor(prefix: string) {
    this.#prefix = prefix;
  }

  get empty(): boolean {
    return this.#columns.length === 0;
  }

  get names(): string[] {
    return this.#columns.map(({ name }) => name);
  }

  /** @returns a reference to the column that the expression will stand in. */
  define(expression: Sql): Sql {
    const name = `${this.#prefix}${this.#columns.length}`;
    this.add(expression, name);
    return sql`${sql.id(name)}`;
  }

  /** Under a name that others refer to by themselves; a name that is there already stays what it is. */
  add(expression: Sql, name: string): void {
    if (!this.#columns.some(one => one.name === name)) this.#columns.push({ name, sql: expression });
  }

  list(): Sql {
    return sql.join(this.#columns.map(({ name, sql: expression }) => sql`${expression} as ${sql.id(name)}`));
  }
}

/** A part of the statement that later parts refer to. */
export interface NamedStep {
  name: string;
  query: Sql;
}

/** A name that hardly any table has; one that has it is named with its schema before it all the same. */
export function stepName(name: string): string {
  return `semilayer_${name}`;
}
