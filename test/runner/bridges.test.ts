/** Bridges of strangers: whatever one does, its own job ends with an error and the runner goes on. */
import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { type Bridge, type BridgeClass, startRunner } from '../../src/runner/index.ts';
import { openScriptedGateway } from '../support/scripted-gateway.ts';
import type { ScriptedRunner } from '../support/scripted-runner.ts';

const GOOD = { id: 'good', name: 'good', bridge: 'good', credentialsLocation: 'managed', config: {} };
const BAD: typeof GOOD = {
  id: 'bad',
  name: 'bad',
  bridge: 'bad',
  credentialsLocation: 'managed',
  config: {},
};

class Good {
  async connect(): Promise<void> {}
  async disconnect(): Promise<void> {}
  async listTargets(): Promise<string[]> {
    return ['orders'];
  }
  async count(): Promise<number> {
    return 7;
  }
}

function bridgeWith(methods: object): BridgeClass {
  class Bad extends Good {}
  Object.assign(Bad.prototype, methods);
  return Bad as unknown as BridgeClass;
}

/** A runner whose source `bad` has that bridge; asks it, then proves that the source beside it still answers. */
async function runnerWith(t: TestContext, bad: unknown) {
  const gateway = await openScriptedGateway(t);
  const runner = startRunner({
    gatewayUrl: gateway.url,
    runnerId: 'edge',
    authToken: 'rk_x',
    env: {},
    resolveBridge: name => {
      if (name === 'good') return Good as unknown as BridgeClass;
      return typeof bad === 'function' && !bad.prototype ? bad() : (bad as BridgeClass);
    },
  });
  t.after(() => runner.cancel());
  const session = await gateway.greeted([GOOD, BAD]);
  let jobs = 0;
  const ask = async (kind: string, { source = BAD, options = {}, deadlineMs = 5_000 } = {}) => {
    const id = `job-${++jobs}`;
    session.send({
      type: 'job',
      id,
      params: { source, job: { kind, target: 'orders', options } },
      deadlineMs,
    });
    const end = await session.ending(id);
    return { ...(end as Record<string, unknown>), rows: session.rowsOf(id) } as Ending;
  };
  const stillWorks = async (): Promise<void> => {
    assert.equal((await ask('count', { source: GOOD })).type, 'done');
    assert.equal(session.frames.filter(frame => frame.type === 'hello').length, 1);
  };
  return { ask, stillWorks, session: session as ScriptedRunner, runner };
}

interface Ending {
  type: string;
  code?: string;
  message?: string;
  meta: { total?: number; nextCursor?: string };
  rows: unknown[];
}

const never = new Promise<never>(() => {});
const cycle: Record<string, unknown> = {};
cycle.self = cycle;
let deep: unknown = 1;
for (let level = 0; level < 100_000; level++) deep = [deep];
const unprintable = Object.create(null) as object;
const page = (rows: unknown) => ({ query: async () => ({ rows }) });
const thrower = (error: unknown) => ({
  query: () => {
    throw error;
  },
});

test('a bridge that answers nonsense fails its job, by a message that says what was wrong', async t => {
  const cases: [what: string, kind: string, methods: object, says: RegExp][] = [
    ['null', 'query', { query: async () => null }, /did not return a page/],
    ['nothing', 'query', { query: async () => undefined }, /did not return a page/],
    ['a text', 'query', { query: async () => 'rows' }, /did not return a page/],
    ['a page without rows', 'query', page(undefined), /without an array of rows/],
    ['rows without an end', 'query', page(new Set([1]).values()), /without an array of rows/],
    ['null for a row', 'query', page([null]), /not a row/],
    ['a list for a row', 'query', page([[1]]), /not a row/],
    ['a function for a row', 'query', page([() => 1]), /not a row/],
    ['a row that holds itself', 'query', page([cycle]), /holds itself/],
    ['a row that nests without end', 'query', page([{ deep }]), /nests deeper/],
    ['a row that refuses', 'query', page([{ toJSON: () => assert.fail('no JSON') }]), /no JSON/],
    ['a row that is a text in JSON', 'query', page([{ toJSON: () => 'x' }]), /not a row/],
    [
      'a cursor that is an object',
      'read',
      { read: async () => ({ rows: [], nextCursor: {} }) },
      /nextCursor/,
    ],
    [
      'a cursor that stays',
      'read',
      { read: async () => ({ rows: [{ a: 1 }], nextCursor: 'same' }) },
      /again and again/,
    ],
    ['no method', 'query', { query: undefined }, /./],
    ['no count', 'count', { count: async () => null }, /no count/],
    ['not a number', 'count', { count: async () => Number.NaN }, /no count/],
    ['no targets', 'listTargets', { listTargets: async () => null }, /no array of targets/],
    ['a target without a name', 'listTargets', { listTargets: async () => [{}] }, /without a name/],
    ['no schema', 'introspectTarget', { introspectTarget: async () => null }, /not a row/],
    [
      'a schema without columns',
      'introspectTarget',
      { introspectTarget: async () => ({}) },
      /without columns/,
    ],
    ['no buckets', 'aggregate', { aggregate: async () => 5 }, /no buckets/],
    ['a stream that is none', 'query', { stream: () => 5 }, /./],
    [
      'a stream of null',
      'query',
      {
        stream: async function* () {
          yield null;
        },
      },
      /./,
    ],
    ['a text thrown', 'query', thrower('a text'), /a text/],
    ['undefined thrown', 'query', thrower(undefined), /undefined/],
    ['a symbol thrown', 'query', thrower(Symbol('odd')), /odd/],
    ['something unprintable thrown', 'query', thrower(unprintable), /says nothing of itself/],
    ['an error without a message', 'query', thrower(new Error('')), /without a message/],
    [
      'an error whose message is none',
      'query',
      thrower(Object.assign(new Error('x'), { message: { a: 1 } })),
      /object/,
    ],
  ];
  for (const [what, kind, methods, says] of cases) {
    const { ask, stillWorks, runner } = await runnerWith(t, bridgeWith(methods));
    const { type, code, message } = await ask(kind, { options: { limit: 5_000 } });
    assert.deepEqual([type, code], ['error', 'SOURCE_QUERY_FAILED'], `${what}: ${message}`);
    assert.match(String(message), says, what);
    await stillWorks();
    await runner.cancel();
  }
});

test('a bridge that cannot be made or connected fails its job, and the next job tries again', async t => {
  let attempts = 0;
  const cases: [bad: unknown, code: string][] = [
    [
      class {
        constructor() {
          attempts++;
          throw 'no error';
        }
      },
      'SOURCE_UNREACHABLE',
    ],
    [
      bridgeWith({
        connect() {
          attempts++;
          throw undefined;
        },
      }),
      'SOURCE_UNREACHABLE',
    ],
    [
      bridgeWith({
        connect: async () => {
          attempts++;
          throw new Error('down');
        },
      }),
      'SOURCE_UNREACHABLE',
    ],
    [
      () => {
        attempts++;
        return undefined;
      },
      'BRIDGE_NOT_FOUND',
    ],
    [
      () => {
        attempts++;
        throw unprintable;
      },
      'SOURCE_QUERY_FAILED',
    ],
  ];
  for (const [bad, code] of cases) {
    attempts = 0;
    const { ask, stillWorks, runner } = await runnerWith(t, bad);
    assert.equal((await ask('count')).code, code);
    assert.equal((await ask('count')).code, code);
    assert.equal(attempts, 2);
    await stillWorks();
    await runner.cancel();
  }
});

test('a bridge that hangs while it connects holds up no later job', async t => {
  let made = 0;
  const { ask, stillWorks } = await runnerWith(
    t,
    bridgeWith({ connect: () => (++made === 1 ? never : Promise.resolve()) }),
  );
  assert.equal((await ask('count', { deadlineMs: 20 })).code, 'QUERY_TIMEOUT');
  assert.equal((await ask('count')).type, 'done');
  assert.equal(made, 2);
  await stillWorks();
});

test('a bridge that hangs when it is closed holds up no stop', async t => {
  const { ask, runner } = await runnerWith(t, bridgeWith({ disconnect: () => never }));
  assert.equal((await ask('count')).type, 'done');
  await runner.stop();
  assert.equal((await runner.closed).code, 1000);
});

test('a bridge that fails after its job is over is heard by nobody', async t => {
  let fail: (error: Error) => void = () => {};
  const { ask, stillWorks } = await runnerWith(
    t,
    bridgeWith({
      count: () =>
        new Promise((_, reject) => {
          fail = reject;
        }),
    }),
  );
  assert.equal((await ask('count', { deadlineMs: 20 })).code, 'QUERY_TIMEOUT');
  fail(new Error('too late'));
  await new Promise(resolve => setImmediate(resolve));
  await stillWorks();
});

test('a bridge of the interface alone is paged, its own types made JSON', async t => {
  const rows = Array.from({ length: 2_500 }, (_, id) => ({
    id: BigInt(id),
    at: new Date(id),
    bytes: Buffer.from('a'),
  }));
  const asked: unknown[] = [];
  const paging: Partial<Bridge> = {
    query: async () => ({ rows, nextCursor: 7 as unknown as string }),
    async read(_target, options) {
      asked.push(options);
      const start = Number(options.cursor ?? 0);
      const end = start + (options.limit ?? 1);
      return {
        rows: rows.slice(start, end),
        total: 2_500,
        ...(end < rows.length ? { nextCursor: String(end) } : {}),
      };
    },
    count: async () => 2_500n as unknown as number,
  };
  const { ask } = await runnerWith(t, bridgeWith(paging));
  const read = await ask('read', { options: { limit: 10_000 } });
  assert.deepEqual([read.rows.length, read.meta.total], [2_500, 2_500]);
  assert.deepEqual(read.rows[7], { id: 7, at: '1970-01-01T00:00:00.007Z', bytes: 'YQ==' });
  assert.deepEqual(asked, [
    { limit: 1_000 },
    { limit: 1_000, cursor: '1000' },
    { limit: 1_000, cursor: '2000' },
  ]);
  const first = await ask('read', { options: { limit: 2 } });
  assert.deepEqual([first.rows.length, first.meta.nextCursor], [2, '2']);
  const most = await ask('read', { options: { limit: 1_500 } });
  assert.deepEqual([most.rows.length, most.meta.nextCursor], [1_500, '1500']);
  const all = await ask('query');
  assert.deepEqual([all.rows.length, all.meta.nextCursor], [2_500, '7']);
  assert.equal((await ask('count')).type, 'done');
});
