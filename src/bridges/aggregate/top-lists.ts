/** The `top_k` measures of an aggregate: lists, whose entries the answer has row by row, each in its own type. */
import { sql } from 'kysely';
import { type Operand, type Sql, whole } from './dialect.ts';
import { type NamedStep, stepName } from './steps.ts';

interface TopList {
  /** The step that has its entries: bucket `g`, place `p`, value `v`, count `c`. */
  name: string;
  value: Sql;
  k: number;
}

const PLACES = stepName('places');
const g = sql`${sql.id('g')}`;
const p = sql`${sql.id('p')}`;
const v = sql`${sql.id('v')}`;
const c = sql`${sql.id('c')}`;

export class TopLists {
  readonly #dimensions: readonly Sql[];
  readonly #lists: TopList[] = [];

  /** @param dimensions columns that tell buckets apart. */
  constructor(dimensions: readonly Sql[]) {
    this.#dimensions = dimensions;
  }

  get empty(): boolean {
    return this.#lists.length === 0;
  }

  /** @returns references to the value and count of an entry in the answer. */
  add({ sql: value }: Operand<unknown>, k: number): { value: Sql; count: Sql } {
    const name = stepName(`top_${this.#lists.length}`);
    this.#lists.push({ name, value, k });
    return { value: sql`${sql.id(name, 'v')}`, count: sql`${sql.id(name, 'c')}` };
  }

  /**
   * The number of a bucket, computed where rows are grouped: entries are joined to buckets by it, and not by values
   * that may be null. Wherever it is computed the same buckets are there, so that it is the same number.
   */
  number(): Sql {
    const order = this.#dimensions;
    return order.length === 0 ? sql`1 as ${g}` : sql`dense_rank() over (order by ${sql.join(order)}) as ${g}`;
  }

  steps(source: string): NamedStep[] {
    const steps = this.#lists.flatMap(({ name, value, k }, index) => {
      const counted = stepName(`counted_${index}`);
      const by = sql.join([...this.#dimensions, value]);
      const place = sql`row_number() over (partition by ${g} order by ${c} desc, ${v})`;
      // Nulls are counted too, and only then left out: a bucket of nothing else has its number all the same.
      return [
        {
          name: counted,
          query: sql`select ${this.number()}, ${value} as ${v}, count(*) as ${c} from ${sql.id(source)} group by ${by}`,
        },
        {
          name,
          query: sql`select ${g}, ${v}, ${c}, ${p}
            from (select ${g}, ${v}, ${c}, ${place} as ${p} from ${sql.id(counted)} where ${v} is not null)
            as ${sql.id(stepName('ranked'))} where ${p} <= ${whole(k)}`,
        },
      ];
    });
    const places = this.#lists.map(({ name }) => sql`select ${g}, ${p} from ${sql.id(name)}`);
    return [...steps, { name: PLACES, query: sql.join(places, sql` union `) }];
  }

  /** A row for each place in the lists of a bucket, and one for a bucket whose lists are all empty. */
  joinedTo(buckets: string): Sql {
    const lists = this.#lists.map(
      ({ name }) => sql`left join ${sql.id(name)} on ${sql.id(name, 'g')} = ${sql.id(PLACES, 'g')}
        and ${sql.id(name, 'p')} = ${sql.id(PLACES, 'p')}`,
    );
    return sql`${sql.id(buckets)} left join ${sql.id(PLACES)} on ${sql.id(PLACES, 'g')} = ${sql.id(buckets, 'g')}
      ${sql.join(lists, sql` `)}`;
  }

  get place(): Sql {
    return sql`${sql.id(PLACES, 'p')}`;
  }
}
