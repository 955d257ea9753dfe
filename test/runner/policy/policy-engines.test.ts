/** Attacks on a policy, each by name, over the wire against every engine: two databases that differ in what is hidden answer alike. */
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { openSqlite } from '../../../src/platform/sqlite.ts';
import { Policy, startRunner } from '../../../src/runner/index.ts';
import { mysqlDatabase } from '../../support/mysql-server.ts';
import { connectTo, postgresServer } from '../../support/postgres-server.ts';
import { openScriptedGateway } from '../../support/scripted-gateway.ts';
import type { Frame, ScriptedRunner } from '../../support/scripted-runner.ts';
import { temporaryDirectory } from '../../support/temporary.ts';

const POLICY = Policy.parse(
  JSON.stringify({
    version: 1,
    columns: {
      people: { mask: ['email'], drop: ['ssn', 'pay_*'] },
      badges: { mask: ['number'] },
      sums: { drop: ['sum'] },
    },
  }),
);

/** As every engine understands it. `sums` fails at some hidden value, which the engines put into their errors. */
function schemaFor(world: number, text: string, sum: string): string {
  const rows = Array.from({ length: 9 }, (_, at) => {
    const hidden = (at * 4 + world * 5) % 9;
    return {
      person: `(${at + 1}, 'person ${at + 1}', 'CANARY-mail-${hidden}', 'CANARY-ssn-${hidden}', ${770_000 + hidden}, ${at % 3})`,
      badge: `('CANARY-badge-${at + world * 10}', ${at + 1})`,
    };
  });
  return `
    create table people (id integer primary key, name ${text}, email ${text}, ssn ${text}, pay_cents integer, room integer);
    create table badges (number ${text} primary key, holder integer);
    create table rooms (id integer primary key, label ${text});
    insert into people values ${rows.map(row => row.person).join(', ')};
    insert into badges values ${rows.map(row => row.badge).join(', ')};
    insert into rooms values (0, 'north'), (1, 'south'), (2, 'west');
    create view sums as select id, ${sum} as sum from people;`;
}

interface World {
  session: ScriptedRunner;
  source: Record<string, unknown>;
}

async function openWorld(t: TestContext, bridge: string, url: string): Promise<World> {
  const gateway = await openScriptedGateway(t);
  const runner = startRunner({
    gatewayUrl: gateway.url,
    runnerId: 'edge',
    authToken: 'rk_policy-test-token-0123456789',
    env: { SEMILAYER_SOURCE_STAFF_URL: url },
    policy: POLICY,
  });
  t.after(() => runner.cancel());
  const source = { id: 's1', name: 'staff', bridge, credentialsLocation: 'runner-local' };
  return { session: await gateway.greeted([source]), source };
}

const ENGINES: Record<string, (t: TestContext, world: number) => Promise<string | undefined>> = {
  '@semilayer/bridge-sqlite': async (t, world) => {
    const file = join(await temporaryDirectory(t), 'staff.db');
    const database = await openSqlite(file, { readOnly: false });
    database.exec(schemaFor(world, 'text', "json_extract('{}', email)"));
    database.exec('analyze');
    database.close();
    return `file:${file}`;
  },
  '@semilayer/bridge-postgres': async (t, world) => {
    const server = await postgresServer(t);
    if (!server) return undefined;
    const owner = await connectTo(t, server.url);
    await owner.query(schemaFor(world, 'text', 'email::integer'));
    await owner.query('analyze');
    return server.url;
  },
  '@semilayer/bridge-mysql': async (t, world) => {
    const database = await mysqlDatabase(t);
    if (!database) return undefined;
    await database.writer.query(
      `create function number_in(word varchar(60)) returns int deterministic begin
         declare said varchar(100) default concat('no number: ', word);
         signal sqlstate '45000' set message_text = said;
         return 1;
       end`,
    );
    await database.writer.query(schemaFor(world, 'varchar(60)', 'number_in(email)'));
    return database.url;
  },
};

interface Attack {
  kind: string;
  target: string;
  options?: Record<string, unknown>;
}

const people = (kind: string, options: Record<string, unknown>): Attack => ({
  kind,
  target: 'people',
  options,
});
const aggregate = (options: Record<string, unknown>, target = 'people'): Attack => ({
  kind: 'aggregate',
  target,
  options: { target, dimensions: [], measures: { n: { agg: 'count' } }, ...options },
});
const HIDDEN = [
  'email',
  'ssn',
  'pay_cents',
  'EMAIL',
  'Ssn',
  'people.email',
  '"email"',
  '`email`',
  'émail',
  'ßsn',
  'ema\u0131l',
  'email ',
  'people',
  'rowid',
  '_rowid_',
  'oid',
  'ctid',
  'xmin',
  '*',
  'people.*',
  'max(email)',
  'email as name',
];

function attacks(): Record<string, Attack> {
  const found: Record<string, Attack> = {};
  for (const column of HIDDEN) {
    found[`where ${column}`] = people('query', { where: { [column]: { $gt: 'CANARY-mail-4' } } });
    found[`where not ${column}`] = people('count', {
      where: { $not: { $or: [{ [column]: { $lt: 770_004 } }] } },
    });
    found[`order by ${column}`] = people('query', {
      select: ['id'],
      orderBy: [{ field: column, dir: 'desc' }],
    });
    found[`order a batch by ${column}`] = people('batchRead', {
      select: ['id'],
      orderBy: [{ field: 'room' }, { field: column }],
    });
    found[`select ${column}`] = people('query', { select: [column] });
    found[`read ${column}`] = people('read', { fields: ['id', column] });
    found[`changed since, in ${column}`] = people('read', {
      changedSince: 770_004,
      changeTrackingColumn: column,
    });
    found[`group by ${column}`] = aggregate({ dimensions: [{ field: column, as: 'x' }] });
    found[`greatest ${column}`] = aggregate({ measures: { m: { agg: 'max', column } } });
    found[`most frequent ${column}`] = aggregate({ measures: { m: { agg: 'top_k', column, k: 3 } } });
    found[`different ${column}`] = aggregate({
      measures: { m: { agg: 'count_distinct', column, where: { id: { $lt: 5 } } } },
    });
    found[`measure where ${column}`] = aggregate({
      measures: { m: { agg: 'count', where: { [column]: { $gt: 'CANARY-mail-4' } } } },
    });
    found[`aggregate where ${column}`] = aggregate({ where: { [column]: { $gt: 'CANARY-mail-4' } } });
    found[`candidates where ${column}`] = aggregate({
      candidatesWhere: { [column]: { $gt: 'CANARY-mail-4' } },
    });
    found[`having ${column}`] = aggregate({
      dimensions: [{ field: 'room' }],
      having: { [column]: { $gt: 1 } },
    });
    found[`sort by ${column}`] = aggregate({
      dimensions: [{ field: 'id' }],
      sort: [{ key: column, dir: 'desc' }],
    });
    found[`join on ${column}`] = aggregate({
      joins: [{ target: 'rooms', alias: 'r', on: { local: column, foreign: 'id' } }],
    });
    found[`join to ${column}`] = aggregate(
      { joins: [{ target: 'people', alias: 'p', on: { local: 'id', foreign: column } }] },
      'rooms',
    );
    found[`joined ${column}`] = aggregate(
      {
        joins: [{ target: 'people', alias: 'p', on: { local: 'id', foreign: 'room' } }],
        dimensions: [{ field: column, from: 'p' }],
      },
      'rooms',
    );
    found[`joined p.${column}`] = aggregate(
      {
        joins: [{ target: 'people', alias: 'p', on: { local: 'id', foreign: 'room' } }],
        measures: { m: { agg: 'min', column: `p.${column}` } },
      },
      'rooms',
    );
  }
  for (const [name, key] of [
    ['one', 'CANARY-badge-5'],
    ['another', 'CANARY-badge-14'],
  ] as const) {
    const cursor = Buffer.from(JSON.stringify({ t: 'badges', k: [['t', key]] })).toString('base64url');
    found[`the page after ${name} hidden key`] = {
      kind: 'read',
      target: 'badges',
      options: { cursor, limit: 2 },
    };
    found[`${name} hidden key`] = aggregate({ ids: [key] }, 'badges');
  }
  found['a page of hidden keys'] = { kind: 'read', target: 'badges', options: { limit: 2 } };
  found['a page with no key'] = { kind: 'read', target: 'sums', options: { limit: 2, fields: ['id'] } };
  for (const target of [
    'pg_stats',
    'pg_catalog.pg_stats',
    'pg_catalog.pg_statistic',
    'pg_stat_activity',
    'information_schema.columns',
    'mysql.column_stats',
    'mysql.innodb_index_stats',
    'performance_schema.events_statements_history',
    'information_schema.processlist',
    'sqlite_stat1',
    'sqlite_stat4',
    'sqlite_schema',
    'main.people',
    'PEOPLE',
    '"people"',
    '`people`',
    'people.',
    ' people',
    'public.people',
    'people\u0000',
    'information_schema.COLUMNS',
    'json_each',
  ]) {
    found[`all of ${target}`] = { kind: 'query', target };
    found[`what ${target} is`] = { kind: 'introspectTarget', target };
    found[`the count of ${target} by email`] = {
      kind: 'count',
      target,
      options: { where: { email: { $gt: 'CANARY-mail-4' } } },
    };
  }
  found['an error that quotes a value'] = { kind: 'query', target: 'sums' };
  found['an error that quotes a value, in a batch'] = { kind: 'batchRead', target: 'sums' };
  found['an error that quotes a value, in a page'] = { kind: 'read', target: 'sums' };
  found['what people are'] = { kind: 'introspectTarget', target: 'people' };
  found['what sums are'] = { kind: 'introspectTarget', target: 'sums' };
  found['all targets'] = { kind: 'listTargets', target: '' };
  found['all people'] = people('query', {});
  found['some people'] = people('batchRead', { select: ['email', 'name'] });
  found['a page of people'] = people('read', { limit: 4 });
  found['people by room'] = aggregate({ dimensions: [{ field: 'room' }] });
  found['an option nobody knows'] = people('query', { raw: 'select * from people', having: 'email' });
  return found;
}

/** Every frame of one job, without what time it took. */
async function ask({ session, source }: World, id: string, attack: Attack): Promise<Frame[]> {
  const job = { options: {}, ...attack };
  session.send({ type: 'job', id, params: { source, job }, deadlineMs: 60_000 });
  await session.ending(id);
  const frames = session.frames
    .filter(frame => frame.id === id)
    .map(frame =>
      frame.type === 'done' ? { ...frame, meta: { ...(frame.meta as object), durationMs: 0 } } : frame,
    );
  // Both databases may be on one server, where each lists the other's.
  return JSON.parse(JSON.stringify(frames).replace(/semilayer_test_\w+/g, 'database'));
}

for (const [bridge, open] of Object.entries(ENGINES)) {
  test(`no attack gets at what a policy hides: ${bridge}`, async t => {
    const [first, second] = [await open(t, 0), await open(t, 1)];
    if (first === undefined || second === undefined) return;
    const worlds = [await openWorld(t, bridge, first), await openWorld(t, bridge, second)] as const;
    const leaks: string[] = [];
    let answered = 0;
    for (const [name, attack] of Object.entries(attacks())) {
      const [left, right] = await Promise.all(worlds.map(world => ask(world, name, attack)));
      if (left?.at(-1)?.type === 'done') answered++;
      const said = JSON.stringify([name, attack]);
      const seen = (JSON.stringify([left, right]).match(/CANARY-\w+-\d+|\b770\d{3}\b/g) ?? []).filter(
        one => !said.includes(one),
      );
      if (seen.length > 0) leaks.push(`${name}: ${seen[0]}`);
      else if (JSON.stringify(left) !== JSON.stringify(right))
        leaks.push(`${name}: ${JSON.stringify(left).slice(0, 300)} / ${JSON.stringify(right).slice(0, 300)}`);
    }
    assert.deepEqual(leaks, []);
    assert.ok(answered >= 8, `only ${answered} jobs were answered`);
    const [refused] = await ask(worlds[0], 'sums again', { kind: 'query', target: 'sums' });
    assert.match(String(refused?.message), /withholds its words/);
    const [unknown] = await ask(worlds[0], 'nobody', people('query', { select: ['nobody'] }));
    assert.match(String(unknown?.message), /there is no column "nobody" in "people"/);
  });
}
