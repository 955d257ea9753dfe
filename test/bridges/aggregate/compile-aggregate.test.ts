/** Aggregates as text: what is quoted, what is bound, and what each dialect says in its own words. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  DummyDriver,
  Kysely,
  MysqlAdapter,
  MysqlIntrospector,
  MysqlQueryCompiler,
  type RawBuilder,
} from 'kysely';
import { parseAggregate } from '../../../src/aggregate/parse-aggregate.ts';
import { compileAggregate } from '../../../src/bridges/aggregate/compile-aggregate.ts';
import type { AggregateDialect } from '../../../src/bridges/aggregate/dialect.ts';
import { mysqlAggregates } from '../../../src/bridges/aggregate/mysql.ts';
import { postgresAggregates } from '../../../src/bridges/aggregate/postgres.ts';
import { sqliteAggregates } from '../../../src/bridges/aggregate/sqlite.ts';
import { columnInfo } from '../../../src/bridges/mysql/column.ts';
import * as postgres from '../../../src/bridges/postgres/dialect.ts';
import { OID } from '../../../src/bridges/postgres/value-decoders.ts';
import * as sqlite from '../../../src/bridges/sqlite/dialect.ts';

/** A quote of every dialect in each name. */
const TABLE = 'or"de`rs';
const COLUMNS = {
  id: 'int',
  status: 'varchar',
  'to"t`al': 'decimal',
  weight: 'float',
  at: 'timestamp',
  day: 'date',
};
const CANARY = `x'; drop table orders; -- \\' "`;

const EVERYTHING = {
  target: TABLE,
  where: { status: { $ne: CANARY } },
  ids: [CANARY],
  dimensions: [
    { field: 'status' },
    { field: 'at', bucket: 'quarter', as: CANARY },
    { field: 'day', bucket: 'week' },
    { field: 'to"t`al', bucket: { type: 'numeric', step: 0.37 } },
    { field: 'weight', bucket: { type: 'numeric', breaks: [0.53, 2.71] } },
    { field: 'status', from: 'c', as: 'joined' },
  ],
  measures: {
    [CANARY]: { agg: 'count', where: { status: { $contains: CANARY } } },
    distinct: { agg: 'count_distinct', column: 'status' },
    sum: { agg: 'sum', column: 'to"t`al' },
    avg: { agg: 'avg', column: 'weight' },
    least: { agg: 'min', column: 'at' },
    most: { agg: 'max', column: 'status' },
    p: { agg: 'percentile', column: 'to"t`al', p: 0.873 },
    top: { agg: 'top_k', column: 'status', k: 3 },
    first: { agg: 'first', column: 'weight' },
    last: { agg: 'last', column: 'status' },
  },
  having: { sum: { $gt: 5.75 }, most: CANARY, [CANARY]: [1, null] },
  sort: [{ key: 'sum', dir: 'desc' }, { key: 'status' }],
  limit: 7,
  changeTrackingColumn: 'at',
  joins: [{ target: 'others', alias: 'c', on: { local: 'id', foreign: 'weight' } }],
};

const mysqlCompiler = new Kysely<unknown>({
  dialect: {
    createAdapter: () => new MysqlAdapter(),
    createDriver: () => new DummyDriver(),
    createIntrospector: database => new MysqlIntrospector(database),
    createQueryCompiler: () => new MysqlQueryCompiler(),
  },
});

interface Text {
  sql: string;
  parameters: readonly unknown[];
}

const DIALECTS: Record<string, (options: object) => Text> = {
  sqlite: options => {
    const table = (name: string) => ({
      name,
      plain: true,
      columns: Object.entries(COLUMNS).map(([column, type]) => ({
        name: column,
        type,
        nullable: true,
        keyPosition: column === 'id' ? 1 : 0,
      })),
      key: { by: 'rowid' as const, name: 'rowid' },
    });
    return sqlite.compile(compiled(options, sqliteAggregates('b', table(TABLE), table)));
  },
  postgres: options => {
    const oids: Record<string, number> = { ...OID, int: OID.int4, decimal: OID.numeric, float: OID.float4 };
    const table = (target: string) => ({
      target,
      schema: 'pub"lic',
      name: target,
      columns: Object.entries(COLUMNS).map(([name, typeName]) => ({
        name,
        type: { oid: oids[typeName] as number },
        category: typeName === 'varchar' ? 'S' : 'N',
        typeName,
        nullable: true,
      })),
      primaryKey: ['id'],
      key: ['id'],
      rowCount: undefined,
    });
    return postgres.compile(compiled(options, postgresAggregates('b', table(TABLE), table)));
  },
  mysql: options => {
    const table = (target: string) => ({
      target,
      database: 'data`base',
      name: target,
      columns: Object.entries(COLUMNS).map(([name, type]) =>
        columnInfo([name, type, type, 'YES', 'utf8mb4', 'utf8mb4_bin', '10', '2', null, '']),
      ),
      key: ['id'],
      primaryKey: ['id'],
      whole: true,
    });
    return compiled(options, mysqlAggregates('b', table(TABLE), table)).compile(mysqlCompiler);
  },
};

function compiled<C>(options: object, dialect: AggregateDialect<C>): RawBuilder<unknown> {
  return compileAggregate(parseAggregate(options), dialect).query;
}

for (const [name, compile] of Object.entries(DIALECTS)) {
  test(`${name}: values are bound, and none is written into the statement`, () => {
    const text = compile(EVERYTHING);
    // A filter of the MySQL bridge writes numbers as the digits it has made of them itself.
    for (const value of ['drop', '0.37', '0.53', '2.71', '0.873', ...(name === 'mysql' ? [] : ['5.75'])]) {
      assert.equal(text.sql.includes(value), false, value);
      assert.ok(
        text.parameters.some(parameter => String(parameter).includes(value)),
        value,
      );
    }
  });

  test(`${name}: names of tables and columns are quoted, those of dimensions and measures never used`, () => {
    const text = compile(EVERYTHING);
    const quoted = name === 'mysql' ? '`or"de``rs`' : '"or""de`rs"';
    assert.ok(text.sql.includes(quoted), text.sql);
    assert.ok(text.sql.includes(name === 'mysql' ? '`to"t``al`' : '"to""t`al"'), text.sql);
    for (const own of ['distinct', 'most', 'least']) assert.equal(text.sql.includes(`"${own}"`), false);
  });

  test(`${name}: one statement, and the same for the same question`, () => {
    const { sql: text } = compile(EVERYTHING);
    assert.match(text, /^with /);
    assert.equal(text.includes(';'), false);
    assert.equal(text, compile(EVERYTHING).sql);
    // Of equally frequent values, the same ones come first each time.
    assert.match(text, /order by .c. desc, .v.\)/);
  });

  test(`${name}: only what is asked for is computed`, () => {
    const { sql: text } = compile({ target: TABLE, measures: { n: { agg: 'count' } } });
    assert.equal(/over|join|partition|group by/.test(text), false, text);
    const joined = { ...EVERYTHING, dimensions: [], measures: {}, having: {}, sort: [], ids: undefined };
    assert.equal(compile(joined).sql.includes('others'), false);
  });

  test(`${name}: a join by a column that may repeat is checked, one by a key is not`, () => {
    const options = (foreign: string) => ({
      target: TABLE,
      dimensions: [{ field: 'status', from: 'c' }],
      joins: [{ target: 'others', alias: 'c', on: { local: 'id', foreign } }],
    });
    assert.match(compile(options('weight')).sql, /having count\(\*\) > 1/);
    assert.equal(compile(options('id')).sql.includes('having'), false);
  });

  test(`${name}: an empty list of ids finds nothing, and the column of a measure is looked up`, () => {
    assert.match(compile({ target: TABLE, ids: [] }).sql, /1 = 0/);
    assert.throws(() => compile({ target: TABLE, measures: { m: { agg: 'sum', column: 'nr' } } }), /"?nr"?/);
  });
}

test('postgres and mysql: a time bucket wants a time, a sum wants numbers', () => {
  for (const name of ['postgres', 'mysql']) {
    const compile = DIALECTS[name] as (options: object) => Text;
    assert.throws(
      () => compile({ target: TABLE, dimensions: [{ field: 'status', bucket: 'day' }] }),
      /a time bucket needs a column of dates or times, and "status" has none/,
    );
    assert.throws(
      () => compile({ target: TABLE, measures: { m: { agg: 'sum', column: 'at' } } }),
      /sum needs a column of numbers, and "at" has none/,
    );
  }
});
