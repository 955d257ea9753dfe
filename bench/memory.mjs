/**
 * Ten million rows to a caller that takes 20 MB/s: whether runner and gateway stay small while more waits than they
 * could hold, whether the runner's heartbeats come on time, and how long other callers wait, who ask for one row by its
 * key now and then, beside it and without it. Both processes are looked at each second.
 */
import { setTimeout as delay } from 'node:timers/promises';
import { prepare } from './engines/index.mjs';
import { median, quantile, residentMb, rounded } from './figures.ts';
import { asker } from './http-question.mjs';
import { byKey, questionsUntil } from './key-questions.mjs';
import { startProduct } from './product.mjs';
import { Report } from './report.ts';
import { onStage } from './stage.mjs';
import { expectedTally, mustEqual } from './tally.mjs';

const TARGET_MB = 160;
/** What the second half may hold beyond the first and still be called flat. */
const TARGET_GROWTH_MB = 10;
const HEARTBEAT_MS = 25_000;
/** Beyond its interval, with a busy event loop and a clock of milliseconds on each side. */
const TARGET_LATE_MS = 1_000;
const BYTES_PER_MB = 1_000_000;
const DEADLINE_MS = 86_400_000;
/** Seldom enough that the questions are no load of their own. */
const QUESTION_EVERY_MS = 20;

const report = new Report('memory', {
  rows: [10_000_000, 200_000],
  rate: [20, 20],
  source: ['postgres,sqlite', 'sqlite'],
  alone: [20, 2],
});
const { rows: rowCount, rate, source, alone: aloneS } = report.settings;
const rows = [];
const others = [];

for (const name of source.split(',')) {
  await onStage(async stage => {
    const engine = await prepare(name, rowCount, stage.directory, stage.scope);
    if (engine.why) return report.notMeasured(engine.why);
    note(engine, await measure(stage, engine));
  });
}
const megabytes = (key, title) => ({ key, title });
report.add({
  name: 'memory',
  title: 'process',
  columns: [
    megabytes('first', 'first half MB'),
    megabytes('second', 'second half MB'),
    megabytes('peak', 'peak MB'),
    { key: 'seconds', title: 'seconds' },
    { key: 'rate', title: 'MB/s', digits: 1 },
    { key: 'beats', title: 'heartbeats' },
    { key: 'wait', title: 'longest wait for one s', digits: 2 },
  ],
  rows,
});
report.add({
  name: 'others',
  title: 'one row by its key, meanwhile',
  columns: ['p50', 'p99', 'worst'].map(key => ({ key, title: `${key} ms`, digits: 2 })),
  rows: others,
});
report.finish();
// A database server of ours is a child that lives as long as this process.
process.exit();

async function measure({ processes, directory }, engine) {
  const { gateway, runner, queryUrl } = await startProduct(processes, directory, engine.source);
  const caller = processes.worker('peers/caller.mjs', []);
  const { ask } = asker({ url: queryUrl, headers: gateway.headers });
  const asking = { label: engine.title, ask: byKey(ask), rowCount, everyMs: QUESTION_EVERY_MS };
  // Once around: what is measured is warm.
  await questionsUntil(delay(1_000), asking);
  const alone = await questionsUntil(delay(aloneS * 1_000), asking);
  const reading = caller.ask({
    url: queryUrl,
    headers: { ...gateway.headers, accept: 'application/x-ndjson' },
    body: { target: 'people', deadlineMs: DEADLINE_MS },
    bytesPerSecond: rate * BYTES_PER_MB,
  });
  const samples = { runner: [], gateway: [] };
  const beats = new Set();
  let done = false;
  reading.then(
    () => {
      done = true;
    },
    () => {
      done = true;
    },
  );
  const answered = questionsUntil(reading, asking);
  while (!done) {
    samples.runner.push(residentMb(runner.pid)?.now ?? Number.NaN);
    samples.gateway.push(residentMb(gateway.process.pid)?.now ?? Number.NaN);
    for (const session of (await gateway.ask('/v1/runners/bench')).sessions) {
      beats.add(Date.parse(session.connectedAt)).add(Date.parse(session.lastHeartbeatAt));
    }
    await Promise.race([delay(1_000), reading]);
  }
  const delivered = await reading;
  mustEqual(engine.name, delivered, expectedTally(rowCount));
  const peaks = {
    runner: residentMb(runner.pid)?.peak,
    gateway: residentMb(gateway.process.pid)?.peak,
  };
  return {
    delivered,
    samples,
    peaks,
    beats: [...beats].sort((a, b) => a - b),
    alone,
    beside: await answered,
  };
}

function note(engine, { delivered, samples, peaks, beats, alone, beside }) {
  report.version(engine.title, engine.version);
  for (const [how, latencies] of [
    ['alone', alone],
    ['beside the rows', beside],
  ]) {
    const values = { p50: median(latencies), p99: quantile(latencies, 0.99), worst: Math.max(...latencies) };
    others.push({ label: `${engine.title}, ${how}`, side: 'ours', values });
  }
  const seconds = delivered.durationMs / 1000;
  const gaps = beats.slice(1).map((beat, index) => beat - beats[index]);
  const longestGapMs = gaps.length > 0 ? Math.max(...gaps) : undefined;
  for (const side of ['runner', 'gateway']) {
    const half = Math.ceil(samples[side].length / 2);
    // The first seconds are those in which it fills up.
    const [first, second] = [samples[side].slice(Math.ceil(half / 4), half), samples[side].slice(half)].map(
      part => (part.length > 0 ? median(part) : undefined),
    );
    const what = `${engine.title}, ${side}`;
    const once = {
      seconds,
      rate: delivered.bytes / BYTES_PER_MB / seconds,
      beats: gaps.length,
      wait: longestGapMs === undefined ? null : longestGapMs / 1000,
    };
    rows.push({
      label: what,
      side: 'ours',
      values: { first, second, peak: peaks[side] ?? null, ...(side === 'runner' ? once : {}) },
    });
    const growth = first === undefined || second === undefined ? undefined : second - first;
    const isMet = peaks[side] === undefined ? undefined : peaks[side] < TARGET_MB;
    const isFlat = growth === undefined || Number.isNaN(growth) ? undefined : growth < TARGET_GROWTH_MB;
    report.target(`${what}: peak resident`, `under ${TARGET_MB} MB`, `${rounded(peaks[side])} MB`, isMet);
    report.target(`${what}: growth`, `under ${TARGET_GROWTH_MB} MB`, `${rounded(growth)} MB`, isFlat);
  }
  report.target(
    `${engine.title}: longest wait for a heartbeat`,
    `within ${(HEARTBEAT_MS + TARGET_LATE_MS) / 1000} s`,
    longestGapMs === undefined ? 'none came' : `${(longestGapMs / 1000).toFixed(2)} s`,
    longestGapMs === undefined ? undefined : longestGapMs < HEARTBEAT_MS + TARGET_LATE_MS,
  );
}
