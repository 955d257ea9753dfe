import assert from 'node:assert/strict';
import { isUtf8 } from 'node:buffer';
import { readFile, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { test } from 'node:test';
import fc from 'fast-check';
import type { RowBatches } from '../../../src/bridges/bridge.ts';
import { isJson } from '../../../src/bridges/mysql/json-bytes.ts';
import { databaseWith, type Fixture } from './fixture.ts';

/** Each type, and how SQL text stored in it crosses. */
const VALUES: Record<string, [stored: string, crosses: unknown][]> = {
  tinyint: [
    ['-128', -128],
    ['127', 127],
  ],
  'tinyint(1)': [
    ['0', 0],
    ['1', 1],
    ['2', 2],
  ],
  'smallint unsigned': [['65535', 65_535]],
  'mediumint(8) zerofill': [
    ['0', 0],
    ['42', 42],
  ],
  'int unsigned': [['4294967295', 4_294_967_295]],
  bigint: [
    ['9007199254740991', 9_007_199_254_740_991],
    ['-9007199254740991', -9_007_199_254_740_991],
    ['9007199254740992', '9007199254740992'],
    ['-9007199254740992', '-9007199254740992'],
    ['9223372036854775807', '9223372036854775807'],
    ['-9223372036854775808', '-9223372036854775808'],
  ],
  'bigint unsigned': [
    ['0', 0],
    ['18446744073709551615', '18446744073709551615'],
  ],
  'bigint zerofill': [['42', 42]],
  'decimal(65,30)': [
    ['0', `0.${'0'.repeat(30)}`],
    [
      '-12345678901234567890123456789012345.123456789012345678901234567890',
      '-12345678901234567890123456789012345.123456789012345678901234567890',
    ],
  ],
  'decimal(10,0)': [['-7', '-7']],
  'decimal(8,2) zerofill': [['1.5', '1.50']],
  float: [
    ['1.1', 1.1],
    ['16777216', 16_777_216],
    ['-3.4028234e38', -3.4028235e38],
    ['1e-45', 1e-45],
    ['0', 0],
  ],
  double: [
    ['0.1', 0.1],
    ['1.7976931348623157e308', Number.MAX_VALUE],
    ['5e-324', 5e-324],
    ['-0.5', -0.5],
  ],
  'double(10,2) zerofill': [['1.5', 1.5]],
  date: [
    ["'2026-02-28'", '2026-02-28'],
    ["'0000-00-00'", '0000-00-00'],
    ["'9999-12-31'", '9999-12-31'],
    ["'2026-00-00'", '2026-00-00'],
  ],
  datetime: [
    ["'2026-01-31 10:00:00'", '2026-01-31T10:00:00'],
    ["'0000-00-00'", '0000-00-00T00:00:00'],
  ],
  'datetime(6)': [
    ["'2026-01-31 23:59:59.999999'", '2026-01-31T23:59:59.999999'],
    ["'1000-01-01'", '1000-01-01T00:00:00.000000'],
  ],
  'timestamp null': [
    ["'2026-07-01 12:00:00'", '2026-07-01T12:00:00Z'],
    ["'1970-01-01 00:00:01'", '1970-01-01T00:00:01Z'],
    ["'2038-01-19 03:14:07'", '2038-01-19T03:14:07Z'],
    ["'0000-00-00'", '0000-00-00T00:00:00Z'],
  ],
  'timestamp(3) null': [["'2026-07-01 12:00:00.125'", '2026-07-01T12:00:00.125Z']],
  time: [
    ["'838:59:59'", '838:59:59'],
    ["'-838:59:59'", '-838:59:59'],
    ["'00:00:00'", '00:00:00'],
  ],
  'time(6)': [["'-00:00:00.000001'", '-00:00:00.000001']],
  year: [
    ['0', 0],
    ['1901', 1901],
    ['2155', 2155],
  ],
  'bit(1)': [
    ["b'0'", 0],
    ["b'1'", 1],
  ],
  'bit(10)': [["b'1000000001'", 513]],
  'bit(64)': [
    ["b'101'", 5],
    ['0xffffffffffffffff', '18446744073709551615'],
  ],
  'char(10)': [
    ["'a '", 'a'],
    ["''", ''],
  ],
  'varchar(50)': [
    ["'a '", 'a '],
    ["''", ''],
    [`'"\\\\\\n\\r\\t\\b\\0\\'/'`, '"\\\n\r\t\b\0\'/'],
    ["'😀 é 中'", '😀 é 中'],
    ["X'7F'", '\x7f'],
    ["X'E280A8'", '\u2028'],
  ],
  'varchar(50) character set latin1': [["'né€'", 'né€']],
  'varchar(50) character set utf16': [["'😀'", '😀']],
  'varchar(50) character set cp1251': [["'Привет'", 'Привет']],
  longtext: [["repeat('é\"', 5000)", 'é"'.repeat(5_000)]],
  "enum('a','é','')": [
    ["'a'", 'a'],
    ["'é'", 'é'],
    ["''", ''],
  ],
  "set('a','b','c')": [
    ["'c,a'", 'a,c'],
    ["''", ''],
  ],
  'binary(4)': [["'ab'", 'YWIAAA==']],
  'varbinary(10)': [
    ["X'00ff'", 'AP8='],
    ["''", ''],
  ],
  longblob: [["repeat(X'ff00', 100000)", Buffer.from('ff00'.repeat(100_000), 'hex').toString('base64')]],
  json: [
    [`'{"b": [1, 2.50, null, true, "é\\\\u0000"], "a": {}}'`, { b: [1, 2.5, null, true, 'é\0'], a: {} }],
    [`'"text"'`, 'text'],
    [`'1'`, 1],
    [`'null'`, null],
    [`'[1,\\n  2]'`, [1, 2]],
    [`'{"__proto__": 1}'`, JSON.parse('{"__proto__": 1}')],
  ],
  point: [["ST_GeomFromText('POINT(1 2)')", wkbPoint(1, 2).toString('base64')]],
  geometry: [["ST_GeomFromText('POINT(-1.5 0)', 4326)", wkbPoint(-1.5, 0).toString('base64')]],
};

function wkbPoint(x: number, y: number): Buffer {
  const bytes = Buffer.alloc(21);
  bytes.writeUInt8(1, 0);
  bytes.writeUInt32LE(1, 1);
  bytes.writeDoubleLE(x, 5);
  bytes.writeDoubleLE(y, 13);
  return bytes;
}

test('every type crosses as its form, whichever kind of job asks, and its null as null', async t => {
  const fixture = await databaseWith(t, '');
  if (!fixture) return;
  const { bridge, writer } = fixture;
  for (const [type, values] of Object.entries(VALUES)) {
    await writer.query(`create table data (id int primary key, v ${type})`);
    for (const [id, [stored]] of values.entries())
      await writer.query(`insert into data values (${id}, ${stored})`);
    await writer.query(`insert into data values (1000, null)`);
    const expected = [...values.map(([, crosses], id) => ({ id, v: crosses })), { id: 1000, v: null }];
    const orderBy = [{ field: 'id' }];
    assert.deepEqual((await bridge.query('data', { orderBy })).rows, expected, type);
    assert.deepEqual((await bridge.read('data', {})).rows, expected, type);
    assert.deepEqual(await bridge.batchRead('data', { orderBy, select: ['id', 'v'] }), expected, type);
    await writer.query('drop table data');
  }
});

test('what crosses finds its row again', async t => {
  const fixture = await databaseWith(t, '');
  if (!fixture) return;
  const { bridge, writer } = fixture;
  for (const [type, values] of Object.entries(VALUES)) {
    if (/json|point|geometry/.test(type)) continue;
    await writer.query(`create table data (id int primary key, v ${type})`);
    for (const [id, [stored]] of values.entries())
      await writer.query(`insert into data values (${id}, ${stored})`);
    for (const [id, [, crosses]] of values.entries()) {
      const { rows } = await bridge.query('data', { where: { v: crosses }, select: ['id'] });
      assert.deepEqual(rows, [{ id }], `${type} ${JSON.stringify(crosses).slice(0, 80)}`);
    }
    await writer.query('drop table data');
  }
});

test('types of MariaDB alone', async t => {
  const fixture = await databaseWith(t, '');
  if (!fixture || !(await isMariaDb(fixture))) return;
  const { bridge, writer } = fixture;
  await writer.query(`create table data (id int primary key, u uuid, i6 inet6, i4 inet4, n json, key (u));
    insert into data values (1, '123e4567-e89b-12d3-a456-426614174000', '::ffff:10.0.0.1', '10.0.0.1', '{"n": 9007199254740993}');
    set check_constraint_checks = 0;
    insert into data values (2, null, null, null, '{"a": 1'), (3, null, null, null, concat(repeat('[', 101), repeat(']', 101))),
      (4, null, null, null, concat(repeat('[', 100), repeat(']', 100)));
    set check_constraint_checks = 1;`);
  const lines = await linesOf(
    bridge.stream('query', 'data', { where: { id: 1 } }, new AbortController().signal),
  );
  assert.equal(
    lines,
    '{"id":1,"u":"123e4567-e89b-12d3-a456-426614174000","i6":"::ffff:10.0.0.1","i4":"10.0.0.1","n":{"n": 9007199254740993}}\n',
  );
  for (const where of [
    { u: '123E4567-E89B-12d3-a456-426614174000' },
    { u: { $in: ['nonsense', '123e4567-e89b-12d3-a456-426614174000'] } },
    { i6: '::ffff:10.0.0.1' },
    { i4: { $startsWith: '10.' } },
    { n: { $contains: '9007199254740993' } },
  ]) {
    assert.equal(await bridge.count('data', { where }), 1, JSON.stringify(where));
  }
  assert.equal(await bridge.count('data', { where: { u: 'nonsense' } }), 0);
  const { rows } = await bridge.query('data', {
    select: ['n'],
    where: { id: { $gt: 1 } },
    orderBy: [{ field: 'id' }],
  });
  assert.equal(rows[0]?.n, '{"a": 1', 'what is no JSON stays the text it is');
  assert.equal(rows[1]?.n, '['.repeat(101) + ']'.repeat(101), 'what nests too deep for a frame too');
  assert.ok(Array.isArray(rows[2]?.n));
});

test('bytes in a text that are no UTF-8 become replacement characters, and the row stays one', async t => {
  const fixture = await databaseWith(t, '');
  if (!fixture || !(await isMariaDb(fixture))) return;
  const { bridge, writer } = fixture;
  // A table of bytes, whose files are then those of one of texts: as careless migrations do.
  await writer.query(`create table bytes (id int, v varbinary(80)) engine = myisam;
    insert into bytes values (1, X'61ff22'), (2, X'e282'), (3, X'6f6b');
    create table texts (id int, v varchar(20) character set utf8mb4) engine = myisam; flush tables`);
  const directory = fixture.server.socket && join(dirname(fixture.server.socket), 'data', fixture.name);
  // A server of another machine or user: nothing here can make it hold such bytes.
  if (!directory) return;
  for (const extension of ['MYD', 'MYI']) {
    await writeFile(
      join(directory, `texts.${extension}`),
      await readFile(join(directory, `bytes.${extension}`)),
    );
  }
  await writer.query('flush tables');
  for await (const batch of bridge.stream('query', 'texts', {}, new AbortController().signal)) {
    assert.ok(!Array.isArray(batch) && isUtf8(batch.lines));
  }
  assert.deepEqual((await bridge.query('texts', { orderBy: [{ field: 'id' }] })).rows, [
    { id: 1, v: 'a\ufffd"' },
    { id: 2, v: '\ufffd' },
    { id: 3, v: 'ok' },
  ]);
});

test('a text of 10 MB crosses whole, in a batch of its own', async t => {
  const fixture = await databaseWith(
    t,
    `create table data (id int primary key, v longtext);
     insert into data values (1, repeat('0123456"é', 1048576)), (2, 'small')`,
  );
  if (!fixture) return;
  const { rows } = await fixture.bridge.query('data', { orderBy: [{ field: 'id' }] });
  assert.equal(rows[0]?.v, '0123456"é'.repeat(1_048_576));
  assert.equal(rows[1]?.v, 'small');
});

test('a column may have any name, in JSON too', async t => {
  const fixture = await databaseWith(
    t,
    'create table data (`__proto__` int, `a"b\\\\c` int, `é x` int, `x.y` int, `constructor` int); insert into data values (1, 2, 3, 4, 5)',
  );
  if (!fixture) return;
  const { rows } = await fixture.bridge.query('data', {});
  assert.deepEqual(Object.entries(rows[0] as object), [
    ['__proto__', 1],
    ['a"b\\\\c', 2],
    ['é x', 3],
    ['x.y', 4],
    ['constructor', 5],
  ]);
});

test('JSON is what JSON.parse takes, byte for byte', () => {
  const pieces = fc.constantFrom(
    '{',
    '}',
    '[',
    ']',
    ',',
    ':',
    '"',
    '\\',
    'u00e9',
    'n',
    '1',
    '0',
    '-',
    '.',
    'e',
    '+',
    ' ',
    '\n',
    'true',
    'null',
    'é',
    '\x01',
    '"a":',
    '[]',
  );
  const parses = (text: string): boolean => {
    try {
      JSON.parse(text);
      return true;
    } catch {
      return false;
    }
  };
  fc.assert(
    fc.property(fc.array(pieces, { maxLength: 8 }), parts => {
      const text = parts.join('');
      assert.equal(isJson(Buffer.from(text), 100), parses(text), JSON.stringify(text));
    }),
    { numRuns: 20_000 },
  );
  fc.assert(
    fc.property(fc.json(), fc.nat(), fc.string({ maxLength: 2 }), (whole, place, noise) => {
      assert.equal(isJson(Buffer.from(whole), 100), true);
      const at = place % (whole.length + 1);
      const broken = whole.slice(0, at) + noise + whole.slice(at);
      assert.equal(isJson(Buffer.from(broken), 100), parses(broken), JSON.stringify(broken));
    }),
    { numRuns: 3_000 },
  );
  assert.equal(isJson(Buffer.from('['.repeat(100) + ']'.repeat(100)), 100), true);
  assert.equal(isJson(Buffer.from('['.repeat(101) + ']'.repeat(101)), 100), false);
  assert.equal(isJson(Buffer.from('['.repeat(1_000_000)), 100), false);
});

async function linesOf(batches: RowBatches): Promise<string> {
  let lines = '';
  for await (const batch of batches) {
    assert.ok(!Array.isArray(batch));
    lines += batch.lines;
  }
  return lines;
}

async function isMariaDb({ sql }: Fixture): Promise<boolean> {
  const [row] = await sql('select version() as version');
  return /mariadb/i.test(String(row?.version));
}
