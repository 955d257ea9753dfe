/** A few seconds of `npm run soak`: runners and gateways killed at random under load, and every history clean. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { seeded } from '../support/seeded.ts';
import { soak } from '../support/soak.ts';

test('runners and gateways killed at random under load: one stream and one ending for each, nothing lost', async t => {
  const counts = await soak(t, {
    seed: seeded(t).seed,
    durationMs: 4_000,
    processes: 3,
    runnersEach: 2,
    pauseMs: 120,
  });
  t.diagnostic(JSON.stringify(counts));
  assert.ok(counts.complete > 0 && counts.processesKilled > 0, JSON.stringify(counts));
});
