import assert from 'node:assert/strict';
import { test } from 'node:test';
import { databaseWith } from './fixture.ts';

/** What people type, paste and attack with: 100 texts, each tried as a name and as a value. */
const HOSTILE = [
  ...[
    "'",
    "''",
    '"',
    '`',
    '``',
    '\\',
    "\\'",
    '\\\\',
    '\\`',
    "';",
    '";',
    '`;',
    "'--",
    '#',
    '-- ',
    '/*',
    '*/',
    '/*!50000 1*/',
  ],
  ...[
    "' or '1'='1",
    '" or "1"="1',
    '` or `1`=`1',
    "' or 1=1 -- ",
    "'; drop table data; -- ",
    '`; drop table data; -- ',
  ],
  ...[
    "' union select password from mysql.user -- ",
    '1; delete from data',
    "x' and sleep(5) and '1'='1",
    '1 and 1=1',
    '(select 1)',
  ],
  ...[
    "\\' or 1=1 -- ",
    '%bf%27 or 1=1',
    "\u00bf' or 1=1 -- ",
    "\ubf5c' or 1=1 -- ",
    'ʼ or 1=1',
    '＇ or 1=1',
    "'/**/or/**/1=1",
    '0x27206f72',
    "X'27'",
    "_utf8mb4'x'",
  ],
  ...[
    '?',
    '??',
    ':a',
    '@a',
    '@@version',
    '$1',
    '$' + '{x}',
    '{{x}}',
    '%s',
    '%',
    '_',
    '%%',
    '%_%',
    '\\%',
    '\\_',
    '|',
    '||',
    '|%',
    '.',
    '..',
    'a.b',
    'a.b.c',
    '`a`.`b`',
    '../etc/passwd',
  ],
  ...[
    'null',
    'NULL',
    'true',
    'select',
    'table',
    '*',
    'data.*',
    'id',
    ' id',
    'id ',
    'ID',
    '__proto__',
    'constructor',
    'toString',
    'hasOwnProperty',
    '$where',
    '$and',
    '$eq',
  ],
  ...[
    '\t',
    '\n',
    '\r\n',
    '\0',
    'a\0b',
    '\u001b[31m',
    '\u202eevil',
    '\ufeff',
    '\u2028',
    '\ud800',
    '😀',
    'é',
    'e\u0301',
    'ß',
    'İ',
    'ı',
    '中文',
    'a'.repeat(64),
    'a'.repeat(65),
    'a'.repeat(1_000),
  ],
  ...[
    '',
    ' ',
    '-1',
    '1e308',
    '9223372036854775808',
    'NaN',
    'Infinity',
    '0000-00-00',
    '2026-02-30',
    '{"a":1}',
    '[1]',
    'http://x/?a=b&c=d',
  ],
];

test(`${HOSTILE.length} hostile texts, each as a value and as three kinds of name, work or are refused, and change nothing`, async t => {
  const fixture = await databaseWith(
    t,
    `create table data (id int primary key auto_increment, v text collate utf8mb4_unicode_ci, n bigint, d datetime, b blob, f double);
     insert into data (id, v, n, d, b, f) values (1, 'kept', 1, '2026-01-31', 'x', 1.5)`,
  );
  if (!fixture) return;
  assert.ok(HOSTILE.length >= 100);
  const { bridge, writer, sql } = fixture;
  const storable = HOSTILE.filter(text => !text.includes('\ud800'));
  for (const [index, text] of storable.entries()) {
    await writer.query('insert into data (id, v) values (?, ?)', [index + 2, text]);
  }
  const before = JSON.stringify(await sql('checksum table data'));
  const refused =
    /there is no (?:column|table)|gives no value of that type|field name|has no text|not an? |operator/;
  for (const text of HOSTILE) {
    const said = JSON.stringify(text);
    const { rows } = await bridge.query('data', { where: { v: text }, select: ['v'] });
    assert.deepEqual(rows, storable.includes(text) ? [{ v: text }] : [], said);
    for (const op of ['$like', '$ilike', '$contains', '$startsWith', '$endsWith']) {
      const found = await bridge.query('data', { where: { v: { [op]: text } }, select: ['v'] });
      if (op !== '$like' && op !== '$ilike' && storable.includes(text)) {
        assert.ok(
          found.rows.some(row => row.v === text),
          `${op} ${said}`,
        );
      }
    }
    assert.equal(await bridge.count('data', { where: { v: [text] } }), storable.includes(text) ? 1 : 0, said);
    for (const column of ['n', 'd', 'f', 'b']) {
      assert.ok((await bridge.count('data', { where: { [column]: text } })) <= 1, `${column} ${said}`);
      await bridge
        .count('data', { where: { [column]: { $gt: text } } })
        .catch(error => assert.match(String(error), refused, said));
    }
    for (const ask of [
      () => bridge.query('data', { where: { [text]: 1 } }),
      () => bridge.query('data', { select: [text] }),
      () => bridge.query('data', { orderBy: [{ field: text }] }),
      () => bridge.read('data', { fields: [text] }),
      () => bridge.query(text, {}),
      () => bridge.introspectTarget(text),
    ]) {
      if (text === 'id') continue;
      await assert.rejects(ask, refused, said).catch(error => {
        // `$and` and the like are words of the grammar: what stands behind them is wrong then.
        if (!text.startsWith('$')) throw error;
      });
    }
  }
  assert.equal(JSON.stringify(await sql('checksum table data')), before);
});

test('every legal name of a table and its column works, however it is spelled', async t => {
  const fixture = await databaseWith(t, '');
  if (!fixture) return;
  const { bridge, writer } = fixture;
  const legal = HOSTILE.filter(
    text => text !== '' && text.length <= 64 && !/[\0\ud800]|[\u{10000}-\u{10ffff}]|\s$/u.test(text),
  );
  const quote = (name: string): string => `\`${name.replaceAll('`', '``')}\``;
  let worked = 0;
  for (const name of legal) {
    const created = await writer
      .query(
        `create table ${quote(`t${name}`)} (${quote(name)} int primary key); insert into ${quote(`t${name}`)} values (7)`,
      )
      .then(
        () => true,
        () => false,
      );
    // The server's own limits of a name are none of ours.
    if (!created) continue;
    worked++;
    const [target, ...others] = await bridge.listTargets();
    assert.ok(target);
    assert.ok(others.every(other => other.name.includes('.')));
    const where = name.startsWith('$') ? {} : { [name]: { $gte: 7 } };
    const { rows } = await bridge.query(target.name, { where, select: [name], orderBy: [{ field: name }] });
    assert.deepEqual(rows.map(Object.entries), [[[name, 7]]]);
    const page = await bridge.read(target.name, { fields: [name] });
    assert.deepEqual(page.rows.map(Object.entries), [[[name, 7]]]);
    assert.equal((await bridge.introspectTarget(target.name)).columns[0]?.name, name);
    await writer.query(`drop table ${quote(`t${name}`)}`);
  }
  assert.ok(worked > 70, `${worked} names`);
});
