import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { databaseWith, type Fixture } from './fixture.ts';
import { type ColumnKind, type DataRow, evaluate } from './naive-mysql-where.ts';

/** Columns of every way to compare, with the values that rows hold and filters are tried with. */
interface Column {
  kind: ColumnKind;
  type: string;
  row: fc.Arbitrary<string | number>;
  operand: fc.Arbitrary<string | number | boolean>;
  /** What no value of the type is, for operators that can say so. */
  foreign?: fc.Arbitrary<string | number>;
}

/** Few letters, so that comparisons meet; everything that means something to LIKE, quotes and collations. */
const text = (letters: readonly string[]): fc.Arbitrary<string> =>
  fc.string({ unit: fc.constantFrom(...letters), maxLength: 5 });
const WESTERN = [
  'a',
  'A',
  'b',
  'é',
  'É',
  'e',
  'ß',
  's',
  '%',
  '_',
  '\\',
  '|',
  "'",
  '"',
  '?',
  ' ',
  '\0',
  '1',
  '5',
];
const ANY = [...WESTERN, '😀', 'ı', '\u0301', '中'];

const WHOLE = [
  '0',
  '-1',
  '1',
  '5',
  '15',
  '9007199254740991',
  '9007199254740992',
  '9007199254740993',
  '-9007199254740993',
];
const EDGES = ['9223372036854775807', '-9223372036854775808', '9223372036854775806'];
const BEYOND = [
  '9223372036854775808',
  '18446744073709551616',
  '-9223372036854775809',
  '1e300',
  '-1e300',
  '1e30',
  '0.5',
  '5.0',
  '-0.25',
  '4.99999',
  '1.5e1',
];
const DECIMALS = [
  '0.0000',
  '0.1000',
  '-0.1000',
  '5.0000',
  '1234567890123456.7891',
  '9999999999999999.9999',
  '-9999999999999999.9999',
];
const TIMES = [
  '2026-01-31T10:00:00.000',
  '2026-01-31T10:00:00.001',
  '2026-02-01T00:00:00.000',
  '1000-01-01T00:00:00.000',
  '9999-12-31T23:59:59.999',
];

const asNumber = (text: string): number | string =>
  Number.isSafeInteger(Number(text)) ? Number(text) : text;
const flags = fc.boolean();
const garbage = fc.constantFrom('', 'a', '5a', ' 5', '0x5', 'NaN', '1e', '--1');

const COLUMNS: Record<string, Column> = {
  n: {
    kind: 'number',
    type: 'bigint',
    row: fc.constantFrom(...WHOLE, ...EDGES).map(asNumber),
    operand: fc.oneof(
      fc.constantFrom(...WHOLE, ...EDGES, ...BEYOND),
      fc.constantFrom(0, 1, -1, 5, 5.5, 1e300, -1e21, 5e-324),
      flags,
    ),
    foreign: garbage,
  },
  u: {
    kind: 'number',
    type: 'bigint unsigned',
    row: fc.constantFrom('0', '5', '9223372036854775808', '18446744073709551615').map(asNumber),
    operand: fc.oneof(
      fc.constantFrom(
        '-1',
        '0',
        '5',
        '9223372036854775808',
        '18446744073709551615',
        '18446744073709551614',
        '18446744073709551616',
      ),
      fc.constantFrom(-1, 0, 5, -0.5),
    ),
    foreign: garbage,
  },
  y: {
    kind: 'number',
    type: 'tinyint(1)',
    row: fc.constantFrom(0, 1, -128, 127),
    operand: fc.oneof(flags, fc.constantFrom(0, 1, -129, 128, 0.5, '1', '01', '1.0')),
    foreign: garbage,
  },
  c: {
    kind: 'number',
    type: 'decimal(20,4)',
    row: fc.constantFrom(...DECIMALS),
    operand: fc.oneof(
      fc.constantFrom(...DECIMALS, '0.1', '0.10005', '-0.10005', '1e16', '-1e16', '1234567890123456.78905'),
      fc.constantFrom(0, 0.1, -0.1, 5, 1e-7, 1e22),
    ),
    foreign: garbage,
  },
  r: {
    kind: 'double',
    type: 'double',
    row: fc.constantFrom(-1.5, 0, 0.1, 0.3, 1e300, -1e300, 5e-324, 9007199254740992),
    operand: fc.constantFrom(
      -1.5,
      0,
      0.1,
      0.3,
      1e300,
      5e-324,
      '0.1',
      '1e300',
      '1e400',
      '-1e400',
      '9007199254740992',
    ),
    foreign: garbage,
  },
  f: {
    kind: 'double',
    type: 'float',
    row: fc.constantFrom(-1.5, 0, 0.1, 0.3, 3.4e38, 16777216, 1.17549e-38),
    operand: fc.constantFrom(-1.5, 0, 0.1, 0.3, 0.2, '0.1', 3.4e38, 16777216, 16777217, 1e300, -1e300),
    foreign: garbage,
  },
  t: {
    kind: 'ordered text',
    type: 'varchar(20) character set utf8mb4 collate BINARY_ORDER',
    row: text(ANY),
    operand: fc.oneof(text(ANY), fc.constantFrom(1, 5, 15, -1)),
  },
  g: {
    kind: 'text',
    type: 'varchar(20) character set utf8mb4 collate utf8mb4_general_ci',
    row: text(ANY),
    operand: text(ANY),
  },
  k: {
    kind: 'text',
    type: 'char(20) character set utf8mb4 collate utf8mb4_unicode_ci',
    row: text(ANY.filter(letter => letter !== ' ')),
    operand: text(ANY),
  },
  l: {
    kind: 'text',
    type: 'varchar(20) character set latin1 collate latin1_german2_ci',
    row: text(WESTERN),
    operand: text(ANY),
  },
  w: {
    kind: 'text',
    type: 'varchar(20) character set utf8mb3 collate utf8mb3_unicode_ci',
    row: text(ANY.filter(letter => letter !== '😀')),
    operand: text(ANY),
  },
  e: {
    kind: 'text',
    type: "enum('a', 'B', '1', '')",
    row: fc.constantFrom('a', 'B', '1', ''),
    operand: fc.constantFrom('a', 'A', 'b', 'B', '1', '2', '', 1, 2),
  },
  d: {
    kind: 'time',
    type: 'datetime(3)',
    row: fc.constantFrom(...TIMES),
    operand: fc.constantFrom(
      ...TIMES,
      '2026-01-31',
      '2026-02-01',
      '2026-01-31T10:00:00.0005',
      '2026-01-31T10:00:00.0010001',
      '2026-01-31T10:00:00Z',
      '0000-01-01',
    ),
    foreign: fc.constantFrom('', 'now', '10:00:00', 5),
  },
  b: {
    kind: 'binary',
    type: 'varbinary(20)',
    row: fc.constantFrom('', 'YQ==', 'QQ==', 'YSA=', 'AP8=', '8J+YgA=='),
    operand: fc.constantFrom('', 'YQ==', 'QQ==', 'AP8=', 'YWE='),
    foreign: fc.constantFrom('a', 'YQ', 5),
  },
};

const KINDS = Object.fromEntries(Object.entries(COLUMNS).map(([name, { kind }]) => [name, kind]));
const ROWS = 60;

for (const indexed of [false, true]) {
  test(`every filter selects the rows that three-valued logic says, ${indexed ? 'by index' : 'without one'}`, async t => {
    const fixture = await databaseWith(t, '');
    if (!fixture) return;
    await create(fixture, indexed);
    for (const seed of [1, 2]) {
      const data = fc.sample(rows(), { numRuns: ROWS, seed });
      await fill(fixture, data);
      await fc.assert(
        fc.asyncProperty(wheres(), async where => {
          const expected = [...data.keys()].filter(
            id => evaluate(KINDS, where, data[id] as DataRow) === true,
          );
          const { rows: found } = await fixture.bridge.query('data', {
            where,
            select: ['id'],
            orderBy: [{ field: 'id' }],
          });
          assert.deepEqual(
            found.map(row => row.id),
            expected,
          );
          assert.equal(await fixture.bridge.count('data', { where }), expected.length);
        }),
        { numRuns: 1_000 },
      );
    }
  });
}

async function create({ sql, server: _, ...fixture }: Fixture, indexed: boolean): Promise<void> {
  const [{ version } = { version: '' }] = await sql('select version() as version');
  const collation = /mariadb/i.test(version) ? 'utf8mb4_nopad_bin' : 'utf8mb4_0900_bin';
  const columns = Object.entries(COLUMNS).map(
    ([name, { type }]) => `${name} ${type.replace('BINARY_ORDER', collation)} null`,
  );
  const keys = indexed ? Object.keys(COLUMNS).map(name => `key (${name})`) : [];
  await fixture.writer.query(`create table data (id int primary key, ${[...columns, ...keys].join(', ')})`);
}

async function fill({ writer }: Fixture, data: readonly DataRow[]): Promise<void> {
  await writer.query('delete from data');
  for (const [id, row] of data.entries()) {
    const values = Object.entries(row).map(([name, value]) =>
      name === 'b' && value !== null ? Buffer.from(String(value), 'base64') : value,
    );
    await writer.query(`insert into data values (?${', ?'.repeat(values.length)})`, [id, ...values]);
  }
}

function rows(): fc.Arbitrary<DataRow> {
  const columns = Object.entries(COLUMNS).map(([name, { row }]) => [name, fc.option(row, { freq: 6 })]);
  return fc.record(Object.fromEntries(columns) as Record<string, fc.Arbitrary<string | number | null>>);
}

function wheres(): fc.Arbitrary<Record<string, unknown>> {
  const { where } = fc.letrec<{ where: Record<string, unknown> }>(tie => ({
    where: fc.oneof(
      { maxDepth: 4, withCrossShrink: true },
      { arbitrary: conditions(), weight: 5 },
      { arbitrary: fc.tuple(conditions(), conditions()).map(([a, b]) => ({ ...a, ...b })), weight: 1 },
      { arbitrary: fc.record({ $and: fc.array(tie('where'), { maxLength: 3 }) }), weight: 1 },
      { arbitrary: fc.record({ $or: fc.array(tie('where'), { maxLength: 3 }) }), weight: 1 },
      { arbitrary: fc.record({ $not: tie('where') }), weight: 1 },
    ),
  }));
  return where;
}

function conditions(): fc.Arbitrary<Record<string, unknown>> {
  return fc.oneof(...Object.entries(COLUMNS).map(([name, column]) => condition(name, column)));
}

function condition(name: string, { kind, operand, foreign }: Column): fc.Arbitrary<Record<string, unknown>> {
  const any = foreign
    ? fc.oneof({ arbitrary: operand, weight: 4 }, { arbitrary: foreign, weight: 1 })
    : operand;
  const list = fc.array(fc.option(any, { freq: 6 }), { maxLength: 4 });
  const isOrdered = kind !== 'text';
  const isText = kind === 'text' || kind === 'ordered text';
  const orders = isOrdered && kind !== 'binary' ? ['$gt', '$gte', '$lt', '$lte'] : [];
  const patterns = isText ? ['$like', '$ilike', '$contains', '$startsWith', '$endsWith'] : [];
  const operators = fc.oneof(
    fc.record({ $eq: fc.option(any) }),
    fc.record({ $ne: fc.option(any) }),
    fc.record({ $in: list }),
    fc.record({ $nin: list }),
    fc.record({ $exists: fc.boolean() }),
    ...orders.map(op => fc.record({ [op]: kind === 'ordered text' ? text(ANY) : operand })),
    ...patterns.map(op => fc.record({ [op]: text(ANY) })),
  );
  const negated = operators.map(inner => ({ $not: inner }));
  return fc.oneof(fc.option(any), list, operators, operators, negated).map(one => ({ [name]: one }));
}
