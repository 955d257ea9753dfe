/** What a policy file may say, and the limits it sets on the jobs of a real connection. */
import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import type { Bridge, BridgeClass, RowBatches } from '../../../src/bridges/bridge.ts';
import { Policy, type StartRunnerOptions, startRunner } from '../../../src/runner/index.ts';
import { guardBridge } from '../../../src/runner/policy/guarded-bridge.ts';
import { HiddenColumns } from '../../../src/runner/policy/hidden-columns.ts';
import { byColumn, byTarget } from '../../../src/runner/policy/patterns.ts';
import { deferred } from '../../support/deferred.ts';
import { openScriptedGateway } from '../../support/scripted-gateway.ts';
import type { ScriptedRunner } from '../../support/scripted-runner.ts';

const SOURCE = {
  id: 's1',
  name: 'shop',
  bridge: 'fake',
  credentialsLocation: 'managed',
  config: { url: 'x' },
};

test('a key that is misspelt is an error that names it, never a rule that does nothing', () => {
  const cases: [unknown, RegExp][] = [
    [{ version: 2 }, /version must be 1/],
    [{ version: 1, colums: {} }, /unknown key "colums"/],
    [
      { version: 1, columns: { people: { masked: ['email'] } } },
      /columns\["people"\] has an unknown key "masked"/,
    ],
    [
      { version: 1, columns: { people: { mask: 'email' } } },
      /columns\["people"\]\.mask is not a list of names/,
    ],
    [{ version: 1, sources: { shop: { kind: ['query'] } } }, /sources\["shop"\] has an unknown key "kind"/],
    [{ version: 1, kinds: ['select'] }, /there is no kind of job "select"/],
    [{ version: 1, credentials: ['local'] }, /managed or runner-local/],
    [{ version: 1, maxRows: 0 }, /maxRows is not a whole number/],
    [{ version: 1, maxBytes: '10MB' }, /maxBytes is not a whole number/],
    [{ version: 1, statementTimeout: 10 }, /statementTimeout is not a duration/],
    [{ version: 1, statementTimeout: 'soon' }, /statementTimeout.*"soon" is not a duration/],
    [[], /the policy is not an object/],
  ];
  for (const [document, said] of cases) {
    assert.throws(() => Policy.parse(JSON.stringify(document), 'p.json'), {
      code: 'invalid_config',
      message: said,
    });
  }
  assert.throws(() => Policy.parse('{', 'p.json'), { message: 'p.json: the file is not JSON' });
});

test('targets are restricted however they are written, and allowed only as they are written', () => {
  const restricted = byTarget('sales.orders');
  for (const target of [
    'sales.orders',
    '"sales"."orders"',
    'SALES.Orders',
    'orders',
    'db.sales.orders',
    '`sales`.`orders`',
  ])
    assert.ok(restricted(target), target);
  for (const target of ['hr.orders', 'order', 'sales.orders_old']) assert.ok(!restricted(target), target);
  assert.ok(byTarget('orders')('any.orders'));
  assert.ok(byTarget('*')('whatever'));
  assert.ok(byTarget('audit_*')('public."audit_2024"'));
  const policy = Policy.parse('{"version":1,"sources":{"shop":{"targets":["orders","report.*"]}}}');
  const permit = (target: string) =>
    policy.permit({ ...SOURCE, credentialsLocation: 'managed' }, { kind: 'count', target, options: {} });
  for (const target of ['orders', 'report.day']) permit(target);
  for (const target of ['Orders', 'public.orders', '"orders"', 'report', 'xreport.day'])
    assert.throws(() => permit(target), /is not one that it allows/, target);
});

test('what a source may be, and which jobs it takes, is judged before it is opened', async t => {
  const opened: string[] = [];
  const policy = {
    version: 1,
    bridges: ['fake'],
    credentials: ['managed'],
    sources: { shop: { kinds: ['count', 'test'] }, 'crm-*': {} },
  };
  const { ask } = await connect(t, policy, { count: async () => 3 }, name => opened.push(name));
  const cases: [Record<string, unknown>, string, string, RegExp][] = [
    [{}, 'query', 'UNSUPPORTED_JOB', /"shop" takes no query jobs/],
    [{}, 'listTargets', 'UNSUPPORTED_JOB', /takes no listTargets/],
    [{}, 'introspectTarget', 'UNSUPPORTED_JOB', /takes no introspect/],
    [{ bridge: 'other' }, 'count', 'SOURCE_QUERY_FAILED', /bridge other/],
    [{ name: 'hr' }, 'count', 'SOURCE_QUERY_FAILED', /source "hr"/],
    [{ name: 'hr' }, 'test', 'SOURCE_QUERY_FAILED', /source "hr"/],
    [{ credentialsLocation: 'runner-local' }, 'count', 'SOURCE_QUERY_FAILED', /runner-local credentials/],
  ];
  for (const [change, kind, code, message] of cases) {
    const ending = await ask(kind, {}, { ...SOURCE, ...change });
    assert.deepEqual([ending.type, ending.code], ['error', code]);
    assert.match(String(ending.message), message);
  }
  assert.deepEqual(opened, []);
  assert.equal((await ask('count', {}, { ...SOURCE, name: 'crm-eu' })).type, 'done');
  assert.equal((await ask('count')).type, 'done');
});

test('an aggregate is judged by every name in it, and what cannot be judged is refused', async t => {
  const policy = {
    version: 1,
    targets: ['orders', 'people'],
    columns: { orders: { mask: ['email'] }, people: { drop: ['ssn'], mask: ['id'] } },
  };
  const columns = [
    { name: 'id', type: '', nullable: false, primaryKey: true },
    { name: 'email', type: '', nullable: false, primaryKey: false },
  ];
  const { ask } = await connect(t, policy, {
    aggregate: async () => [{ dims: {}, measures: {}, count: 1 }],
    introspectTarget: async name => ({ name, columns }),
  });
  const join = (target: string, foreign: string) => ({
    joins: [{ target, alias: 'j', on: { local: 'id', foreign } }],
  });
  const refused: [Record<string, unknown>, string?][] = [
    [{ dimensions: [{ field: 'email' }] }],
    [{ dimensions: [{ field: 'id', as: 'email' }] }],
    [{ dimensions: [{ field: 'lower(email)' }] }],
    [{ dimensions: [{ field: 'id', expression: 'email' }] }],
    [{ measures: { n: { agg: 'max', column: 'Email' } } }],
    [{ measures: { n: { agg: 'count', where: { email: { $gt: 'm' } } } } }],
    [{ measures: { n: { agg: 'max', column: 'id', filter: 'x' } } }],
    [{ measures: { n: { agg: 'max', column: ['email'] } } }],
    [{ candidatesWhere: { $not: { email: 'x' } } }],
    [{ where: { $or: [{ email: 'x' }] } }],
    [{ where: 'email is null' }],
    [{ having: { email: 1 } }],
    [{ sort: [{ key: 'email', dir: 'asc' }] }],
    [{ changeTrackingColumn: 'email' }],
    [{ raw: 'select 1' }],
    [{ limit: { $sql: 'email' } }],
    [{ dimensions: [{ field: 'id', bucket: { type: 'x', of: { field: 'email' } } }] }],
    [join('secrets', 'id')],
    [join('people', 'ssn')],
    [join('people', 'id')],
    [{ ids: [1] }, 'people'],
    [{}, 'secrets'],
  ];
  for (const [options, target] of refused) {
    const ending = await ask('aggregate', options, SOURCE, target);
    assert.deepEqual([options, ending.code], [options, 'SOURCE_QUERY_FAILED']);
  }
  const fine: [Record<string, unknown>, string?][] = [
    [{}],
    [{ ids: [1], dimensions: [{ field: 'at', bucket: 'day' }], limit: 3, sample: 0.5 }],
    [{ dimensions: [{ field: 'at', bucket: { type: 'numeric', breaks: [1, 2] } }] }],
    [
      {
        measures: { n: { agg: 'percentile', column: 'total', p: 0.5, where: { id: 3 } } },
        sort: [{ key: 'n' }],
      },
    ],
    [{ having: { count: { $gt: 3 } } }],
  ];
  for (const [options = {}, target] of fine) {
    const ending = await ask('aggregate', options, SOURCE, target);
    assert.deepEqual([options, ending.type, ending.message], [options, 'done', undefined]);
  }
});

test('rows and bytes beyond the caps are not sent, and the database is not asked for more', async t => {
  const limits: unknown[] = [];
  const methods: Partial<Bridge> = {
    query: async (_target, { limit = 1_000 }) => {
      limits.push(limit);
      return {
        rows: Array.from({ length: Math.min(limit, 1_000) }, (_, id) => ({ id, text: 'x'.repeat(90) })),
      };
    },
    read: async (_target, { limit = 1_000 }) => {
      limits.push(limit);
      return { rows: Array.from({ length: limit }, (_, id) => ({ id })), nextCursor: 'c' };
    },
  };
  const rows = await connect(t, { version: 1, maxRows: 10, sources: { shop: { maxRows: 50 } } }, methods);
  const ending = await rows.ask('query');
  assert.deepEqual([ending.type, ending.code], ['error', 'SOURCE_QUERY_FAILED']);
  assert.match(String(ending.message), /at most 10 rows/);
  assert.deepEqual(rows.sent(), []);
  assert.equal((await rows.ask('query', { limit: 10 })).type, 'done');
  assert.equal(rows.sent().length, 10);
  assert.equal((await rows.ask('read')).type, 'done');
  assert.equal(rows.sent().length, 10);
  assert.deepEqual(limits, [11, 10, 10]);
  const bytes = await connect(t, { version: 1, maxBytes: 5_000 }, methods);
  assert.match(String((await bytes.ask('query')).message), /at most 5000 bytes/);
  assert.deepEqual(bytes.sent(), []);
  assert.equal((await bytes.ask('query', { limit: 30 })).type, 'done');
});

test('a source has so many jobs at once, whatever names the gateway gives it, and others do not wait for it', async t => {
  const gate = deferred<void>();
  let running = 0;
  let most = 0;
  const count = async (target: string): Promise<number> => {
    if (target === 'quick') return 1;
    most = Math.max(most, ++running);
    await gate.promise;
    running--;
    return 1;
  };
  const { send, session } = await connect(t, { version: 1, sources: { '*': { concurrency: 2 } } }, { count });
  const ids = ['shop', 'SHOP', 'Shop', 'shop', 'shop'].map(name => send('count', {}, { ...SOURCE, name }));
  const other = send('count', {}, { ...SOURCE, id: 's2', name: 'crm' }, 'quick');
  assert.equal((await session.ending(other)).type, 'done');
  assert.deepEqual([running, most], [2, 2]);
  // A job that calls its source by another name is still a job of that source.
  const local = { ...SOURCE, id: 's3', credentialsLocation: 'runner-local' };
  const lying = ['shop', 'a', 'b'].map(name => send('count', {}, local, 'orders', [SOURCE], name));
  const last = send('count', {}, { ...SOURCE, id: 's2', name: 'crm' }, 'quick', [SOURCE, local]);
  assert.equal((await session.ending(last)).type, 'done');
  assert.equal(most, 2);
  gate.resolve();
  for (const id of [...ids, ...lying]) assert.equal((await session.ending(id)).type, 'done');
  assert.equal(most, 2);
});

test('a question that takes longer than the policy gives it is timed out, though the gateway would wait', async t => {
  const told: unknown[] = [];
  const count: Bridge['count'] = (_target, _options, signal, timeoutMs) => {
    told.push(timeoutMs);
    return new Promise((_, reject) => signal?.addEventListener('abort', () => reject(signal.reason)));
  };
  const { ask } = await connect(t, { version: 1, statementTimeout: '40ms' }, { count });
  const ending = await ask('count');
  assert.deepEqual(
    [ending.code, ending.message],
    ['QUERY_TIMEOUT', 'the policy of this runner ends a question after 40 ms'],
  );
  assert.deepEqual(told, [40]);
});

test('rows that a bridge made into lines are covered like any other', async () => {
  const lines = Buffer.from('{"id":1,"Email":"canary"}\n{"id":2,"Email":null}\n');
  const bridge = {
    async *stream(): RowBatches {
      yield { lines, count: 2 };
      return { nextCursor: 'canary' };
    },
  } as unknown as Bridge;
  const hidden = new HiddenColumns({ masked: [byColumn('email')], dropped: [], maskWith: null });
  const guarded = guardBridge(bridge, { hidden: () => hidden, allows: () => true, withhold: undefined });
  assert.deepEqual(await guarded.query('people', {}), {
    rows: [
      { id: 1, Email: null },
      { id: 2, Email: null },
    ],
    nextCursor: undefined,
  });
});

async function connect(
  t: TestContext,
  policy: unknown,
  methods: Partial<Bridge>,
  onOpen: (bridge: string) => void = () => {},
) {
  class Fake {
    async connect(): Promise<void> {}
    async disconnect(): Promise<void> {}
  }
  Object.assign(Fake.prototype, methods);
  const gateway = await openScriptedGateway(t);
  const options: StartRunnerOptions = {
    gatewayUrl: gateway.url,
    runnerId: 'edge',
    authToken: 'rk_policy-test-token-0123456789',
    env: { SEMILAYER_SOURCE_SHOP_URL: 'x' },
    policy: Policy.parse(JSON.stringify(policy)),
    resolveBridge: name => {
      onOpen(name);
      return Fake as unknown as BridgeClass;
    },
  };
  const runner = startRunner(options);
  t.after(() => runner.cancel());
  const session: ScriptedRunner = await gateway.greeted([SOURCE]);
  let jobs = 0;
  let last = '';
  const send = (
    kind: string,
    options = {},
    source: Partial<typeof SOURCE> = SOURCE,
    target = 'orders',
    also: Partial<typeof SOURCE>[] = [SOURCE],
    called = source.name,
  ): string => {
    last = `job-${++jobs}`;
    session.send({
      type: 'assignments-changed',
      assignedSources: [...also.filter(one => one.id !== source.id), source],
    });
    session.send({
      type: 'job',
      id: last,
      params: { source: { ...source, name: called }, job: { kind, target, options } },
      deadlineMs: 30_000,
    });
    return last;
  };
  return {
    session,
    send,
    ask: (...question: Parameters<typeof send>) => session.ending(send(...question)),
    sent: () => session.rowsOf(last),
  };
}
