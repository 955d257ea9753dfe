import assert from 'node:assert/strict';
import { test } from 'node:test';
import { systemClock } from '../../src/platform/clock.ts';

test('a timer of any length fires in its order: none at once for being beyond what Node takes', async t => {
  const fired: number[] = [];
  for (const delayMs of [2 ** 31, 2 ** 53, Number.POSITIVE_INFINITY, 20, -1]) {
    for (const start of [systemClock.after, systemClock.every]) {
      const cancel = start(delayMs, () => {
        fired.push(delayMs);
        cancel();
      });
      t.after(cancel);
    }
  }
  await systemClock.sleep(40);
  assert.deepEqual(fired, [-1, -1, 20, 20]);
});
