import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import {
  decodeClientFrame,
  decodeServerFrame,
  encodeFrame,
  encodeJob,
  redactFrame,
} from '../../src/protocol/codec.ts';
import { FrameError } from '../../src/protocol/frame-fields.ts';
import { jsonTooDeep } from '../../src/protocol/json-depth.ts';
import { clientFrame, serverFrame } from '../support/frame-arbitraries.ts';

test('every frame survives its own encoding', () => {
  fc.assert(
    fc.property(clientFrame, frame => assert.deepEqual(decodeClientFrame(encodeFrame(frame)), frame)),
  );
  fc.assert(
    fc.property(serverFrame, frame => assert.deepEqual(decodeServerFrame(encodeFrame(frame)), frame)),
  );
});

test('a job whose source was made a text before is the same frame', () => {
  fc.assert(
    fc.property(serverFrame, frame => {
      fc.pre(frame.type === 'job');
      for (const text of [encodeJob(frame), encodeJob(frame)])
        assert.deepEqual(decodeServerFrame(text), frame);
    }),
  );
});

test('keys that are not of the frame are dropped, and the frame stands', () => {
  fc.assert(
    fc.property(serverFrame, fc.jsonValue(), (frame, extra) => {
      const text = JSON.stringify({ ...frame, zzz: extra });
      assert.deepEqual(decodeServerFrame(text), frame);
    }),
  );
});

test('any text is a frame, an unknown frame or a FrameError, and the error quotes none of it', () => {
  const text = fc.oneof(
    fc.string(),
    fc.json(),
    fc.json().map(json => `{"type":"chunk","id":${json},"rows":${json}}`),
  );
  fc.assert(
    fc.property(text, one => {
      for (const decode of [decodeClientFrame, decodeServerFrame]) {
        try {
          assert.equal(typeof decode(one).type, 'string');
        } catch (error) {
          assert.ok(error instanceof FrameError);
        }
      }
    }),
  );
  const secret = 'rk_canary0123456789';
  assert.throws(
    () => decodeServerFrame(`{"type":"hello-ack","serverVersion":"${secret}","assignedSources":"${secret}"}`),
    error => error instanceof FrameError && !JSON.stringify([error.message, error.reason]).includes(secret),
  );
});

test('a frame broken in one place is refused by name', () => {
  const refused: [
    decode: typeof decodeClientFrame | typeof decodeServerFrame,
    frame: unknown,
    reason: RegExp,
  ][] = [
    [decodeClientFrame, 1, /frame is not an object/],
    [decodeClientFrame, { type: 1 }, /type is not a string/],
    [decodeClientFrame, { type: 'hello', version: 0, runnerId: 'a', capabilities: [] }, /hello.version/],
    [decodeClientFrame, { type: 'hello', version: 1.5, runnerId: 'a', capabilities: [] }, /hello.version/],
    [decodeClientFrame, { type: 'hello', version: 1, runnerId: 7, capabilities: [] }, /hello.runnerId/],
    [decodeClientFrame, { type: 'hello', version: 1, runnerId: 'a', capabilities: [1] }, /capabilities\[0\]/],
    [decodeClientFrame, { type: 'chunk', id: 'a', rows: [[]] }, /chunk.rows\[0\]/],
    [decodeClientFrame, { type: 'chunk', id: 'a', rows: [], total: -1 }, /chunk.total/],
    [decodeClientFrame, { type: 'chunk', id: 'x'.repeat(257), rows: [] }, /chunk.id/],
    [decodeClientFrame, { type: 'done', id: 'a', meta: { count: 1 } }, /done.meta.durationMs/],
    [decodeClientFrame, { type: 'error', id: 'a', code: 'X' }, /error.message/],
    [decodeServerFrame, { type: 'credit', id: 'a', bytes: 0 }, /credit.bytes/],
    [
      decodeServerFrame,
      { type: 'hello-ack', serverVersion: 1, assignedSources: [{ id: 'a' }] },
      /credentialsLocation/,
    ],
    [decodeServerFrame, greeting({ credit: {} }), /features.credit.windowBytes/],
    [
      decodeServerFrame,
      greeting({ credit: { windowBytes: 1, grantBytes: 0 } }),
      /features.credit.grantBytes/,
    ],
    [decodeServerFrame, greeting({ fastPing: { pingMs: 1 } }), /features.fastPing.deadMs/],
  ];
  for (const [decode, frame, reason] of refused) {
    assert.throws(
      () => decode(JSON.stringify(frame)),
      error => error instanceof FrameError && reason.test(error.reason),
      JSON.stringify(frame).slice(0, 80),
    );
  }
});

function greeting(features: object): object {
  return { type: 'hello-ack', serverVersion: 1, assignedSources: [], features };
}

test('1e999 is no number', () => {
  assert.throws(
    () => decodeServerFrame('{"type":"job","id":"a","params":{},"deadlineMs":1e999}'),
    FrameError,
  );
});

test('a malformed job with a readable id costs that job alone', () => {
  const job = { type: 'job', id: 'j1', params: { source: {}, job: {} }, deadlineMs: 1 };
  assert.throws(
    () => decodeServerFrame(JSON.stringify(job)),
    error => error instanceof FrameError && error.jobId === 'j1' && error.jobCode === 'INTERNAL',
  );
  const later = { ...job, params: { source: {}, job: { kind: 'teleport', target: '', options: {} } } };
  assert.throws(
    () => decodeServerFrame(JSON.stringify(later)),
    error => error instanceof FrameError && error.jobId === 'j1' && error.jobCode === 'UNSUPPORTED_JOB',
  );
});

test('__proto__ is data', () => {
  const frame = decodeClientFrame('{"type":"chunk","id":"a","rows":[{"__proto__":{"polluted":true}}]}');
  assert.equal(frame.type, 'chunk');
  const [row] = frame.type === 'chunk' ? frame.rows : [];
  assert.deepEqual(Object.keys(row ?? {}), ['__proto__']);
  assert.equal(JSON.stringify(row), '{"__proto__":{"polluted":true}}');
  assert.equal(({} as Record<string, unknown>).polluted, undefined);
});

test('128 levels are read, 129 are not, and half a million are refused without being parsed', () => {
  const nested = (levels: number) =>
    `{"type":"chunk","id":"a","rows":[{"a":${'['.repeat(levels)}${']'.repeat(levels)}}]}`;
  assert.equal(decodeClientFrame(nested(125)).type, 'chunk');
  assert.throws(() => decodeClientFrame(nested(126)), /nested deeper than 128/);
  assert.throws(() => decodeClientFrame(nested(500_000)), /nested deeper than 128/);
  assert.throws(() => decodeClientFrame('['.repeat(500_000)), /nested deeper than 128/);
});

test('brackets inside strings do not count', () => {
  fc.assert(
    fc.property(fc.jsonValue({ maxDepth: 8 }), value => {
      const depth = depthOf(value);
      const text = JSON.stringify(value);
      assert.equal(jsonTooDeep(text, depth), false);
      if (depth > 0) assert.equal(jsonTooDeep(text, depth - 1), true);
    }),
  );
  assert.equal(jsonTooDeep(JSON.stringify('[[[\\"[[['), 0), false);
});

test('a redacted copy keeps the keys of a config and none of its values', () => {
  const config = { url: 'postgresql://u:canary@h/db', pool: { max: 4 } };
  const source = { id: 's', name: 's', bridge: 'b', credentialsLocation: 'managed' as const, config };
  const job = { kind: 'count' as const, target: 't', options: {} };
  const frame = { type: 'job' as const, id: 'j', params: { source, job }, deadlineMs: 1 };
  const copy = JSON.stringify(redactFrame(frame));
  assert.ok(!copy.includes('canary') && copy.includes('"url":"[redacted]"'));
  assert.equal(config.url, 'postgresql://u:canary@h/db');
  const ack = JSON.stringify(redactFrame({ type: 'hello-ack', serverVersion: 1, assignedSources: [source] }));
  assert.ok(!ack.includes('canary'));
});

function depthOf(value: unknown): number {
  if (typeof value !== 'object' || value === null) return 0;
  return 1 + Object.values(value).reduce<number>((most, one) => Math.max(most, depthOf(one)), 0);
}
