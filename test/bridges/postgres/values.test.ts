import assert from 'node:assert/strict';
import { test } from 'node:test';
import { databaseWith } from './bridge.ts';

/** Type, value as SQL, and what it crosses as: the table of docs/bridges.md, edges included. */
const VALUES: [type: string, sql: string, json: unknown][] = [
  ['smallint', '-32768', -32768],
  ['integer', '2147483647', 2147483647],
  ['bigint', '1', '1'],
  ['bigint', '-9223372036854775808', '-9223372036854775808'],
  ['bigint', '9223372036854775807', '9223372036854775807'],
  ['numeric', '0.10', '0.10'],
  [
    'numeric(40,20)',
    '12345678901234567890.12345678901234567890',
    '12345678901234567890.12345678901234567890',
  ],
  ['numeric', `'NaN'`, 'NaN'],
  ['numeric', `'Infinity'`, 'Infinity'],
  ['real', '0.1', 0.1],
  ['real', `'-Infinity'`, '-Infinity'],
  ['double precision', '1e300', 1e300],
  ['double precision', '0.1::float8 + 0.2::float8', 0.1 + 0.2],
  ['double precision', `'NaN'`, 'NaN'],
  ['double precision', '5e-324', 5e-324],
  ['boolean', 'true', true],
  ['boolean', 'false', false],
  ['text', `''`, ''],
  ['text', 'null', null],
  [
    'text',
    `E'quote " backslash \\\\ tab \\t line \\n bell \\x07 del \\x7f'`,
    'quote " backslash \\ tab \t line \n bell \x07 del \x7f',
  ],
  ['text', `U&'\\+01F600 \\2028 \\00e9'`, '\u{1f600} \u2028 é'],
  ['varchar(5)', `'abc'`, 'abc'],
  ['char(5)', `'abc'`, 'abc  '],
  ['"char"', `'x'`, 'x'],
  ['name', `'some_name'`, 'some_name'],
  ['uuid', `'A0EEBC99-9C0B-4EF8-BB6D-6BB9BD380A11'`, 'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11'],
  ['bytea', `'\\x00ff10'`, 'AP8Q'],
  ['bytea', `''`, ''],
  ['date', `'2024-02-29'`, '2024-02-29'],
  ['date', `'0044-03-15 BC'`, '-000043-03-15'],
  ['date', `'0001-01-01 BC'`, '0000-01-01'],
  ['date', `'12345-06-07'`, '+012345-06-07'],
  ['date', `'infinity'`, 'infinity'],
  ['time', `'23:59:59.999999'`, '23:59:59.999999'],
  ['time', `'24:00'`, '24:00:00'],
  ['timetz', `'12:00+02'`, '12:00:00+02'],
  ['timestamp', `'2024-02-29 12:34:56'`, '2024-02-29T12:34:56'],
  ['timestamp', `'2024-02-29 12:34:56.789012'`, '2024-02-29T12:34:56.789012'],
  ['timestamp', `'0044-03-15 10:00:00 BC'`, '-000043-03-15T10:00:00'],
  ['timestamp', `'-infinity'`, '-infinity'],
  ['timestamptz', `'2024-02-29 12:34:56+02'`, '2024-02-29T10:34:56Z'],
  ['timestamptz', `'2024-02-29 12:34:56.5+00'`, '2024-02-29T12:34:56.5Z'],
  ['timestamptz', `'12024-02-29 12:34:56+00'`, '+012024-02-29T12:34:56Z'],
  ['timestamptz', `'0044-03-15 10:00:00+00 BC'`, '-000043-03-15T10:00:00Z'],
  ['timestamptz', `'infinity'`, 'infinity'],
  ['interval', `'1 year 2 months 3 days 04:05:06.7'`, 'P1Y2M3DT4H5M6.7S'],
  ['interval', `'0'`, 'PT0S'],
  ['json', `E'{"a" :\\n [1, "two\\\\n", null]}'`, { a: [1, 'two\n', null] }],
  ['jsonb', `'{"a": {"__proto__": 1}, "b": 1.50}'`, JSON.parse('{"a":{"__proto__":1},"b":1.5}')],
  ['jsonb', `'null'`, null],
  ['jsonb', `'"text"'`, 'text'],
  ['jsonb', `(repeat('[', 150) || repeat(']', 150))::jsonb`, '['.repeat(150) + ']'.repeat(150)],
  ['integer[]', `'{1,2,NULL}'`, [1, 2, null]],
  ['integer[]', `'{}'`, []],
  ['integer[]', `'[0:1]={7,8}'`, [7, 8]],
  [
    'text[]',
    `array['a"b', 'c,d', '', 'NULL', null, '{}', 'back\\slash']`,
    ['a"b', 'c,d', '', 'NULL', null, '{}', 'back\\slash'],
  ],
  [
    'text[]',
    `array[array['a','b'],array['c','d']]`,
    [
      ['a', 'b'],
      ['c', 'd'],
    ],
  ],
  ['bigint[]', `'{9007199254740993}'`, ['9007199254740993']],
  ['timestamptz[]', `array['2024-02-29 12:00+00'::timestamptz]`, ['2024-02-29T12:00:00Z']],
  ['bytea[]', `array['\\x00ff'::bytea]`, ['AP8=']],
  ['jsonb[]', `array['{"a":1}'::jsonb]`, [{ a: 1 }]],
  ['boolean[]', `'{t,f}'`, [true, false]],
  ['mood', `'so-so'`, 'so-so'],
  ['mood[]', `array['sad','so-so']::mood[]`, ['sad', 'so-so']],
  ['positive', '7', 7],
  ['positive[]', 'array[7, 8]::positive[]', [7, 8]],
  ['pair', `row(1, 'a b')::pair`, '(1,"a b")'],
  ['int4range', `'[1,5)'`, '[1,5)'],
  ['int4multirange', `'{[1,3),[5,7)}'`, '{[1,3),[5,7)}'],
  ['inet', `'192.168.0.1/24'`, '192.168.0.1/24'],
  ['cidr', `'10.0.0.0/8'`, '10.0.0.0/8'],
  ['macaddr', `'08:00:2b:01:02:03'`, '08:00:2b:01:02:03'],
  ['point', `'(1,2)'`, '(1,2)'],
  ['bit(3)', `B'101'`, '101'],
  ['bit varying', `B'1'`, '1'],
  ['money', `'12.34'`, '$12.34'],
  ['xml', `'<a>1</a>'`, '<a>1</a>'],
  ['tsvector', `'a fat cat'`, "'a' 'cat' 'fat'"],
  ['oid', '4294967295', 4294967295],
  ['int2vector', `'1 2'`, '1 2'],
];

const TYPES = `create type mood as enum ('sad', 'so-so'); create domain positive as int check (value > 0);
  create type pair as (a int, b text); set lc_monetary = 'C'; set timezone = 'America/New_York';`;

test('every type crosses in its form, the same way whichever question asked', async t => {
  const columns = VALUES.map(([type], index) => `c${index} ${type}`);
  const values = VALUES.map(([, sql]) => sql);
  const fixture = await databaseWith(
    t,
    `${TYPES} create table everything (id int primary key, ${columns.join(', ')});
     insert into everything values (1, ${values.join(', ')}), (2 ${', null'.repeat(VALUES.length)});`,
  );
  if (!fixture) return;
  const { bridge } = fixture;
  const expected = Object.fromEntries(VALUES.map(([, , json], index) => [`c${index}`, json]));
  const { rows } = await bridge.query('everything', { orderBy: [{ field: 'id' }] });
  for (const [index, [type, sql, json]] of VALUES.entries()) {
    assert.deepEqual(rows[0]?.[`c${index}`], json, `${type} ${sql}`);
    assert.equal(rows[1]?.[`c${index}`], null, `${type} null`);
  }
  const first = { where: { id: 1 } };
  assert.deepEqual(rows[0], { id: 1, ...expected });
  assert.deepEqual((await bridge.batchRead('everything', first))[0], rows[0]);
  assert.deepEqual((await bridge.read('everything', { limit: 1 })).rows[0], rows[0]);
  for (const [name, value] of Object.entries(expected)) {
    const { rows: selected } = await bridge.query('everything', { ...first, select: [name] });
    assert.deepEqual(selected, [{ [name]: value }]);
  }
});

test('a text of 10 MB crosses whole, beside small rows', async t => {
  const fixture = await databaseWith(
    t,
    `create table texts (id int primary key, body text);
     insert into texts select i, repeat('x"é', i) from generate_series(1, 50) i;
     insert into texts values (51, repeat('x"é' || chr(10), 2000000)), (52, 'after');`,
  );
  if (!fixture) return;
  const { rows } = await fixture.bridge.query('texts', { orderBy: [{ field: 'id' }] });
  assert.equal(rows.length, 52);
  for (const row of rows.slice(0, 50)) assert.equal(row.body, 'x"é'.repeat(row.id as number));
  assert.equal(rows[50]?.body, 'x"é\n'.repeat(2_000_000));
  assert.equal(rows[51]?.body, 'after');
});

test('bytes that are no UTF-8, which a database of no encoding may hold, become U+FFFD', async t => {
  const fixture = await databaseWith(t, 'select 1');
  if (!fixture) return;
  const { owner, server } = fixture;
  const name = `${server.database}_ascii`;
  await owner.query(
    `create database ${name} encoding 'SQL_ASCII' template template0 lc_collate 'C' lc_ctype 'C'`,
  );
  const url = server.url.replace(/[^/]*$/, name);
  const { connectTo } = await import('../../support/postgres-server.ts');
  const { PostgresBridge } = await import('../../../src/bridges/postgres/postgres-bridge.ts');
  const writer = await connectTo(t, url);
  await writer.query(`create table raw (id int primary key, body text)`);
  await writer.query(`set client_encoding to 'SQL_ASCII'`);
  await writer.query(`insert into raw values (1, E'\\xffA'), (2, 'fine')`);
  const bridge = new PostgresBridge({ url });
  await bridge.connect();
  t.after(() => bridge.disconnect());
  const { rows } = await bridge.query('raw', { orderBy: [{ field: 'id' }] });
  assert.deepEqual(rows, [
    { id: 1, body: '\ufffdA' },
    { id: 2, body: 'fine' },
  ]);
});
