/** The garbage of streams: collected by its bytes, by the real collector, of which nobody else sees anything. */
import assert from 'node:assert/strict';
import { constants, PerformanceObserver } from 'node:perf_hooks';
import { test } from 'node:test';
import { runInNewContext } from 'node:vm';
import { BufferGarbage, bufferGarbage } from '../../src/platform/buffer-garbage.ts';

const MIB = 1_048_576;

test('collects once for every two megabytes that were passed on, however they are cut', () => {
  for (const piece of [1_024, 65_536, 3 * MIB]) {
    let collections = 0;
    const garbage = new BufferGarbage(() => collections++);
    const pieces = Math.ceil((12 * MIB) / piece);
    for (let n = 0; n < pieces; n++) garbage.passedOn(piece);
    assert.equal(collections, Math.min(6, pieces), `pieces of ${piece} bytes`);
  }
});

test('is a minor collection of this process, and shows the collector to nobody', async () => {
  const kinds: number[] = [];
  const observer = new PerformanceObserver(list => {
    for (const entry of list.getEntries())
      kinds.push((entry as { detail?: { kind: number } }).detail?.kind ?? -1);
  });
  observer.observe({ entryTypes: ['gc'] });
  for (let n = 0; n < 100; n++) bufferGarbage.passedOn(2 * MIB);
  while (kinds.length < 100) await new Promise(resolve => setImmediate(resolve));
  observer.disconnect();
  const minor = kinds.filter(kind => kind === constants.NODE_PERFORMANCE_GC_MINOR).length;
  assert.ok(minor >= 100, `${minor} of ${kinds.length}`);
  assert.equal(runInNewContext('typeof gc'), 'undefined');
  assert.equal(typeof (globalThis as { gc?: unknown }).gc, 'undefined');
});
