/** Joins of an aggregate: each row of the target is kept, once, with what the one row joined to it has. */
import { sql } from 'kysely';
import type { AggregatePlan, Join } from '../../aggregate/plan.ts';
import type { AggregateDialect, Sql } from './dialect.ts';
import { type NamedStep, type Step, stepName } from './steps.ts';

/** One that some dimension reads from; the others cannot change anything, and are left out. */
interface UsedJoin {
  index: number;
  join: Join;
  columns: { name: string; sql: Sql }[];
}

export class Joins<C> {
  readonly #plan: AggregatePlan;
  readonly #dialect: AggregateDialect<C>;
  readonly #rows: Step;
  readonly #used: UsedJoin[] = [];

  /** @param rows of the target, which get the columns that they are joined by. */
  constructor(plan: AggregatePlan, dialect: AggregateDialect<C>, rows: Step) {
    this.#plan = plan;
    this.#dialect = dialect;
    this.#rows = rows;
    for (const { local } of plan.joins) dialect.base.column(local);
  }

  get empty(): boolean {
    return this.#used.length === 0;
  }

  get targets(): string[] {
    return this.#used.map(({ join }) => join.target);
  }

  /** Names of the columns that joins add to a row. */
  get names(): string[] {
    return this.#used.flatMap(({ columns }) => columns.map(({ name }) => name));
  }

  /** A column over those of the joined table. */
  add(index: number, expression: Sql, name: string): void {
    const known = this.#used.find(one => one.index === index);
    if (known) {
      known.columns.push({ name, sql: expression });
      return;
    }
    const join = this.#plan.joins[index] as Join;
    this.#dialect.joined(join.target).column(join.foreign);
    this.#rows.add(sql`${sql.id(join.local)}`, `k${index}`);
    this.#used.push({ index, join, columns: [{ name, sql: expression }] });
  }

  /** @param rows the step that has the rows of the target. */
  step(rows: string): NamedStep {
    const own = this.#rows.names.map(name => sql`${sql.id(rows, name)} as ${sql.id(name)}`);
    const joined = this.#used.flatMap(({ index, columns }) =>
      columns.map(({ name }) => sql`${sql.id(aliasOf(index), name)} as ${sql.id(name)}`),
    );
    const tables = this.#used.map(({ index, join, columns }) => {
      const list = columns.map(({ name, sql: expression }) => sql`${expression} as ${sql.id(name)}`);
      const { from } = this.#dialect.joined(join.target);
      return sql`left join (select ${sql.id(join.foreign)} as ${sql.id('f')}, ${sql.join(list)} from ${from})
        as ${sql.id(aliasOf(index))} on ${sql.id(rows, `k${index}`)} = ${sql.id(aliasOf(index), 'f')}`;
    });
    return {
      name: stepName('joined'),
      query: sql`select ${sql.join([...own, ...joined])} from ${sql.id(rows)} ${sql.join(tables, sql` `)}`,
    };
  }

  /** For each join, whether its key stands in several rows: any of those would count rows of the target twice. */
  checks(): Sql[] {
    return this.#used.map(({ join: { target, foreign } }) => {
      const { from, isUnique } = this.#dialect.joined(target);
      if (isUnique(foreign)) return sql`0`;
      const column = sql`${sql.id(foreign)}`;
      return sql`(select count(*) from (select 1 as ${sql.id('one')} from ${from} where ${column} is not null
        group by ${column} having count(*) > 1 limit 1) as ${sql.id(stepName('doubled'))})`;
    });
  }
}

function aliasOf(index: number): string {
  return stepName(`join_${index}`);
}
