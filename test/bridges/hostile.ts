/** Two hundred names and values that hurt somebody once: on each engine they work or are refused by name, and nothing changes. */
import assert from 'node:assert/strict';
import type { Bridge } from '../../src/bridges/bridge.ts';

const INJECTIONS = [
  "'; drop table victims; --",
  '"; drop table victims; --',
  '`; drop table victims; --',
  ']; drop table victims; --',
  "' or '1'='1",
  '" or "1"="1',
  '` or `1`=`1',
  "' or 1=1 --",
  "') or ('1'='1",
  '1 or 1=1',
  '1; delete from victims',
  '1); delete from victims; --',
  "x' union select 1, 2, 3 --",
  'id union all select name from victims',
  "\\'; drop table victims; --",
  "\\\\'; drop table victims; --",
  '%27; drop table victims; --',
  '\u02bc; drop table victims; --',
  '\uff07; drop table victims; --',
  "victims; update victims set name = 'x'",
  "victims where 1=1; insert into victims values (99, 'x')",
  'victims/**/where/**/1=1',
  'victims -- comment',
  'victims # comment',
  'victims /* comment',
  '/*! drop table victims */',
  '/*!50000 drop table victims */',
  '$$; drop table victims; $$',
  '$tag$; drop table victims; $tag$',
  "E'\\'; drop table victims; --",
  "U&'\\0027; drop table victims; --",
  '0x27; drop table victims',
  "'||(select name from victims)||'",
  "'+(select name from victims)+'",
  'pg_sleep(10)',
  "'; select pg_sleep(10); --",
  "' and sleep(10) and '",
  "benchmark(100000000, md5('x'))",
  "'; attach database '/tmp/x' as y; --",
  "'; pragma writable_schema = 1; --",
  "'; set transaction read write; --",
  "'; commit; drop table victims; --",
  "'; rollback; --",
  "load_extension('x')",
  "readfile('/etc/passwd')",
  "load_file('/etc/passwd')",
  "copy victims to '/tmp/x'",
  "into outfile '/tmp/x'",
  'lo_import(1)',
  'exec xp_cmdshell',
] as const;

const SPELLINGS = [
  '',
  ' ',
  '  ',
  '\t',
  '\n',
  '\r\n',
  '\0',
  'victims\0',
  '\0victims',
  'vic\0tims',
  '\u0001',
  '\u001b[31m',
  '\u007f',
  '\u0085',
  '\u00a0',
  '\u200b',
  '\u200d',
  '\u202evictims',
  '\u2028',
  '\u2029',
  '\ufeffvictims',
  '\ufffd',
  '\uffff',
  '\ud800',
  '\udc00',
  'a\ud800b',
  '\u{10ffff}',
  '😀',
  '👨\u200d👩\u200d👧',
  'e\u0301',
  'é',
  'İ',
  'ß',
  'ﬃ',
  'مرحبا',
  '﷽',
  'Ⅷ',
  '１',
  '"',
  '""',
  '"""',
  "'",
  "''",
  "'''",
  '`',
  '``',
  '[',
  ']',
  '[]',
  '()',
  '{}',
  '\\',
  '\\\\',
  '\\"',
  '/',
  '../../etc/passwd',
  '.',
  '..',
  'main.victims',
  'public.victims',
  '"public"."victims"',
  'information_schema.tables',
  'pg_catalog.pg_class',
  'mysql.user',
  'sqlite_schema',
  'sqlite_master',
  'sqlite_sequence',
  'pg_class',
  'rowid',
  '_rowid_',
  'oid',
  'ctid',
  'xmin',
  'tableoid',
  '*',
  '%',
  '%%',
  '_',
  '?',
  '$1',
  ':name',
  '@name',
  '@@version',
  '#',
  '--',
  '/*',
  ';',
  ',',
  'select',
  'SELECT',
  'null',
  'NULL',
  'true',
  'table',
  'order',
  'user',
  'current_user',
  'VICTIMS',
  'Id',
  'id ',
  ' id',
  'id,name',
  'id as x',
  'count(*)',
  'id desc',
  'random()',
  '__proto__',
  'constructor',
  'prototype',
  'toString',
  'hasOwnProperty',
  'valueOf',
  '$where',
  '$and',
  '$eq',
  '$',
  'undefined',
  'NaN',
  'Infinity',
  '[object Object]',
  'x'.repeat(63),
  'x'.repeat(64),
  'x'.repeat(65),
  'x'.repeat(1_024),
  'x'.repeat(1_025),
  'x'.repeat(10_000),
  '😀'.repeat(300),
] as const;

/** Beside the texts above: operands that are no text, and texts that look like something else. */
const VALUES: readonly unknown[] = [
  0,
  -0,
  1,
  -1,
  0.1,
  2 ** 31,
  2 ** 32,
  2 ** 53,
  2 ** 53 + 2,
  -(2 ** 53),
  2 ** 63,
  2 ** 64,
  1e308,
  5e-324,
  Number.NaN,
  Number.POSITIVE_INFINITY,
  true,
  false,
  '9223372036854775807',
  '9223372036854775808',
  '-9223372036854775809',
  '1e400',
  '0x1F',
  '1_000',
  '٣',
];

const HOSTILE_NAMES: readonly string[] = [...INJECTIONS, ...SPELLINGS];
export const HOSTILE: readonly unknown[] = [...HOSTILE_NAMES, ...VALUES];

const OPERATORS = [
  '$eq',
  '$ne',
  '$gt',
  '$gte',
  '$lt',
  '$lte',
  '$in',
  '$nin',
  '$like',
  '$ilike',
  '$contains',
  '$startsWith',
  '$endsWith',
  '$exists',
];

export interface HostileEngine {
  /** On a database with a table `victims (id integer primary key, name text)` of a few rows. */
  bridge: Bridge;
  /** Everything in the database, as text, read by a connection that is not the bridge's. */
  fingerprint(): Promise<string> | string;
}

/** Uses each of them in each place where a caller's text may stand. */
export async function surviveEverythingHostile({ bridge, fingerprint }: HostileEngine): Promise<void> {
  const before = await fingerprint();
  for (const name of HOSTILE_NAMES) {
    await named(name, async () => await bridge.query(name, {}));
    await named(name, async () => await bridge.count(name, {}));
    await named(name, async () => await bridge.read(name, {}));
    await named(name, async () => await bridge.batchRead(name, {}));
    await named(name, async () => await bridge.introspectTarget(name));
    await named(name, async () => await bridge.query('victims', { select: [name] }));
    await named(name, async () => await bridge.query('victims', { orderBy: [{ field: name }] }));
    await named(name, async () => await bridge.query('victims', { where: Object.fromEntries([[name, 1]]) }));
    await named(
      name,
      async () => await bridge.query('victims', { where: { id: Object.fromEntries([[name, 1]]) } }),
    );
    await named(name, async () => await bridge.read('victims', { fields: [name] }));
    const since = { changedSince: '2026-01-01', changeTrackingColumn: name };
    await named(name, async () => await bridge.read('victims', since));
    await bridge.read('victims', { cursor: name }).catch(refused);
    await bridge.query('victims', { orderBy: [{ field: 'id', dir: name as 'asc' }] }).catch(refused);
  }
  for (const value of HOSTILE) {
    for (const op of OPERATORS) {
      const operand = op === '$in' || op === '$nin' ? [value, null] : value;
      for (const field of ['id', 'name'])
        await bridge.count('victims', { where: { [field]: { [op]: operand } } }).catch(refused);
    }
    await bridge.query('victims', { limit: value as number, offset: value as number }).catch(refused);
    const since = { changedSince: value as string, changeTrackingColumn: 'name' };
    await bridge.read('victims', since).catch(refused);
  }
  assert.equal(
    await bridge.count('victims', {}),
    await bridge.count('victims', { where: { id: { $exists: true } } }),
  );
  assert.equal(await fingerprint(), before, 'a table has changed');
}

/** It works, or the error says which name it was. */
async function named(name: string, ask: () => Promise<unknown>): Promise<void> {
  try {
    await ask();
  } catch (error) {
    refused(error);
    const { message } = error as Error;
    const said = [name, JSON.stringify(name).slice(1, -1)].some(form => message.includes(form.slice(0, 40)));
    const unnameable = name === '' || name.includes('\0') || name.length > 1_024;
    assert.ok(said || unnameable, `${JSON.stringify(name)} is refused by another name: ${message}`);
  }
}

/** An error of ours or the database's about the value; never one that a text has broken out of its quotes. */
function refused(error: unknown): void {
  assert.ok(error instanceof Error && error.message !== '', String(error));
  assert.doesNotMatch(error.message, /syntax error|unrecognized token|unterminated|incomplete input/i);
}
