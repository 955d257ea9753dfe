/** A policy on the wire: a hostile gateway asks in every way it can, and learns nothing of what is hidden. */
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import fc from 'fast-check';
import type { AggregateBucket, Bridge, Row } from '../../../src/bridges/bridge.ts';
import { SqliteBridge } from '../../../src/bridges/sqlite/sqlite-bridge.ts';
import { openSqlite } from '../../../src/platform/sqlite.ts';
import { Policy, startRunner } from '../../../src/runner/index.ts';
import { openScriptedGateway } from '../../support/scripted-gateway.ts';
import type { Frame, ScriptedRunner } from '../../support/scripted-runner.ts';
import { temporaryDirectory } from '../../support/temporary.ts';

/** People's names and numbers are what must not leave; the key of `badges` is a hidden one. */
const POLICY = {
  version: 1,
  sources: {
    staff: {
      targets: ['people', 'badges', 'rooms'],
      columns: { people: { mask: ['email'], drop: ['ssn', 'pay_*'] }, badges: { mask: ['number'] } },
    },
  },
};

/** Two worlds that differ in what is hidden, and in nothing else. */
async function writeStaff(file: string, world: number): Promise<void> {
  const database = await openSqlite(file, { readOnly: false });
  database.exec(`
    create table people (id integer primary key, name text, email text, ssn text, pay_cents integer, room integer);
    create table badges (number integer primary key, holder integer);
    create table rooms (id integer primary key, label text);
    create table secrets (id integer primary key, word text);
  `);
  for (let id = 1; id <= 12; id++) {
    const hidden = (id * 7 + world * 5) % 13;
    database
      .prepare('insert into people values (?, ?, ?, ?, ?, ?)')
      .run([id, `person ${id}`, `CANARY-mail-${hidden}`, `CANARY-ssn-${hidden}`, 770_000 + hidden, id % 3]);
    database.prepare('insert into rooms values (?, ?)').run([id, `room ${id}`]);
    database.prepare('insert into secrets values (?, ?)').run([id, `CANARY-word-${hidden}`]);
    database.prepare('insert into badges values (?, ?)').run([990_000 + id + world * 100, id]);
  }
  database.close();
}

const Rows: new (config: Record<string, unknown>) => Omit<Bridge, 'aggregate'> = SqliteBridge;

/** Aggregates over all rows in memory, so that whatever reaches it is answered with the values themselves. */
class TalkativeBridge extends Rows {
  async *aggregate(options: Record<string, unknown> & { target: string }): AsyncGenerator<AggregateBucket> {
    const where = { $and: [options.candidatesWhere ?? {}, options.where ?? {}] };
    const { rows } = await this.query(options.target, { where });
    const key = options.target === 'badges' ? 'number' : 'id';
    const ids = options.ids as unknown[] | undefined;
    const dimensions = (options.dimensions ?? []) as { field: string; as?: string }[];
    const measures = Object.entries((options.measures ?? {}) as Record<string, { column?: string }>);
    const [join] = (options.joins ?? []) as { target: string; on: { foreign: string } }[];
    const joined = join === undefined ? [] : (await this.query(join.target, {})).rows;
    for (const row of rows) {
      if (ids && !ids.includes(row[key])) continue;
      yield {
        dims: Object.fromEntries(dimensions.map(one => [one.as ?? one.field, row[one.field]])),
        measures: Object.fromEntries(measures.map(([name, one]) => [name, row[one.column ?? 'id']])),
        count: 1 + joined.filter(other => String(other[join?.on.foreign ?? '']) > 'CANARY-word-5').length,
      };
    }
  }
}

interface World {
  session: ScriptedRunner;
  source: Record<string, unknown>;
}

async function openWorld(t: TestContext, world: number): Promise<World> {
  const file = join(await temporaryDirectory(t), 'staff.db');
  await writeStaff(file, world);
  const gateway = await openScriptedGateway(t);
  const runner = startRunner({
    gatewayUrl: gateway.url,
    runnerId: 'edge',
    authToken: 'rk_policy-test-token-0123456789',
    env: { SEMILAYER_SOURCE_STAFF_URL: `file:${file}` },
    policy: Policy.parse(JSON.stringify(POLICY)),
    resolveBridge: () => TalkativeBridge,
  });
  t.after(() => runner.cancel());
  const source = { id: 's1', name: 'staff', bridge: 'sqlite', credentialsLocation: 'runner-local' };
  return { session: await gateway.greeted([source]), source };
}

let jobs = 0;

/** Every frame of one job, without what time it took. */
async function ask({ session, source }: World, job: Record<string, unknown>): Promise<Frame[]> {
  const id = `j${++jobs}`;
  const params = { source, job: { target: '', options: {}, ...job } };
  session.send({ type: 'job', id, params, deadlineMs: 30_000 });
  await session.ending(id);
  const frames = session.frames.filter(frame => frame.id === id).map(frame => structuredClone(frame));
  session.frames.splice(0);
  for (const frame of frames) {
    frame.id = 'job';
    if (frame.type === 'done') (frame.meta as Record<string, unknown>).durationMs = 0;
    for (const row of (frame.rows ?? []) as Row[])
      for (const key of Object.keys(row)) if (/Ms$/.test(key)) row[key] = 0;
  }
  return frames;
}

const COLUMNS_OF: Record<string, string[]> = {
  people: ['id', 'name', 'email', 'ssn', 'pay_cents', 'room'],
  badges: ['number', 'holder'],
  rooms: ['id', 'label'],
};
const ODD_COLUMNS = ['EMAIL', 'upper(ssn)', 'e\u0301mail', 'people.email', 'nobody'];
const ODD_TARGETS = [
  'secrets',
  'PEOPLE',
  'main.people',
  '"people"',
  '`people`',
  '[people]',
  'sqlite_schema',
  '',
];
const target = fc.oneof(
  { weight: 8, arbitrary: fc.constantFrom('people', 'people', 'badges', 'rooms') },
  { weight: 1, arbitrary: fc.constantFrom(...ODD_TARGETS) },
);
const value = fc.oneof(
  fc.integer({ min: 0, max: 12 }).map(hidden => `CANARY-mail-${hidden}`),
  fc.integer({ min: 0, max: 12 }).map(hidden => `CANARY-ssn-${hidden}`),
  fc.constantFrom('CANARY%', 'person 3'),
  fc.integer({ min: 1, max: 12 }),
  fc.integer({ min: 770_000, max: 770_013 }),
  fc.integer({ min: 990_000, max: 990_112 }),
);
const operator = fc.constantFrom('$eq', '$gt', '$lte', '$like', '$contains', '$regex');
const maybe = <T>(arbitrary: fc.Arbitrary<T>): fc.Arbitrary<T | undefined> =>
  fc.oneof({ weight: 3, arbitrary: fc.constant(undefined) }, { weight: 1, arbitrary });
/** A few of these keys: a job that does everything at once is mostly refused for one of its parts. */
const some = (keys: Record<string, fc.Arbitrary<unknown>>) =>
  fc.record(Object.fromEntries(Object.entries(keys).map(([key, one]) => [key, maybe(one)])));

/** A job about this target, with columns that mostly are its own. */
function jobAbout(name: string) {
  const own = COLUMNS_OF[name] ?? (COLUMNS_OF.people as string[]);
  const column = fc.oneof(
    { weight: 12, arbitrary: fc.constantFrom(...own) },
    { weight: 1, arbitrary: fc.constantFrom(...ODD_COLUMNS) },
  );
  const { where } = fc.letrec<{ where: object }>(tie => ({
    where: fc.oneof(
      { maxDepth: 2, depthSize: 'small' },
      fc.tuple(column, operator, value).map(([field, op, operand]) => ({ [field]: { [op]: operand } })),
      fc.tuple(column, value).map(([field, operand]) => ({ [field]: operand })),
      fc
        .tuple(column, fc.array(value, { minLength: 1, maxLength: 3 }))
        .map(([field, list]) => ({ [field]: list })),
      fc.array(tie('where'), { minLength: 1, maxLength: 2 }).map(of => ({ $or: of })),
      tie('where').map(of => ({ $not: of })),
    ),
  }));
  const orderBy = fc.array(fc.record({ field: column, dir: fc.constantFrom('asc', 'desc') }), {
    minLength: 1,
    maxLength: 2,
  });
  const names = fc.array(column, { minLength: 1, maxLength: 3 });
  const cursor = fc.oneof(
    fc.integer({ min: 990_000, max: 990_112 }).map(key => cursorOf('badges', key)),
    fc.integer({ min: 1, max: 12 }).map(key => cursorOf('people', key)),
  );
  const rowOptions = { where, orderBy, select: names, limit: fc.nat(5), offset: fc.nat(3), raw: column };
  const pageOptions = { limit: fc.integer({ min: 1, max: 5 }), cursor, fields: names };
  const since = fc.record({ changedSince: value, changeTrackingColumn: column });
  const dimension = fc.record({ field: column, as: maybe(fc.constantFrom('x', 'email', 'id')) });
  const measure = fc.record({
    agg: fc.constantFrom('min', 'max', 'count', 'top_k', 'first'),
    column,
    where: maybe(where),
    sql: fc.oneof({ weight: 9, arbitrary: fc.constant(undefined) }, { weight: 1, arbitrary: column }),
  });
  const joinOf = fc.record({
    target: fc.constantFrom('people', 'rooms', 'badges', 'secrets'),
    alias: fc.constant('j'),
    on: fc.record({ local: column, foreign: fc.constantFrom('id', 'holder', 'number', 'email', 'word') }),
  });
  const aggregate = {
    measures: fc.dictionary(fc.constantFrom('m', 'email', 'n'), measure, { minKeys: 1, maxKeys: 1 }),
    candidatesWhere: where,
    having: where,
    sort: fc.tuple(fc.record({ key: column })),
    ids: fc.tuple(value),
    joins: fc.tuple(joinOf),
    expression: column,
  };
  return fc.oneof(
    fc.record({ kind: fc.constantFrom('query', 'batchRead'), options: some(rowOptions) }),
    fc.record({ kind: fc.constant('read'), options: fc.oneof(some(pageOptions), since) }),
    fc.record({ kind: fc.constant('count'), options: fc.record({ where }) }),
    fc.record({
      kind: fc.constant('aggregate'),
      options: fc
        .tuple(fc.array(dimension, { maxLength: 1 }), some(aggregate))
        .map(([dimensions, rest]) => ({ dimensions, ...rest })),
    }),
    fc.record({ kind: fc.constantFrom('introspectTarget', 'listTargets', 'test', 'search') }),
  );
}
const job = target.chain(name => jobAbout(name).map(one => ({ ...one, target: name })));

test('no job of any kind tells two databases apart that differ only in what is hidden', async t => {
  const worlds = [await openWorld(t, 0), await openWorld(t, 1)] as const;
  let answered = 0;
  await fc.assert(
    fc.asyncProperty(job, async one => {
      const [left, right] = await Promise.all([ask(worlds[0], one), ask(worlds[1], one)]);
      assert.deepEqual(left, right);
      // What the job says itself may be said back to it; a value of the database may not.
      const said = JSON.stringify(one);
      for (const canary of JSON.stringify(left).match(/CANARY-\w+-\d+|\b(?:77|99)0\d{3}\b/g) ?? [])
        assert.ok(said.includes(canary), canary);
      const cursors = left.flatMap(
        frame => (frame.meta as { nextCursor?: string } | undefined)?.nextCursor ?? [],
      );
      for (const text of cursors)
        assert.doesNotMatch(Buffer.from(text, 'base64url').toString(), /CANARY|99\d{4}/);
      if (left.at(-1)?.type === 'done') answered++;
    }),
    { numRuns: 2_500 },
  );
  assert.ok(answered > 250, `only ${answered} jobs were let through`);
});

test('what is not hidden is answered as without a policy', async t => {
  const world = await openWorld(t, 0);
  const rowsOf = (frames: Frame[]) => frames.flatMap(frame => (frame.rows ?? []) as Row[]);
  const person = { id: 2, name: 'person 2', email: '[masked]', room: 2 };
  const where = { id: 2 };
  assert.deepEqual(rowsOf(await ask(world, { kind: 'query', target: 'people', options: { where } })), [
    person,
  ]);
  assert.deepEqual(
    rowsOf(
      await ask(world, { kind: 'batchRead', target: 'people', options: { where, select: ['email', 'id'] } }),
    ),
    [{ email: '[masked]', id: 2 }],
  );
  for (const select of [['ssn'], ['id', 'PAY_CENTS']]) {
    const [ending] = await ask(world, { kind: 'query', target: 'people', options: { select } });
    assert.match(String(ending?.message), /is hidden/);
  }
  const [noField] = await ask(world, { kind: 'read', target: 'people', options: { fields: ['ssn'] } });
  assert.match(String(noField?.message), /"ssn" is hidden/);
  const page = await ask(world, { kind: 'read', target: 'people', options: { limit: 5 } });
  assert.equal(rowsOf(page).length, 5);
  const { nextCursor } = page.at(-1)!.meta as { nextCursor: string };
  const next = await ask(world, {
    kind: 'read',
    target: 'people',
    options: { limit: 5, cursor: nextCursor },
  });
  assert.deepEqual(rowsOf(next)[0], { id: 6, name: 'person 6', email: '[masked]', room: 0 });
  const [count] = await ask(world, {
    kind: 'count',
    target: 'people',
    options: { where: { name: { $like: '%1%' } } },
  });
  assert.equal(count?.total, 4);
  const [schema] = rowsOf(await ask(world, { kind: 'introspectTarget', target: 'people' }));
  assert.deepEqual(
    (schema as { columns: { name: string }[] }).columns.map(one => one.name),
    ['id', 'name', 'email', 'room'],
  );
  const targets = rowsOf(await ask(world, { kind: 'listTargets' }));
  assert.deepEqual(targets, [{ name: 'badges' }, { name: 'people' }, { name: 'rooms' }]);
  const aggregate = { dimensions: [{ field: 'room' }], measures: { last: { agg: 'max', column: 'name' } } };
  const buckets = await ask(world, { kind: 'aggregate', target: 'people', options: aggregate });
  assert.deepEqual((buckets[0]!.agg as AggregateBucket[])[0], {
    dims: { room: 1 },
    measures: { last: 'person 1' },
    count: 1,
  });
});

test('a source has its rules however the gateway calls it, and one connection never serves two names', async t => {
  const world = await openWorld(t, 0);
  for (const name of ['STAFF', 'staff', 'Staff']) {
    const source = { ...world.source, name };
    world.session.send({ type: 'assignments-changed', assignedSources: [source] });
    const frames = await ask(
      { ...world, source },
      { kind: 'query', target: 'people', options: { limit: 1 } },
    );
    assert.deepEqual(
      Object.keys((frames[0]!.rows as Row[])[0] as Row),
      ['id', 'name', 'email', 'room'],
      name,
    );
  }
  // The source that was assigned is the one that is opened: another name in the job changes nothing.
  const lying = { ...world.source, name: 'other' };
  const lied = await ask(
    { ...world, source: lying },
    { kind: 'query', target: 'people', options: { limit: 1 } },
  );
  assert.deepEqual(Object.keys((lied[0]!.rows as Row[])[0] as Row), ['id', 'name', 'email', 'room']);
  const renamed = { ...world.source, name: 'other' };
  world.session.send({ type: 'assignments-changed', assignedSources: [renamed] });
  const [refused] = await ask({ ...world, source: renamed }, { kind: 'count', target: 'people' });
  assert.match(String(refused?.message), /the source "other" is not one that it allows/);
});

/** As the SQLite bridge writes them: a gateway need not wait to be given one. */
function cursorOf(table: string, key: number): string {
  return Buffer.from(JSON.stringify({ t: table, k: [['i', String(key)]] })).toString('base64url');
}
