/** Frames as fast-check makes them: every variant, every optional key, awkward strings and numbers. */
import fc from 'fast-check';
import type { ClientFrame, ServerFrame } from '../../src/protocol/frames.ts';
import { JOB_KINDS } from '../../src/protocol/frames.ts';

const id = fc.string({ minLength: 1, maxLength: 256, unit: 'grapheme' }).filter(text => text.length <= 256);
const label = fc.string({ maxLength: 60, unit: 'grapheme' });
const count = fc.nat();
const jsonObject = fc.dictionary(fc.string(), fc.jsonValue({ maxDepth: 3 }), { maxKeys: 4 });

/** As JSON would give it back: ordinary prototypes, and no -0. */
function asJson<T>(arbitrary: fc.Arbitrary<T>): fc.Arbitrary<T> {
  return arbitrary.map(value => JSON.parse(JSON.stringify(value)) as T);
}

function optional<T extends object>(
  required: T,
  keys: { [K in string]: fc.Arbitrary<unknown> },
): fc.Arbitrary<T> {
  return fc.record(keys, { requiredKeys: [] }).map(extra => ({ ...required, ...extra }));
}

const source = fc
  .record({
    id,
    name: id,
    bridge: id,
    credentialsLocation: fc.constantFrom('managed' as const, 'runner-local' as const),
    config: fc.option(jsonObject, { nil: undefined }),
  })
  .map(({ config, ...rest }) => (config === undefined ? rest : { ...rest, config }));

/** Only what version 1 knows. */
export const clientFrameV1: fc.Arbitrary<ClientFrame> = asJson(
  fc.oneof(
    fc
      .record({
        version: fc.integer({ min: 1 }),
        runnerId: id,
        capabilities: fc.array(label, { maxLength: 4 }),
      })
      .chain(hello => optional({ type: 'hello' as const, ...hello }, { runtimeVersion: label })),
    optional({ type: 'heartbeat' as const }, { stats: fc.record({ activeJobs: count, memoryMb: count }) }),
    fc
      .record({ id, rows: fc.array(jsonObject, { maxLength: 5 }) })
      .chain(chunk =>
        optional({ type: 'chunk' as const, ...chunk }, { total: count, approximate: fc.boolean() }),
      ),
    id.chain(job =>
      optional({ type: 'done' as const, id: job }, { meta: fc.record({ count, durationMs: count }) }),
    ),
    fc.record({ id, type: fc.constant('error' as const), code: label, message: label }),
  ),
);

export const clientFrame: fc.Arbitrary<ClientFrame> = asJson(
  fc.oneof(
    clientFrameV1,
    fc.constant({ type: 'drain' as const }),
    fc.record({ id, type: fc.constant('accept' as const) }),
    fc.record({
      id,
      type: fc.constant('reject' as const),
      reason: fc.constantFrom('busy' as const, 'draining' as const),
    }),
    fc.record({ version: fc.integer({ min: 1 }), runnerId: id }).chain(hello =>
      optional(
        { type: 'hello' as const, capabilities: [], ...hello },
        {
          minVersion: fc.nat(),
          instance: label,
          features: fc.record(
            {
              concurrency: fc.record({ limit: fc.integer({ min: 1 }) }),
              drain: fc.constant({}),
              credit: fc.constant({}),
              caller: fc.constant({}),
              attempts: fc.constant({}),
              endings: fc.constant({}),
              fastPing: fc.constant({}),
            },
            { requiredKeys: [] },
          ),
        },
      ),
    ),
  ),
);

export const serverFrameV1: fc.Arbitrary<ServerFrame> = asJson(
  fc.oneof(
    fc.record({
      type: fc.constant('hello-ack' as const),
      serverVersion: fc.integer(),
      assignedSources: fc.array(source, { maxLength: 3 }),
    }),
    fc.record({
      type: fc.constant('assignments-changed' as const),
      assignedSources: fc.array(source, { maxLength: 3 }),
    }),
    fc.record({
      id,
      type: fc.constant('job' as const),
      params: fc.record({
        source,
        job: fc.record({ kind: fc.constantFrom(...JOB_KINDS), target: fc.string(), options: jsonObject }),
      }),
      deadlineMs: fc.nat(),
    }),
    fc.record({ id, type: fc.constant('cancel' as const) }),
    fc.constant({ type: 'ping' as const }),
  ),
);

const positive = fc.integer({ min: 1 });

const acceptedFeatures = fc.record(
  {
    concurrency: fc.record({ limit: positive }),
    drain: fc.constant({}),
    credit: fc.record({ windowBytes: positive, grantBytes: positive }, { requiredKeys: ['windowBytes'] }),
    caller: fc.constant({}),
    attempts: fc.record({ acceptMs: positive }),
    endings: fc.constant({}),
    fastPing: fc.record({ pingMs: positive, deadMs: positive }),
    rawRows: fc.constant({}),
  },
  { requiredKeys: [] },
);

export const serverFrame: fc.Arbitrary<ServerFrame> = asJson(
  fc.oneof(
    serverFrameV1,
    fc.record({
      type: fc.constant('hello-ack' as const),
      serverVersion: fc.integer(),
      assignedSources: fc.array(source, { maxLength: 1 }),
      features: acceptedFeatures,
    }),
    fc.record({ id, type: fc.constant('credit' as const), bytes: fc.integer({ min: 1 }) }),
    fc.constant({ type: 'drain' as const }),
    fc.record({ type: fc.constant('ended' as const), count: fc.nat() }),
    fc.record({
      id,
      type: fc.constant('job' as const),
      params: fc.record({
        source,
        job: fc.record({ kind: fc.constantFrom(...JOB_KINDS), target: fc.string(), options: jsonObject }),
      }),
      deadlineMs: fc.nat(),
      caller: fc.record(
        { name: label, requestId: label, traceparent: label },
        { requiredKeys: ['name', 'requestId'] },
      ),
    }),
  ),
);
