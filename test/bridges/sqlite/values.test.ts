import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { databaseWith } from './database.ts';

test('numbers cross as numbers while they are safe, as text beyond', async t => {
  const { bridge } = await databaseWith(
    t,
    `create table data (id integer primary key, v);
     insert into data (v) values (9007199254740991), (-9007199254740991), (9007199254740992), (9007199254740993),
       (-9223372036854775808), (1.5), (1e300), (9e999), (-9e999), (null), (0)`,
  );
  assert.deepEqual(await valuesOf(bridge), [
    9007199254740991,
    -9007199254740991,
    '9007199254740992',
    '9007199254740993',
    '-9223372036854775808',
    1.5,
    1e300,
    'Infinity',
    '-Infinity',
    null,
    0,
  ]);
});

test('2^53 + 1 is found by its text, and not by its neighbours', async t => {
  const { bridge } = await databaseWith(
    t,
    `create table data (id integer primary key, v integer);
     insert into data (v) values (9007199254740992), (9007199254740993), (9007199254740994)`,
  );
  const { rows } = await bridge.query('data', { where: { v: '9007199254740993' } });
  assert.deepEqual(rows, [{ id: 2, v: '9007199254740993' }]);
});

test('text crosses whole: emoji, a NUL, controls, right-to-left', async t => {
  const { bridge, writer } = await databaseWith(t, 'create table data (id integer primary key, v text)');
  const texts = [
    '',
    'plain',
    '😀 e\u0301 ﷽',
    '\u202eback\u202c',
    'line\r\nbreak\ttab',
    '\u0001\u001b[31m',
    '\ufeffbom',
  ];
  for (const text of texts) writer.prepare('insert into data (v) values (?)').run([text]);
  writer.exec(`insert into data (v) values ('before' || char(0) || 'after')`);
  assert.deepEqual(await valuesOf(bridge), [...texts, 'before\0after']);
  assert.equal(await bridge.count('data', { where: { v: 'before\0after' } }), 1);
  assert.equal(await bridge.count('data', { where: { v: 'before' } }), 0);
  assert.equal(await bridge.count('data', { where: { v: '😀 e\u0301 ﷽' } }), 1);
});

test('text that is not valid UTF-8 crosses with replacement characters and does not end the process', async t => {
  const { bridge } = await databaseWith(
    t,
    `create table data (id integer primary key, v text);
     insert into data (v) values (cast(x'61ff62' as text)), (cast(x'c328' as text)), (cast(x'80' as text))`,
  );
  assert.deepEqual(await valuesOf(bridge), ['a\ufffdb', '\ufffd(', '\ufffd']);
});

test('a database in UTF-16 crosses as the same text', async t => {
  for (const encoding of ['UTF-16le', 'UTF-16be']) {
    const { bridge } = await databaseWith(
      t,
      `pragma encoding = '${encoding}'; create table data (id integer primary key, v text);
       insert into data (v) values ('é😀'), ('a' || char(0) || 'b')`,
    );
    assert.deepEqual(await valuesOf(bridge), ['é😀', 'a\0b']);
    assert.equal(await bridge.count('data', { where: { v: 'é😀' } }), 1);
    assert.equal(await bridge.count('data', { where: { v: ['a\0b', '\u0001\u0002\0'] } }), 1);
  }
});

test('binary crosses as base64, whatever the column was declared as', async t => {
  const { bridge } = await databaseWith(
    t,
    `create table data (id integer primary key, v text);
     insert into data (v) values (x''), (x'00ff10'), (zeroblob(3)), (x'616263')`,
  );
  assert.deepEqual(await valuesOf(bridge), ['', 'AP8Q', 'AAAA', 'YWJj']);
});

test('any bytes and any text come back as they were stored', async t => {
  const { bridge, writer } = await databaseWith(t, 'create table data (id integer primary key, v)');
  const insert = writer.prepare('insert into data (v) values (?)');
  const value = fc.oneof(
    fc
      .uint8Array({ maxLength: 200 })
      .map(bytes => ({ stored: Buffer.from(bytes), read: Buffer.from(bytes).toString('base64') })),
    fc
      .string({ unit: 'binary', maxLength: 50 })
      .filter(text => !text.includes('\0'))
      .map(text => ({ stored: text, read: text })),
    fc.maxSafeInteger().map(integer => ({ stored: integer, read: integer })),
    fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }).map(integer => ({
      stored: integer,
      read:
        BigInt(Number(integer)) === integer && Number.isSafeInteger(Number(integer))
          ? Number(integer)
          : String(integer),
    })),
  );
  await fc.assert(
    fc.asyncProperty(fc.array(value, { minLength: 1, maxLength: 20 }), async values => {
      writer.exec('begin; delete from data');
      for (const one of values) insert.run([one.stored]);
      writer.exec('commit');
      assert.deepEqual(
        await valuesOf(bridge),
        values.map(one => one.read),
      );
    }),
    { numRuns: 50 },
  );
});

test('BOOLEAN stays the number it is stored as', async t => {
  const { bridge } = await databaseWith(
    t,
    'create table data (id integer primary key, v boolean); insert into data (v) values (true), (false), (null)',
  );
  assert.deepEqual(await valuesOf(bridge), [1, 0, null]);
  assert.equal(await bridge.count('data', { where: { v: true } }), 1);
});

test('a column declared JSON crosses as JSON; what is none, or nests too deep for a frame, as its text', async t => {
  const deep = `${'['.repeat(101)}1${']'.repeat(101)}`;
  const deepest = `${'['.repeat(200_000)}${']'.repeat(200_000)}`;
  const { bridge, writer } = await databaseWith(t, 'create table data (id integer primary key, v json)');
  const insert = writer.prepare('insert into data (v) values (?)');
  const texts = [
    '{"a":[1,null]}',
    '"text"',
    '1',
    'not json',
    '',
    '{"__proto__":{"admin":true}}',
    deep,
    deepest,
    null,
  ];
  for (const text of texts) insert.run([text]);
  const values = await valuesOf(bridge);
  assert.deepEqual(values.slice(0, 5), [{ a: [1, null] }, 'text', 1, 'not json', '']);
  assert.equal(JSON.stringify(values[5]), texts[5]);
  assert.equal('admin' in (values[5] as object), false);
  assert.deepEqual(values.slice(6), [deep, deepest, null]);
});

test('columns named for the language are columns', async t => {
  const { bridge } = await databaseWith(
    t,
    'create table data ("__proto__" text, constructor integer, "a ""quoted"" name" text); insert into data values (\'p\', 7, \'q\')',
  );
  const { rows } = await bridge.query('data', { where: JSON.parse('{"__proto__":"p"}') as unknown });
  assert.equal(JSON.stringify(rows), '[{"__proto__":"p","constructor":7,"a \\"quoted\\" name":"q"}]');
});

test('the same value crosses the same way, whichever kind of job asked', async t => {
  const { bridge } = await databaseWith(
    t,
    `create table data (id integer primary key, i integer, r real, t text, b blob, j json);
     insert into data values (1, 9007199254740993, 9e999, cast(x'ff' as text), x'00', '{"a":1}')`,
  );
  const { rows } = await bridge.query('data', {});
  assert.deepEqual((await bridge.read('data', {})).rows, rows);
  assert.deepEqual(await bridge.batchRead('data', {}), rows);
  assert.deepEqual(rows, [
    { id: 1, i: '9007199254740993', r: 'Infinity', t: '\ufffd', b: 'AA==', j: { a: 1 } },
  ]);
});

async function valuesOf(bridge: {
  query(target: string, options: object): Promise<{ rows: Record<string, unknown>[] }>;
}): Promise<unknown[]> {
  const { rows } = await bridge.query('data', { select: ['v'], orderBy: [{ field: 'id' }] });
  return rows.map(row => row.v);
}
