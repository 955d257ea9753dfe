/**
 * An aggregate as one SELECT, so that every measure sees one state of the table. It is built up in named steps: the
 * rows, what is joined to them, their place among each other, the buckets, and the values that are most frequent.
 */
import { sql } from 'kysely';
import type { AggregatePlan, MeasureOf } from '../../aggregate/plan.ts';
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
import { compileMeasure, type MeasureContext, nullsLast, operandOf } from './measures.ts';
import { Step } from './steps.ts';

/** A `top_k`: its entries come as rows of their own, one by one. */
export interface TopValues<C> {
  key: string;
  column: AggregateColumn<C>;
}

export interface CompiledAggregate<C> {
  /** For the bridge's own compiler, which quotes and binds. */
  query: Sql;
  /**
   * How a row of the answer is made up: the bucket's place, its rows, what each join has doubled, the dimensions, the
   * cells of each measure, and for each `top_k` a value and its count.
   */
  joins: string[];
  dimensions: { name: string; grouping: Grouping<C> }[];
  measures: ({ key: string; computation: Computation<C> } | { key: string; top: TopValues<C> })[];
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

interface Top<C> extends TopValues<C> {
  /** The step that has its entries. */
  name: string;
}

class Compilation<C> {
  readonly #plan: AggregatePlan;
  readonly #dialect: AggregateDialect<C>;
  readonly #steps: { name: string; query: Sql }[] = [];
  readonly #rows = new Step('r');
  readonly #windows = new Step('w');
  readonly #dimensions: CompiledAggregate<C>['dimensions'];
  readonly #measures: CompiledAggregate<C>['measures'] = [];
  readonly #joins: { index: number; columns: { sql: Sql; alias: string }[] }[] = [];
  readonly #tops: { measure: MeasureOf<'top_k'>; value: Sql; top: Top<C> }[] = [];

  constructor(plan: AggregatePlan, dialect: AggregateDialect<C>) {
    this.#plan = plan;
    this.#dialect = dialect;
    for (const { local } of plan.joins) dialect.base.column(local);
    if (plan.changeTrackingColumn !== undefined) dialect.base.column(plan.changeTrackingColumn);
    this.#dimensions = plan.dimensions.map((dimension, index) => {
      const { join } = dimension;
      const table =
        join === undefined ? dialect.base : dialect.joined((plan.joins[join] as { target: string }).target);
      const grouping = compileGrouping(dimension, table.column(dimension.field), dialect);
      if (join === undefined) this.#rows.add(grouping.sql, `d${index}`);
      else this.#join(join).columns.push({ sql: grouping.sql, alias: `d${index}` });
      return { name: dimension.name, grouping };
    });
    this.#compileMeasures();
  }

  result(): CompiledAggregate<C> {
    const source = this.#buildSource();
    const { having, order } = this.#buildBuckets(source);
    for (const { measure, value, top } of this.#tops) this.#buildTop(source, measure, value, top);
    const final = this.#tops.length === 0 ? this.#short(having, order) : this.#withTops(having, order);
    const steps = this.#steps.map(({ name, query }) => sql`${sql.id(name)} as (${query})`);
    return {
      query: sql`with ${sql.join(steps)} ${final}`,
      joins: this.#joins.map(({ index }) => this.#plan.joins[index]?.target as string),
      dimensions: this.#dimensions,
      measures: this.#measures,
    };
  }

  #compileMeasures(): void {
    const context: MeasureContext<C> = {
      plan: this.#plan,
      dialect: this.#dialect,
      perRow: expression => this.#rows.define(expression),
      window: expression => this.#windows.define(expression),
      over: order => this.#over(order),
    };
    for (const measure of this.#plan.measures) {
      const { key } = measure;
      if (measure.agg !== 'top_k') {
        this.#measures.push({ key, computation: compileMeasure(measure, context) });
        continue;
      }
      const { sql: value, column } = operandOf(measure, context);
      const top = { key, column, name: step(`top_${this.#tops.length}`) };
      this.#tops.push({ measure, value, top });
      this.#measures.push({ key, top });
    }
  }

  /** The join as a part of the statement, the first time that a dimension reads from it. */
  #join(index: number): { columns: { sql: Sql; alias: string }[] } {
    const known = this.#joins.find(one => one.index === index);
    if (known) return known;
    const { target, local, foreign } = this.#plan.joins[index] as {
      target: string;
      local: string;
      foreign: string;
    };
    const join = { index, columns: [] };
    this.#dialect.joined(target).column(foreign);
    this.#rows.add(sql`${sql.id(local)}`, `k${index}`);
    this.#joins.push(join);
    return join;
  }

  /** @returns the step whose rows are grouped. */
  #buildSource(): string {
    const { base } = this.#dialect;
    const rows = step('rows');
    // A row has at least one column, also when nothing but rows is counted.
    this.#rows.add(sql`1`, 'one');
    const conditions = [compileWhere(this.#plan.where, base.where), ...this.#ids()];
    this.#steps.push({
      name: rows,
      query: sql`select ${this.#rows.list()} from ${base.from} where ${sql.join(
        conditions.map(one => sql`(${one})`),
        sql` and `,
      )}`,
    });
    const joined = this.#joins.length === 0 ? rows : this.#buildJoined(rows);
    if (this.#tops.length > 0) {
      const order = this.#dimensionColumns();
      // A number for each bucket: what is joined to buckets later is joined by it, and not by values that may be null.
      this.#windows.add(
        order.length === 0 ? sql`1` : sql`dense_rank() over (order by ${sql.join(order)})`,
        'g',
      );
    }
    if (this.#windows.empty) return joined;
    const placed = step('placed');
    this.#steps.push({
      name: placed,
      query: sql`select ${sql.join([...this.#passedOn().map(name => sql`${sql.id(name)}`), this.#windows.list()])} from ${sql.id(joined)}`,
    });
    return placed;
  }

  #buildJoined(rows: string): string {
    const { joins } = this.#plan;
    const tables = this.#joins.map(({ index, columns }) => {
      const { target, foreign } = joins[index] as { target: string; foreign: string };
      const alias = step(`join_${index}`);
      const list = [sql`${sql.id(foreign)} as ${sql.id('f')}`];
      for (const column of columns) list.push(sql`${column.sql} as ${sql.id(column.alias)}`);
      return sql`left join (select ${sql.join(list)} from ${this.#dialect.joined(target).from}) as ${sql.id(alias)}
        on ${sql.id(rows, `k${index}`)} = ${sql.id(alias, 'f')}`;
    });
    const name = step('joined');
    const list = [
      ...this.#rows.names.map(column => sql`${sql.id(rows, column)} as ${sql.id(column)}`),
      ...this.#joins.flatMap(({ index, columns }) =>
        columns.map(({ alias }) => sql`${sql.id(step(`join_${index}`), alias)} as ${sql.id(alias)}`),
      ),
    ];
    this.#steps.push({
      name,
      query: sql`select ${sql.join(list)} from ${sql.id(rows)} ${sql.join(tables, sql` `)}`,
    });
    return name;
  }

  #ids(): Sql[] {
    const { ids } = this.#plan;
    if (ids === undefined) return [];
    const { base, bridge } = this.#dialect;
    // Told apart by several columns, or by none: ids that are one value each cannot name its rows.
    if (base.key === undefined)
      throw new UnsupportedOperatorError({ op: 'ids', target: base.target, bridge });
    return [ids.length === 0 ? sql`1 = 0` : base.where.isIn(base.key, ids, false)];
  }

  #buildBuckets(source: string): { having: Sql; order: Sql } {
    const dimensions = this.#dimensionColumns();
    const types = new Map<string, ValueType<C>>([['n', { kind: 'integer' }]]);
    const list = [...dimensions, sql`count(*) as ${sql.id('n')}`];
    if (this.#tops.length > 0)
      list.push(dimensions.length === 0 ? sql`1 as ${sql.id('g')}` : sql`${sql.id('g')}`);
    for (const [index, measure] of this.#measures.entries()) {
      if (!('computation' in measure)) continue;
      const { cells, value, type } = measure.computation;
      for (const [at, cell] of cells.entries()) list.push(sql`${cell} as ${sql.id(`m${index}_${at}`)}`);
      if (value) list.push(sql`${value} as ${sql.id(`m${index}`)}`);
      types.set(valueName(index, measure.computation), type);
    }
    const by = this.#tops.length === 0 ? dimensions : [...dimensions, sql`${sql.id('g')}`];
    const grouped = dimensions.length === 0 ? sql`` : sql` group by ${sql.join(by)}`;
    this.#steps.push({
      name: BUCKETS,
      query: sql`select ${sql.join(list)} from ${sql.id(source)}${grouped}`,
    });
    return { having: this.#having(types), order: this.#order() };
  }

  #having(types: ReadonlyMap<string, ValueType<C>>): Sql {
    const { having, measures } = this.#plan;
    const condition = mapFields(having, key => {
      const index = measures.findIndex(one => one.key === key);
      return index < 0 ? 'n' : this.#valueName(index);
    });
    return compileWhere(condition, this.#dialect.having(types));
  }

  /** What was asked for, then the dimensions, so that the same question has the same order of buckets. */
  #order(): Sql {
    const keys = this.#plan.sort.map(key => {
      const name =
        key.by === 'count' ? 'n' : key.by === 'dimension' ? `d${key.index}` : this.#valueName(key.index);
      return nullsLast(sql`${sql.id(name)}`, key.dir);
    });
    for (const column of this.#dimensionColumns()) keys.push(nullsLast(column, 'asc'));
    // A constant expression: a constant itself would be the number of a column.
    return keys.length === 0 ? sql`${sql.id('n')}` : sql.join(keys);
  }

  /** The most frequent values of every bucket, counted down from the most frequent. */
  #buildTop(source: string, measure: MeasureOf<'top_k'>, value: Sql, top: Top<C>): void {
    const g = sql`${sql.id('g')}`;
    const ranked = sql`select ${g}, ${value} as ${sql.id('v')}, count(*) as ${sql.id('c')},
      row_number() over (partition by ${g} order by count(*) desc, ${value}) as ${sql.id('p')}
      from ${sql.id(source)} where ${value} is not null group by ${g}, ${value}`;
    this.#steps.push({
      name: top.name,
      query: sql`select * from (${ranked}) as ${sql.id(step('ranked'))} where ${sql.id('p')} <= ${whole(measure.k)}`,
    });
  }

  #short(having: Sql, order: Sql): Sql {
    return sql`select ${this.#answer(BUCKETS, sql`1`)} from ${sql.id(BUCKETS)} where ${having} order by ${order}${this.#limit()}`;
  }

  /** A row for each place in the lists of a bucket, and one where they are all empty. */
  #withTops(having: Sql, order: Sql): Sql {
    const kept = step('kept');
    this.#steps.push({
      name: kept,
      query: sql`select ${sql.join(this.#bucketColumns().map(name => sql`${sql.id(name)}`))},
        row_number() over (order by ${order}) as ${sql.id('o')}
        from ${sql.id(BUCKETS)} where ${having} order by ${order}${this.#limit()}`,
    });
    const places = step('places');
    const each = this.#tops.map(
      ({ top }) => sql`select ${sql.id('g')}, ${sql.id('p')} from ${sql.id(top.name)}`,
    );
    this.#steps.push({ name: places, query: sql.join(each, sql` union `) });
    const joins = this.#tops.map(
      ({ top }) => sql`left join ${sql.id(top.name)} on ${sql.id(top.name, 'g')} = ${sql.id(places, 'g')}
        and ${sql.id(top.name, 'p')} = ${sql.id(places, 'p')}`,
    );
    return sql`select ${this.#answer(kept, sql`${sql.id(kept, 'o')}`)} from ${sql.id(kept)}
      left join ${sql.id(places)} on ${sql.id(places, 'g')} = ${sql.id(kept, 'g')}
      ${sql.join(joins, sql` `)} order by ${sql.id(kept, 'o')}, ${sql.id(places, 'p')}`;
  }

  #answer(from: string, place: Sql): Sql {
    const cells = [place, sql`${sql.id(from, 'n')}`, ...this.#joins.map(({ index }) => this.#doubled(index))];
    for (const [index, { grouping }] of this.#dimensions.entries()) {
      cells.push(grouping.selected(sql`${sql.id(from, `d${index}`)}`));
    }
    for (const [index, measure] of this.#measures.entries()) {
      if ('computation' in measure) {
        const { cells: parts, selected } = measure.computation;
        for (const at of parts.keys()) {
          const reference = sql`${sql.id(from, `m${index}_${at}`)}`;
          cells.push(selected ? selected(reference) : reference);
        }
      } else {
        const { name, column } = measure.top as Top<C>;
        cells.push(this.#dialect.selected(sql`${sql.id(name, 'v')}`, column), sql`${sql.id(name, 'c')}`);
      }
    }
    return sql.join(cells.map((cell, index) => sql`${cell} as ${sql.id(`c${index}`)}`));
  }

  /** How many values of the join's key several rows have: any of them would count rows of the target twice. */
  #doubled(index: number): Sql {
    const { target, foreign } = this.#plan.joins[index] as { target: string; foreign: string };
    const table = this.#dialect.joined(target);
    if (table.isUnique(foreign)) return sql`0`;
    const column = sql`${sql.id(foreign)}`;
    return sql`(select count(*) from (select 1 as ${sql.id('one')} from ${table.from} where ${column} is not null
      group by ${column} having count(*) > 1 limit 1) as ${sql.id(step('doubled'))})`;
  }

  #dimensionColumns(): Sql[] {
    return this.#dimensions.map((_, index) => sql`${sql.id(`d${index}`)}`);
  }

  /** Columns of the rows, and of what was joined to them. */
  #passedOn(): string[] {
    return [...this.#rows.names, ...this.#joins.flatMap(({ columns }) => columns.map(({ alias }) => alias))];
  }

  #bucketColumns(): string[] {
    const measures = this.#measures.flatMap((measure, index) =>
      'computation' in measure ? measure.computation.cells.map((_, at) => `m${index}_${at}`) : [],
    );
    return [...this.#dimensions.map((_, index) => `d${index}`), 'n', 'g', ...measures];
  }

  #valueName(index: number): string {
    const measure = this.#measures[index];
    return measure && 'computation' in measure ? valueName(index, measure.computation) : 'n';
  }

  #over(order?: Sql): Sql {
    const partition = this.#dimensionColumns();
    return sql`(${partition.length === 0 ? sql`` : sql`partition by ${sql.join(partition)} `}${
      order === undefined ? sql`` : sql`order by ${order}`
    })`;
  }

  #limit(): Sql {
    const { limit } = this.#plan;
    return limit === undefined ? sql`` : sql` limit ${whole(limit)}`;
  }
}

function valueName(index: number, { value }: Computation<unknown>): string {
  return value ? `m${index}` : `m${index}_0`;
}

/** A name that no table of the caller's is likely to have; one that has it is named with its schema all the same. */
function step(name: string): string {
  return `semilayer_${name}`;
}

const BUCKETS = step('buckets');
