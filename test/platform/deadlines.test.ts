import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { Deadlines } from '../../src/platform/deadlines.ts';
import { FakeClock } from '../support/fake-clock.ts';

test('each deadline passes at its instant, unless it was met; one timer waits for all', async () => {
  const step = fc.record({
    afterMs: fc.integer({ min: 0, max: 50 }),
    delayMs: fc.integer({ min: 1, max: 100 }),
    metAfterMs: fc.option(fc.integer({ min: 0, max: 100 }), { nil: undefined }),
  });
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 12 }), async steps => {
      const clock = new FakeClock(0);
      const deadlines = new Deadlines(clock);
      const passed: [number, number][] = [];
      const expected: [number, number][] = [];
      for (const [index, { afterMs, delayMs, metAfterMs }] of steps.entries()) {
        await clock.advance(afterMs);
        const met = deadlines.after(delayMs, () => passed.push([index, clock.now()]));
        if (metAfterMs === undefined || metAfterMs >= delayMs) expected.push([index, clock.now() + delayMs]);
        else clock.after(metAfterMs, met);
        assert.ok(clock.pending <= 1 + steps.filter(one => one.metAfterMs !== undefined).length);
      }
      await clock.advance(1_000);
      const inOrder = (list: [number, number][]) => list.sort((a, b) => a[1] - b[1] || a[0] - b[0]);
      assert.deepEqual(inOrder(passed), inOrder(expected));
      assert.equal(clock.pending, 0, 'nothing is waited for once nothing is pending');
    }),
    { numRuns: 50 },
  );
});

test('what a passed deadline sets is looked at as well', async () => {
  const clock = new FakeClock(0);
  const deadlines = new Deadlines(clock);
  const passed: number[] = [];
  deadlines.after(10, () => {
    passed.push(clock.now());
    deadlines.after(5, () => passed.push(clock.now()));
  });
  deadlines.after(100, () => passed.push(clock.now()));
  await clock.advance(200);
  assert.deepEqual(passed, [10, 15, 100]);
});
