/** One runner that waits for jobs: its memory and processor time, beside a Node that does nothing for as long. */
import { setTimeout as delay } from 'node:timers/promises';
import { processorMs, residentMb, rounded, spreadOf } from './figures.ts';
import { startProduct } from './product.mjs';
import { Report } from './report.ts';
import { onStage } from './stage.mjs';

const TARGET_MB = 60;
const TARGET_CORE = 0.1;
const NOTHING = ['-e', 'setInterval(() => {}, 1e9)'];

const report = new Report('runner-idle', { minutes: [10, 0.1], settle: [20, 3] });
const { minutes, settle: settleS } = report.settings;

await onStage(async ({ processes, directory }) => {
  const { gateway, runner } = await startProduct(processes, directory, {
    bridge: 'sqlite',
    config: { url: `file:${directory}/none.db` },
  });
  const sides = [
    { label: 'node that does nothing', side: 'floor', pid: processes.start(NOTHING).pid },
    { label: 'semilayer run', side: 'ours', pid: runner.pid },
  ].map(side => ({ ...side, samples: [] }));
  await delay(settleS * 1000);
  const used = sides.map(({ pid }) => processorMs(pid));
  const began = performance.now();
  const sampleMs = Math.min(1_000, minutes * 6_000);
  while (performance.now() - began < minutes * 60_000) {
    await delay(sampleMs);
    for (const { pid, samples } of sides) samples.push(residentMb(pid)?.now ?? Number.NaN);
  }
  const elapsedMs = performance.now() - began;
  const { sessions } = await gateway.ask('/v1/runners/bench');
  if (sessions.length !== 1) throw new Error(`the runner had ${sessions.length} sessions at the end`);
  report.add({
    name: 'idle',
    title: 'process',
    columns: [
      { key: 'resident', title: 'MB', digits: 1, better: 'less' },
      { key: 'core', title: '% of a core', digits: 3 },
    ],
    rows: sides.map(({ label, side, pid, samples }, at) => ({
      label,
      side,
      values: {
        resident: spreadOf(samples),
        core: ((processorMs(pid) - used[at]) / elapsedMs) * 100,
      },
    })),
  });
  const core = ((processorMs(runner.pid) - used[1]) / elapsedMs) * 100;
  const { median: mb } = spreadOf(sides[1].samples);
  report.target('resident', `under ${TARGET_MB} MB`, `${rounded(mb, 1)} MB`, mb < TARGET_MB);
  report.target('processor', `under ${TARGET_CORE} % of a core`, `${core.toFixed(3)} %`, core < TARGET_CORE);
});
report.finish();
