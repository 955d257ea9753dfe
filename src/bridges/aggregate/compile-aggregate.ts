/**
 * An aggregate as one SELECT, so that every measure sees one state of the table. It is built up in named steps: the
 * rows, what is joined to them, their place among each other, the buckets, and the values that are most frequent.
 */
import { sql } from 'kysely';
import type { AggregatePlan } from '../../aggregate/plan.ts';
import { mapFields } from '../../where/fields.ts';
import { UnsupportedOperatorError } from '../bridge.ts';
import { compileWhere } from '../compile-where.ts';
import {
  type AggregateColumn,
  type AggregateDialect,
  type Computation,
  type Grouping,
  type Sql,
  type ValueType,
  whole,
} from './dialect.ts';
import { compileGrouping } from './groupings.ts';
import { Joins } from './joins.ts';
import { compileMeasure, type MeasureContext, nullsLast, operandOf } from './measures.ts';
import { type NamedStep, Step, stepName } from './steps.ts';
import { TopLists } from './top-lists.ts';

/** A measure's cells in the answer, or for a `top_k` those of one entry: the answer has a row for each. */
export type CompiledMeasure<C> = { key: string } & (
  | { computation: Computation<C> }
  | { top: { column: AggregateColumn<C>; value: Sql; count: Sql } }
);

/**
 * The query, and how a row of its answer is made up: the bucket's place, its rows, for each join what it would double,
 * the dimensions, and the measures.
 */
export interface CompiledAggregate<C> {
  /** For the bridge's own compiler, which quotes and binds. */
  query: Sql;
  /** Targets that are joined. */
  joins: string[];
  dimensions: { name: string; grouping: Grouping<C> }[];
  measures: CompiledMeasure<C>[];
}

/**
 * @throws UnsupportedOperatorError for what the database cannot do, by name; Error for an unknown table or column, or
 * one of a type that the measure or bucket cannot be made of.
 */
export function compileAggregate<C>(plan: AggregatePlan, dialect: AggregateDialect<C>): CompiledAggregate<C> {
  if (plan.sample !== undefined) {
    throw new UnsupportedOperatorError({ op: 'sample', target: plan.target, bridge: dialect.bridge });
  }
  return new Compilation(plan, dialect).result();
}

const BUCKETS = stepName('buckets');
const KEPT = stepName('kept');

class Compilation<C> {
  readonly #plan: AggregatePlan;
  readonly #dialect: AggregateDialect<C>;
  readonly #rows = new Step('r');
  readonly #windows = new Step('w');
  readonly #joins: Joins<C>;
  readonly #tops: TopLists;
  /** References to the dimensions, by the names they have in every step. */
  readonly #by: Sql[];
  readonly #dimensions: CompiledAggregate<C>['dimensions'];
  readonly #measures: CompiledMeasure<C>[];

  constructor(plan: AggregatePlan, dialect: AggregateDialect<C>) {
    this.#plan = plan;
    this.#dialect = dialect;
    this.#joins = new Joins(plan, dialect, this.#rows);
    this.#by = plan.dimensions.map((_, index) => sql`${sql.id(`d${index}`)}`);
    this.#tops = new TopLists(this.#by);
    if (plan.changeTrackingColumn !== undefined) dialect.base.column(plan.changeTrackingColumn);
    this.#dimensions = this.#compileDimensions();
    this.#measures = this.#compileMeasures();
  }

  result(): CompiledAggregate<C> {
    const { steps, source } = this.#source();
    steps.push(this.#buckets(source));
    if (!this.#tops.empty) steps.push(...this.#tops.steps(source), this.#kept());
    const final = this.#tops.empty
      ? sql`select ${this.#answer(BUCKETS, sql`1`)} from ${sql.id(BUCKETS)} ${this.#chosen()}`
      : sql`select ${this.#answer(KEPT, sql`${sql.id(KEPT, 'o')}`)} from ${this.#tops.joinedTo(KEPT)}
        order by ${sql.id(KEPT, 'o')}, ${this.#tops.place}`;
    return {
      query: sql`with ${sql.join(steps.map(({ name, query }) => sql`${sql.id(name)} as (${query})`))} ${final}`,
      joins: this.#joins.targets,
      dimensions: this.#dimensions,
      measures: this.#measures,
    };
  }

  #compileDimensions(): CompiledAggregate<C>['dimensions'] {
    const { dimensions, joins } = this.#plan;
    return dimensions.map((dimension, index) => {
      const target = dimension.join === undefined ? undefined : joins[dimension.join]?.target;
      const table = target === undefined ? this.#dialect.base : this.#dialect.joined(target);
      const grouping = compileGrouping(dimension, table.column(dimension.field), this.#dialect);
      if (dimension.join === undefined) this.#rows.add(grouping.sql, `d${index}`);
      else this.#joins.add(dimension.join, grouping.sql, `d${index}`);
      return { name: dimension.name, grouping };
    });
  }

  #compileMeasures(): CompiledMeasure<C>[] {
    const partition = this.#by.length === 0 ? sql`` : sql`partition by ${sql.join(this.#by)}`;
    const context: MeasureContext<C> = {
      plan: this.#plan,
      dialect: this.#dialect,
      perRow: expression => this.#rows.define(expression),
      window: expression => this.#windows.define(expression),
      over: order => sql`(${partition}${order === undefined ? sql`` : sql` order by ${order}`})`,
    };
    return this.#plan.measures.map(measure => {
      const { key } = measure;
      if (measure.agg !== 'top_k') return { key, computation: compileMeasure(measure, context) };
      const operand = operandOf(measure, context);
      return { key, top: { column: operand.column, ...this.#tops.add(operand, measure.k) } };
    });
  }

  /** The rows with all that is needed of each, and the last of the steps that lead to them. */
  #source(): { steps: NamedStep[]; source: string } {
    const { base } = this.#dialect;
    // A row has at least one column, also when nothing but rows is counted.
    this.#rows.add(sql`1`, 'one');
    const conditions = [compileWhere(this.#plan.where, base.where), ...this.#ids()].map(one => sql`(${one})`);
    const steps = [
      {
        name: stepName('rows'),
        query: sql`select ${this.#rows.list()} from ${base.from} where ${sql.join(conditions, sql` and `)}`,
      },
    ];
    if (!this.#joins.empty) steps.push(this.#joins.step(stepName('rows')));
    if (!this.#windows.empty) {
      const passedOn = [...this.#rows.names, ...this.#joins.names].map(name => sql`${sql.id(name)}`);
      const from = sql.id(steps.at(-1)?.name as string);
      steps.push({
        name: stepName('placed'),
        query: sql`select ${sql.join([...passedOn, this.#windows.list()])} from ${from}`,
      });
    }
    return { steps, source: steps.at(-1)?.name as string };
  }

  #ids(): Sql[] {
    const { ids } = this.#plan;
    if (ids === undefined) return [];
    const { base, bridge } = this.#dialect;
    // Ids that are one value each cannot name rows that several columns tell apart, or none.
    if (base.key === undefined) {
      throw new UnsupportedOperatorError({ op: 'ids', target: base.target, bridge });
    }
    return [ids.length === 0 ? sql`1 = 0` : base.where.isIn(base.key, ids, false)];
  }

  #buckets(source: string): NamedStep {
    const list = [...this.#by, sql`count(*) as ${sql.id('n')}`];
    if (!this.#tops.empty) list.push(this.#tops.number());
    for (const [index, { cells, value }] of this.#computations()) {
      for (const [at, cell] of cells.entries()) list.push(sql`${cell} as ${sql.id(cellName(index, at))}`);
      if (value) list.push(sql`${value} as ${sql.id(valueName(index, { value }))}`);
    }
    const grouped = this.#by.length === 0 ? sql`` : sql` group by ${sql.join(this.#by)}`;
    return { name: BUCKETS, query: sql`select ${sql.join(list)} from ${sql.id(source)}${grouped}` };
  }

  /** The buckets of the answer, with the place of each: what is joined to them keeps no order. */
  #kept(): NamedStep {
    const list = [...this.#by, sql`${sql.id('n')}`, sql`${sql.id('g')}`];
    for (const [index, { cells }] of this.#computations()) {
      for (const at of cells.keys()) list.push(sql`${sql.id(cellName(index, at))}`);
    }
    list.push(sql`row_number() over (order by ${this.#order()}) as ${sql.id('o')}`);
    return { name: KEPT, query: sql`select ${sql.join(list)} from ${sql.id(BUCKETS)} ${this.#chosen()}` };
  }

  #chosen(): Sql {
    const { limit } = this.#plan;
    return sql`where ${this.#having()} order by ${this.#order()}${limit === undefined ? sql`` : sql` limit ${whole(limit)}`}`;
  }

  #having(): Sql {
    const types = new Map<string, ValueType<C>>([['n', { kind: 'integer' }]]);
    for (const [index, computation] of this.#computations()) {
      types.set(valueName(index, computation), computation.type);
    }
    const condition = mapFields(this.#plan.having, key => {
      const index = this.#measures.findIndex(one => one.key === key);
      return index < 0 ? 'n' : this.#valueOf(index);
    });
    return compileWhere(condition, this.#dialect.having(types));
  }

  /** What was asked for, then the dimensions, so that the same question has the same order of buckets. */
  #order(): Sql {
    const keys = this.#plan.sort.map(key => {
      const name =
        key.by === 'count' ? 'n' : key.by === 'dimension' ? `d${key.index}` : this.#valueOf(key.index);
      return nullsLast(sql`${sql.id(name)}`, key.dir);
    });
    keys.push(...this.#by.map(one => nullsLast(one, 'asc')));
    return keys.length === 0 ? sql`${sql.id('n')}` : sql.join(keys);
  }

  #answer(from: string, place: Sql): Sql {
    const cells = [place, sql`${sql.id(from, 'n')}`, ...this.#joins.checks()];
    for (const [index, { grouping }] of this.#dimensions.entries()) {
      cells.push(grouping.selected(sql`${sql.id(from, `d${index}`)}`));
    }
    for (const [index, measure] of this.#measures.entries()) {
      if ('top' in measure) {
        const { value, count, column } = measure.top;
        cells.push(this.#dialect.selected(value, column), count);
        continue;
      }
      const { cells: parts, selected = (reference: Sql) => reference } = measure.computation;
      for (const at of parts.keys()) cells.push(selected(sql`${sql.id(from, cellName(index, at))}`));
    }
    return sql.join(cells.map((cell, index) => sql`${cell} as ${sql.id(`c${index}`)}`));
  }

  #computations(): [number, Computation<C>][] {
    return this.#measures.flatMap((measure, index): [number, Computation<C>][] =>
      'computation' in measure ? [[index, measure.computation]] : [],
    );
  }

  /** The column that filters and orders mean by a measure; lists were refused for both. */
  #valueOf(index: number): string {
    const measure = this.#measures[index];
    return measure && 'computation' in measure ? valueName(index, measure.computation) : 'n';
  }
}

function cellName(index: number, at: number): string {
  return `m${index}_${at}`;
}

function valueName(index: number, { value }: Pick<Computation<unknown>, 'value'>): string {
  return value ? `m${index}` : cellName(index, 0);
}
