/** What a loop that did not turn is taken for. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type LoopEvent, watchLoop } from '../../src/runner/loop-watch.ts';
import { FakeClock } from '../support/fake-clock.ts';

/** A clock whose wall may go on while the monotonic one stands still, as on Linux while the machine is suspended. */
class SuspendableClock extends FakeClock {
  #suspendedMs = 0;

  override now(): number {
    return super.now() + this.#suspendedMs;
  }

  suspend(ms: number): void {
    this.#suspendedMs += ms;
  }
}

function watch() {
  const clock = new SuspendableClock();
  const events: LoopEvent[] = [];
  let cpuMs = 0;
  const stop = watchLoop({ clock, cpuMs: () => cpuMs, onEvent: event => events.push(event) });
  return { clock, events, stop, work: (ms: number) => (cpuMs += ms) };
}

test('a loop that turns is nothing to tell of, busy or not', async () => {
  const { clock, events, work } = watch();
  for (let turn = 0; turn < 20; turn++) {
    work(490);
    await clock.advance(500);
  }
  clock.leap(900);
  await clock.advance(500);
  assert.deepEqual(events, []);
});

test('a loop that was held by work was blocked, one that was not slept', async () => {
  const { clock, events, work } = watch();
  await clock.advance(500);
  work(60_000);
  clock.leap(60_500);
  await clock.advance(0);
  assert.deepEqual(events.splice(0), [{ type: 'loop-blocked', blockedMs: 60_000 }]);
  clock.leap(60_500);
  await clock.advance(0);
  assert.deepEqual(events.splice(0), [{ type: 'woke', sleptMs: 60_000 }]);
});

test('a suspended machine is noticed by its wall clock', async () => {
  const { clock, events, stop } = watch();
  await clock.advance(500);
  clock.suspend(3_600_000);
  await clock.advance(500);
  assert.deepEqual(events, [{ type: 'woke', sleptMs: 3_600_000 }]);
  stop();
  assert.equal(clock.pending, 0);
});
