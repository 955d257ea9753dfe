import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { sql } from 'kysely';
import { compileWhere } from '../../../src/bridges/compile-where.ts';
import { columnInfo } from '../../../src/bridges/mysql/column.ts';
import { floorAt, parseDecimal, unitsText } from '../../../src/bridges/mysql/decimal.ts';
import { mysqlDialect } from '../../../src/bridges/mysql/dialect.ts';
import { compile } from '../../../src/bridges/mysql/sql-text.ts';
import { formatTargetName, parseTargetName } from '../../../src/bridges/mysql/target-name.ts';
import { parseTemporal } from '../../../src/bridges/mysql/temporal.ts';
import { parseWhere } from '../../../src/where/where.ts';

const TABLE = {
  target: 'data',
  database: 'db',
  name: 'data',
  columns: [
    columnInfo(['t', 'varchar', 'varchar(20)', 'YES', 'utf8mb4', 'utf8mb4_general_ci']),
    columnInfo(['l', 'varchar', 'varchar(20)', 'YES', 'latin1', 'latin1_swedish_ci']),
    columnInfo(['n', 'bigint', 'bigint(20)', 'YES']),
    columnInfo(['d', 'datetime', 'datetime(3)', 'YES', null, null, null, null, '3']),
    columnInfo(['e', 'enum', "enum('a')", 'YES', 'utf8mb4', 'utf8mb4_general_ci']),
    columnInfo(['b', 'varbinary', 'varbinary(20)', 'YES']),
    columnInfo(['f', 'float', 'float', 'YES']),
    columnInfo(['y', 'year', 'year(4)', 'YES']),
    columnInfo(['u', 'uuid', 'uuid', 'YES']),
  ],
  key: [],
  primaryKey: [],
  whole: true,
};

/** What a statement is made of: our words, quoted names, numbers, texts in hexadecimal, typed times of digits. */
const OURS =
  /^(?:\s|[(),=<>+]|`[a-z]`|_utf8mb4 X'[0-9a-f]*'|X'[0-9a-f]*'|(?:TIMESTAMP|DATE|TIME)'[\d :.-]+'|'[|TZ ]'|-?\d[\d.]*(?:e[+-]?\d+)?|\b(?:and|or|not|is|null|in|like|escape|collate|cast|convert|using|as|binary|lower|concat|char|character|set|replace|utf8mb4|utf8mb4_bin|latin1|latin1_swedish_ci)\b)*$/;

test('no value of a filter stands in a statement but as digits, whatever it says', () => {
  const canaries = fc.oneof(
    fc.constantFrom(
      `x'; drop table orders; --`,
      `\\' or 1=1 -- `,
      '`',
      '\0',
      '/*',
      "X'",
      'TIMESTAMP',
      '1 or 1',
      '0x31',
      '1e',
      '1;',
    ),
    fc.string({ unit: 'binary', maxLength: 12 }),
    fc.double(),
    fc.integer(),
    fc.boolean(),
    fc.constantFrom(
      '2026-01-31T10:00:00Z',
      '10:00:00',
      '12345678901234567890.5',
      '1e300',
      '123e4567-e89b-12d3-a456-426614174000',
    ),
  );
  const operators = fc.constantFrom(
    '$eq',
    '$ne',
    '$gt',
    '$lte',
    '$in',
    '$nin',
    '$like',
    '$ilike',
    '$contains',
    '$startsWith',
  );
  const columns = fc.constantFrom(...TABLE.columns.map(column => column.name));
  fc.assert(
    fc.property(columns, operators, canaries, (column, op, value) => {
      if (typeof value === 'number' && !Number.isFinite(value)) return;
      const operand = /in$/.test(op) ? [value, null] : op.length > 4 ? String(value) : value;
      let text: string;
      try {
        text = compile(compileWhere(parseWhere({ [column]: { [op]: operand } }), mysqlDialect(TABLE)));
      } catch (error) {
        assert.match(String(error), /gives no value of that type|no text to match/);
        return;
      }
      assert.match(text, OURS);
    }),
    { numRuns: 20_000 },
  );
});

test('identifiers are quoted, backticks doubled', () => {
  assert.equal(compile(sql`select ${sql.id('a`b', 'x; drop')}`), 'select `a``b`.`x; drop`');
});

test('names of targets are read as they are written', () => {
  const name = fc.string({ unit: fc.constantFrom('a', '`', '.', ' ', '"', 'é'), minLength: 1, maxLength: 6 });
  fc.assert(
    fc.property(fc.array(name, { minLength: 1, maxLength: 2 }), parts => {
      assert.deepEqual(parseTargetName(formatTargetName(parts)), parts);
    }),
  );
  for (const none of ['', '.', 'a.', '.a', 'a..b', '`a', '`a`b', 'a`.b`']) {
    const parts = parseTargetName(none);
    assert.ok(parts === undefined || formatTargetName(parts) === none || parts.includes(''), none);
  }
});

test('the greatest number of a scale that is no greater, for decimals of any length', () => {
  const units = fc.bigInt({ min: -(10n ** 40n), max: 10n ** 40n });
  fc.assert(
    fc.property(units, fc.nat(12), fc.nat(12), (number, places, scale) => {
      const decimal = parseDecimal(unitsText(number, places));
      assert.ok(decimal && !('beyond' in decimal));
      const { units: floor, exact } = floorAt(decimal, scale);
      const [mine, theirs] = [floor * 10n ** BigInt(places), number * 10n ** BigInt(scale)];
      assert.ok(mine <= theirs && mine + 10n ** BigInt(places) > theirs);
      assert.equal(exact, mine === theirs);
    }),
  );
  fc.assert(
    fc.property(fc.double({ noNaN: true, noDefaultInfinity: true, min: -1e60, max: 1e60 }), value => {
      fc.pre(value === 0 || Math.abs(value) > 1e-60);
      const decimal = parseDecimal(String(value));
      assert.ok(decimal && !('beyond' in decimal));
      assert.equal(
        Number(`${decimal.negative ? '-' : ''}${decimal.whole || '0'}.${decimal.fraction || '0'}`),
        value === 0 ? 0 : value,
      );
    }),
  );
  for (const none of ['', '.', '-', '1e', 'e5', '0x1', ' 1', '1 ', 'NaN', 'Infinity', '1_000', '--1']) {
    assert.equal(parseDecimal(none), undefined, none);
  }
  assert.deepEqual(parseDecimal('-1e999999999999'), { negative: true, beyond: true });
  assert.equal(floorAt(parseDecimal('1e-999999999999') as never, 4).exact, false);
});

test('times as filters give them, in what the column keeps', () => {
  const cases: [Parameters<typeof parseTemporal>, string | undefined, boolean?][] = [
    [['date', 0, '2026-01-31'], "DATE'2026-01-31'", true],
    [['date', 0, '2026-01-31T00:00:00Z'], "DATE'2026-01-31'", true],
    [['date', 0, '2026-01-31T00:00:00.001'], "DATE'2026-01-31'", false],
    [['datetime', 0, '2026-01-31'], "TIMESTAMP'2026-01-31 00:00:00'", true],
    [['datetime', 3, '2026-01-31 10:00:00.5'], "TIMESTAMP'2026-01-31 10:00:00.500'", true],
    [['datetime', 0, '2026-01-31T10:00:00.5'], "TIMESTAMP'2026-01-31 10:00:00'", false],
    [['timestamp', 6, '2026-01-31T10:00:00.1234567Z'], "TIMESTAMP'2026-01-31 10:00:00.123456'", false],
    [['timestamp', 0, '2026-01-01T00:30:00+01:00'], "TIMESTAMP'2025-12-31 23:30:00'", true],
    [['timestamp', 0, '2026-01-01T00:30-0130'], "TIMESTAMP'2026-01-01 02:00:00'", true],
    [['datetime', 0, '0000-00-00T00:00:00'], "TIMESTAMP'0000-00-00 00:00:00'", true],
    [['date', 0, '2026-02-00'], "DATE'2026-02-00'", true],
    [['date', 0, '2024-02-29'], "DATE'2024-02-29'", true],
    [['date', 0, '2025-02-29'], undefined],
    [['datetime', 0, '2026-13-01'], undefined],
    [['datetime', 0, '2026-01-01T24:00:00'], undefined],
    [['datetime', 0, '9999-12-31T23:59:59-01:00'], undefined],
    [['datetime', 0, 'now'], undefined],
    [['time', 1, '-838:59:59.5'], "TIME'-838:59:59.5'", true],
    [['time', 0, '10:00'], "TIME'10:00:00'", true],
    [['time', 0, '839:00:00'], undefined],
    [['time', 0, '2026-01-31'], undefined],
  ];
  for (const [given, literal, exact] of cases) {
    const expected = literal === undefined ? undefined : { sql: literal, exact };
    assert.deepEqual(parseTemporal(...given), expected, given.join(' '));
  }
});
