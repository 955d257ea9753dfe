import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Liveness } from '../../src/protocol/liveness.ts';
import { FakeClock } from '../support/fake-clock.ts';

function watch(clock: FakeClock, bytesRead?: () => number) {
  const log: string[] = [];
  const liveness = new Liveness({
    clock,
    ping: () => log.push(`ping at ${clock.now() - START}`),
    dead: () => log.push(`dead at ${clock.now() - START}`),
    ...(bytesRead ? { bytesRead } : {}),
  });
  liveness.start();
  return { liveness, log };
}

const START = 1_000_000;

test('pings after 8 s of silence and has given up before 12 are over', async () => {
  const clock = new FakeClock(START);
  const { log } = watch(clock);
  await clock.advance(20_000);
  assert.deepEqual(log, ['ping at 8000', 'dead at 11750']);
  assert.equal(clock.pending, 0);
});

test('whenever the silence began, its ping is a quarter of a second late at most, and its end is not', async () => {
  for (const quietAfterMs of [1, 130, 249, 251, 760, 999]) {
    const clock = new FakeClock(START);
    const { liveness, log } = watch(clock);
    await clock.advance(quietAfterMs);
    liveness.heard();
    await clock.advance(20_000);
    const lateMs = log.map(line => Number(line.split(' ')[2]) - quietAfterMs);
    assert.equal(lateMs.length, 2);
    const [ping = 0, dead = 0] = lateMs;
    assert.ok(ping >= 8_000 && ping <= 8_500, log.join());
    assert.equal(dead, 11_750);
  }
});

test('an answer to the ping starts the silence anew', async () => {
  const clock = new FakeClock(START);
  const { liveness, log } = watch(clock);
  await clock.advance(9_000);
  liveness.heard();
  await clock.advance(7_000);
  assert.deepEqual(log, ['ping at 8000']);
  await clock.advance(20_000);
  assert.deepEqual(log, ['ping at 8000', 'ping at 17000', 'dead at 20750']);
});

test('half of a large frame is a sign of life', async () => {
  const clock = new FakeClock(START);
  let bytes = 0;
  const { log } = watch(clock, () => bytes);
  for (let second = 0; second < 30; second++) {
    bytes += 100;
    await clock.advance(1_000);
  }
  assert.deepEqual(log, []);
});

test('a message and its bytes are one sign of life, not two', async () => {
  const clock = new FakeClock(START);
  let bytes = 0;
  const { liveness, log } = watch(clock, () => bytes);
  await clock.advance(130);
  bytes += 100;
  liveness.heard();
  await clock.advance(20_000);
  assert.equal(log.at(-1), 'dead at 11880');
});

test('an answer at the last moment is an answer', async () => {
  const clock = new FakeClock(START);
  const { liveness, log } = watch(clock);
  await clock.advance(130);
  liveness.heard();
  await clock.advance(11_740);
  liveness.heard();
  await clock.advance(8_000);
  assert.deepEqual(log, ['ping at 8500']);
  liveness.stop();
  assert.equal(clock.pending, 0);
});

test('a process that slept asks before it calls the peer dead', async () => {
  const clock = new FakeClock(START);
  const { liveness, log } = watch(clock);
  await clock.advance(2_000);
  clock.leap(60_000);
  await clock.advance(1_000);
  assert.deepEqual(
    log.map(line => line.split(' ')[0]),
    ['ping'],
  );
  liveness.heard();
  await clock.advance(5_000);
  assert.equal(log.length, 1);
});

test('silence while we do not read on purpose means nothing', async () => {
  const clock = new FakeClock(START);
  const { liveness, log } = watch(clock);
  liveness.suspend();
  await clock.advance(60_000);
  liveness.resume();
  await clock.advance(7_000);
  assert.deepEqual(log, []);
  await clock.advance(6_000);
  assert.deepEqual(log, ['ping at 68000', 'dead at 71750']);
});

test('ten thousand connections share one timer, and the last to stop ends it', () => {
  const clock = new FakeClock(START);
  const all = Array.from({ length: 10_000 }, () => watch(clock).liveness);
  assert.equal(clock.pending, 1);
  for (const liveness of all) liveness.stop();
  assert.equal(clock.pending, 0);
});

test('a quicker pace holds while there is one, and a silence from before it is asked about first', async () => {
  const clock = new FakeClock(START);
  let pace: { pingMs: number; deadMs: number } | undefined;
  const log: string[] = [];
  const liveness = new Liveness({
    clock,
    ping: () => log.push(`ping at ${clock.now() - START}`),
    dead: () => log.push(`dead at ${clock.now() - START}`),
    pace: () => pace,
  });
  liveness.start();
  await clock.advance(7_900);
  pace = { pingMs: 3_000, deadMs: 7_000 };
  await clock.advance(3_000);
  assert.deepEqual(log.splice(0), ['ping at 8000']);
  liveness.heard();
  await clock.advance(3_100);
  assert.deepEqual(log.splice(0), ['ping at 14000']);
  await clock.advance(10_000);
  assert.deepEqual(log, ['dead at 17650']);
});

test('whoever has been away asks at once, and waits no longer for the answer than otherwise', async () => {
  const clock = new FakeClock(START);
  const { liveness, log } = watch(clock);
  await clock.advance(1_000);
  liveness.probe();
  assert.deepEqual(log, ['ping at 1000']);
  await clock.advance(4_000);
  assert.deepEqual(log, ['ping at 1000', 'dead at 4750']);
});
