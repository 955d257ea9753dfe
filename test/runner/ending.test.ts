import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { backoffMs, causeOf, decide, describe, type Ending, type History } from '../../src/runner/ending.ts';

const fresh: History = { failures: 0, outageMs: 0, malformedInLastMinute: 0, tokenMayChange: false };
const closed = (code: number, reason = ''): Ending => ({ kind: 'closed', code, reason });
const answered = (status: number, retryAfterMs?: number): Ending => ({
  kind: 'answered',
  status,
  message: `HTTP ${status}`,
  retryAfterMs,
});

test('every close code leads where the table of the protocol says', () => {
  const table: [code: number, does: string][] = [
    [1000, 'reconnect'],
    [1001, 'reconnect'],
    [1006, 'reconnect'],
    [1009, 'reconnect'],
    [1012, 'reconnect'],
    [1013, 'reconnect'],
    [4400, 'reconnect'],
    [4401, 'stop'],
    [4403, 'stop'],
    [4406, 'stop'],
    [4408, 'reconnect'],
    [4413, 'reconnect'],
    [4429, 'reconnect'],
    [4999, 'reconnect'],
  ];
  for (const [code, does] of table) assert.equal(decide(closed(code), fresh, 0.5).do, does, String(code));
});

test('upgrade answers: 401 and 403 as 4401, 426 as 4406, everything else is tried again', () => {
  const table: [status: number, does: string, code: number | undefined][] = [
    [401, 'stop', 4401],
    [403, 'stop', 4401],
    [426, 'stop', 4406],
    [200, 'reconnect', undefined],
    [302, 'reconnect', undefined],
    [407, 'reconnect', undefined],
    [429, 'reconnect', undefined],
    [500, 'reconnect', undefined],
    [503, 'reconnect', undefined],
  ];
  for (const [status, does, code] of table) {
    const decision = decide(answered(status), fresh, 0.5);
    assert.equal(decision.do, does, String(status));
    if (decision.do !== 'reconnect') assert.equal(decision.code, code);
  }
});

test('a refused token from a file is waited for, from elsewhere it is the end', () => {
  const file = { ...fresh, tokenMayChange: true };
  assert.equal(decide(closed(4401), file, 0).do, 'await-token');
  assert.equal(decide(answered(401), file, 0).do, 'await-token');
  assert.equal(decide(closed(4401), fresh, 0).do, 'stop');
});

test('the fifth malformed frame in a minute is the last', () => {
  assert.equal(decide(closed(4400), { ...fresh, malformedInLastMinute: 4 }, 0).do, 'reconnect');
  assert.equal(decide(closed(4400), { ...fresh, malformedInLastMinute: 5 }, 0).do, 'stop');
});

test('waits as told by a close reason or a header, and at most a second more', () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 0, max: 3_600 }),
      fc.double({ min: 0, max: 0.999, noNaN: true }),
      (seconds, fraction) => {
        for (const ending of [
          closed(4429, `slow down; retry-after=${seconds}`),
          closed(1013, `retry-after=${seconds}`),
          answered(503, seconds * 1000),
        ]) {
          const decision = decide(ending, fresh, fraction);
          assert.ok(decision.do === 'reconnect');
          assert.ok(decision.delayMs >= seconds * 1000 && decision.delayMs <= seconds * 1000 + 1000);
        }
      },
    ),
  );
});

test('backoff is full jitter: from nothing to 250 ms doubled, 3 s for five minutes, then 30 s', () => {
  fc.assert(
    fc.property(
      fc.nat(10_000),
      fc.nat(10_000_000),
      fc.double({ min: 0, max: 0.999999, noNaN: true }),
      (failures, outageMs, fraction) => {
        const delay = backoffMs({ failures, outageMs }, fraction);
        const cap = Math.min(outageMs < 300_000 ? 3_000 : 30_000, 250 * 2 ** Math.min(failures, 30));
        assert.ok(delay >= 0 && delay <= cap);
        assert.equal(backoffMs({ failures, outageMs }, 0), 0);
      },
    ),
  );
  assert.equal(backoffMs({ failures: 0, outageMs: 0 }, 1), 250);
  assert.equal(backoffMs({ failures: 20, outageMs: 299_999 }, 1), 3_000);
  assert.equal(backoffMs({ failures: 20, outageMs: 300_000 }, 1), 30_000);
});

test('silence reconnects at once, but a link that is silent each time backs off', () => {
  assert.deepEqual(decide(closed(4408), fresh, 0.9), {
    do: 'reconnect',
    delayMs: 0,
    reason: 'nothing heard (4408)',
  });
  const again = decide(closed(4408), { ...fresh, failures: 3 }, 0.9);
  assert.ok(again.do === 'reconnect' && again.delayMs > 0);
});

test('an ending is said once: a reason only where it says more, and ours as ours', () => {
  const ours = (code: number, reason: string): Ending => ({ kind: 'closed', code, reason, ours: true });
  const table: [Ending, string][] = [
    [closed(4403, 'the token belongs to another runner'), 'the token belongs to another runner (4403)'],
    [closed(4401, 'token rotated or revoked'), 'token refused, rotated or revoked (4401)'],
    [closed(4408, 'nothing heard'), 'nothing heard (4408)'],
    [closed(1000, 'bye'), 'closed by the gateway (1000): bye'],
    [closed(4999, 'новое'), 'connection closed (4999): новое'],
    [ours(1000, 'runner stopped'), 'runner stopped'],
    [ours(4408, 'nothing heard'), 'nothing heard (4408)'],
    [ours(4408, 'no hello-ack'), 'nothing heard (4408): no hello-ack'],
  ];
  for (const [ending, said] of table) assert.equal(describe(ending), said);
});

test('what is counted of an ending has few words', () => {
  assert.equal(causeOf(closed(4408, 'whatever was said')), 'close_4408');
  assert.equal(causeOf(answered(503)), 'http_503');
  assert.equal(causeOf({ kind: 'unreachable', message: 'DNS: no such host' }), 'unreachable');
});
