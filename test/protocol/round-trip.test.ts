import assert from 'node:assert/strict';
import { test } from 'node:test';
import { RoundTrip } from '../../src/protocol/round-trip.ts';
import { FakeClock } from '../support/fake-clock.ts';

test('a pong is measured against its own ping, and once', async () => {
  const clock = new FakeClock();
  const sent: string[] = [];
  const measured: number[] = [];
  const link = new RoundTrip({
    clock,
    ping: payload => sent.push(payload),
    measured: durationMs => measured.push(durationMs),
  });
  // Nobody asked: an answer to the ping of a peer's liveness, or to none.
  link.answered('');
  link.answered('0');
  link.ask();
  await clock.advance(40);
  link.answered('');
  link.answered(sent[0] as string);
  link.answered(sent[0] as string);
  assert.deepEqual(measured, [40]);
  link.ask();
  await clock.advance(30_000);
  link.ask();
  await clock.advance(5);
  link.answered(sent[1] as string);
  assert.deepEqual(measured, [40]);
  link.answered(sent[2] as string);
  assert.deepEqual(measured, [40, 5]);
});
