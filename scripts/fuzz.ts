/**
 * `npm run fuzz -- --frames 1000000`: a real gateway and a real runner are sent that many messages each that no peer
 * should send. Ends with the figures, or with what went wrong and the seed that led to it.
 */
import assert from 'node:assert/strict';
import { parseArgs } from 'node:util';
import { gatewaySide, type Side } from '../test/support/fuzz/gateway-side.ts';
import { runnerSide } from '../test/support/fuzz/runner-side.ts';
import { watchProcess } from '../test/support/fuzz/watch.ts';

const MIB = 1_048_576;
/** Caches fill and code is compiled: more than this, whatever the number of messages, is a leak. */
const GROWTH_MIB = 16;
/** A job that has ended is kept for the list of jobs, ten thousand of them. */
const KEPT_JOB_MIB = 6 / 1_024;
const KEPT_JOBS = 10_000;
const SIDES: Record<string, typeof gatewaySide> = { gateway: gatewaySide, runner: runnerSide };

const { values } = parseArgs({
  options: {
    frames: { type: 'string', default: '100000' },
    seed: { type: 'string', default: String(Math.floor(Math.random() * 2 ** 31)) },
    side: { type: 'string' },
  },
});
const frames = Number(values.frames);
const cleanups: (() => unknown)[] = [];
const watch = watchProcess();
console.log(`seed ${values.seed}`);
try {
  for (const [name, open] of Object.entries(SIDES)) {
    if (values.side !== undefined && values.side !== name) continue;
    await fuzz(name, await open({ after: cleanup => void cleanups.push(cleanup) }, Number(values.seed)));
  }
} catch (error) {
  console.error(error, `\nseed ${values.seed}`);
  process.exitCode = 1;
}
for (const cleanup of cleanups.reverse()) await cleanup();
process.exit();

async function fuzz(name: string, side: Side): Promise<void> {
  // The first fifth warms up: what a process needs once is no growth.
  await side.send(frames / 5);
  const before = await watch.heapBytes();
  const started = performance.now();
  await side.send((frames * 4) / 5);
  const perSecond = Math.round(((frames * 4) / 5 / (performance.now() - started)) * 1_000);
  const grownMib = ((await watch.heapBytes()) - before) / MIB;
  watch.verify();
  console.log(
    `${name}: ${frames} messages, ${perSecond} a second, ${side.asked()} questions beside, heap ${grownMib.toFixed(1)} MiB more`,
  );
  const allowedMib = GROWTH_MIB + KEPT_JOB_MIB * Math.min(side.asked(), KEPT_JOBS);
  assert.ok(grownMib < allowedMib, `the heap has grown by ${grownMib.toFixed(1)} MiB`);
}
