/**
 * Ten million rows to a caller that takes 20 MB/s: whether runner and gateway stay small while more waits than they
 * could hold, and whether the runner's heartbeats come on time. Both processes are looked at each second.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { prepare, Scope } from './engines/index.mjs';
import { describeMachine, median, residentMb, rounded, table, targets } from './figures.mjs';
import { Processes } from './processes.mjs';
import { startProduct } from './product.mjs';
import { expectedTally, mustEqual } from './tally.mjs';

const TARGET_MB = 160;
/** What the second half may hold beyond the first and still be called flat. */
const TARGET_GROWTH_MB = 10;
const HEARTBEAT_MS = 25_000;
/** Beyond its interval, with a busy event loop and a clock of milliseconds on each side. */
const TARGET_LATE_MS = 1_000;
const BYTES_PER_MB = 1_000_000;
const DEADLINE_MS = 86_400_000;

const { values } = parseArgs({
  options: {
    rows: { type: 'string', default: '10000000' },
    rate: { type: 'string', default: '20' },
    source: { type: 'string', default: 'postgres,sqlite' },
  },
});
const rowCount = Number(values.rows);
const bytesPerSecond = Number(values.rate) * BYTES_PER_MB;
const processes = new Processes();
const figures = [];
const verdicts = [];
const versions = [];

for (const name of values.source.split(',')) {
  const directory = await mkdtemp(join(tmpdir(), 'semilayer-bench-'));
  const scope = new Scope();
  try {
    const engine = await prepare(name, rowCount, directory, scope);
    if (engine.why) console.log(`NOT RUN: ${engine.why}\n`);
    else report(engine, await measure(engine, directory));
  } finally {
    await processes.stop();
    await scope.close();
    await rm(directory, { recursive: true, force: true });
  }
}
console.log([describeMachine(), ...versions].join(', '));
console.log(`${rowCount.toLocaleString('en')} rows to a caller that takes ${values.rate} MB/s\n`);
console.log(
  `${table(
    [
      'source',
      'seconds',
      'MB/s',
      'process',
      'first half MB',
      'second half MB',
      'peak MB',
      'beats',
      'latest beat s',
    ],
    figures,
  )}\n`,
);
console.log(targets(verdicts));
// A database server of ours is a child that lives as long as this process.
process.exit();

async function measure(engine, directory) {
  const { gateway, runner, queryUrl } = await startProduct(processes, directory, {
    bridge: engine.name,
    config: { url: engine.name === 'sqlite' ? `file:${engine.url}` : engine.url },
  });
  const caller = processes.worker('peers/caller.mjs', []);
  const reading = caller.ask({
    url: queryUrl,
    headers: { ...gateway.headers, accept: 'application/x-ndjson' },
    body: { target: 'people', deadlineMs: DEADLINE_MS },
    bytesPerSecond,
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
  return { delivered, samples, peaks, beats: [...beats].sort((a, b) => a - b) };
}

function report(engine, { delivered, samples, peaks, beats }) {
  versions.push(engine.version);
  const seconds = delivered.durationMs / 1000;
  const gaps = beats.slice(1).map((beat, index) => beat - beats[index]);
  const longestGapMs = gaps.length > 0 ? Math.max(...gaps) : undefined;
  for (const side of ['runner', 'gateway']) {
    const half = Math.ceil(samples[side].length / 2);
    // The first seconds are those in which it fills up.
    const [first, second] = [samples[side].slice(Math.ceil(half / 4), half), samples[side].slice(half)].map(
      part => (part.length > 0 ? median(part) : undefined),
    );
    figures.push([
      engine.version,
      rounded(seconds),
      rounded(delivered.bytes / BYTES_PER_MB / seconds, 1),
      side,
      rounded(first),
      rounded(second),
      rounded(peaks[side]),
      side === 'runner' ? gaps.length : '',
      side === 'runner' && longestGapMs !== undefined ? (longestGapMs / 1000).toFixed(2) : '',
    ]);
    const growth = first === undefined || second === undefined ? undefined : second - first;
    const isMet = peaks[side] === undefined ? undefined : peaks[side] < TARGET_MB;
    const isFlat = growth === undefined || Number.isNaN(growth) ? undefined : growth < TARGET_GROWTH_MB;
    const what = `${engine.version}, ${side}`;
    verdicts.push(
      [`${what}: peak resident`, `under ${TARGET_MB} MB`, `${rounded(peaks[side])} MB`, isMet],
      [`${what}: growth`, `under ${TARGET_GROWTH_MB} MB`, `${rounded(growth)} MB`, isFlat],
    );
  }
  const isOnTime = longestGapMs === undefined ? undefined : longestGapMs < HEARTBEAT_MS + TARGET_LATE_MS;
  const wanted = `within ${(HEARTBEAT_MS + TARGET_LATE_MS) / 1000} s`;
  const measured = longestGapMs === undefined ? 'none came' : `${(longestGapMs / 1000).toFixed(2)} s`;
  verdicts.push([`${engine.version}: longest wait for a heartbeat`, wanted, measured, isOnTime]);
}
