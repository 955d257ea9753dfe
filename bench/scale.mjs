/**
 * What more costs: more runners at work, more rows of one answer, more runners connected, more sources. The last three
 * are to lie on a straight line; the line of least squares is printed, and how far from it the worst point lies.
 */
import { fileURLToPath } from 'node:url';
import { roundOf } from './callers.mjs';
import { prepare } from './engines/index.mjs';
import { median, processorMs, residentMb, spreadOf } from './figures.ts';
import { asker } from './http-question.mjs';
import { lineThrough } from './least-squares.ts';
import { startGateway, startProduct } from './product.mjs';
import { connectRaw, createRecords } from './raw-fleet.mjs';
import { Report } from './report.ts';
import { onStage } from './stage.mjs';
import { expectedTally, mustEqual } from './tally.mjs';

const BODY = JSON.stringify({ target: 'rows', limit: 1 });
const WARM_UP_MS = 1_500;
const DEADLINE_MS = 3_600_000;
/** Of the mean: a curve that bends shows more. */
const TARGET_RESIDUAL = 0.15;
const TRIVIAL_RUNNER = fileURLToPath(new URL('peers/trivial-runner.mjs', import.meta.url));
const RATE = { key: 'rate', title: 'per second' };
const GATEWAY = { key: 'gateway', title: 'gateway CPU µs', digits: 1, better: 'less' };
const RESIDENT = { key: 'resident', title: 'gateway MB', digits: 1 };

const report = new Report('scale', {
  rows: [1_000_000, 100_000],
  points: [8, 4],
  runners: [1_000, 100],
  sources: [1_000, 100],
  rounds: [5, 2],
  seconds: [2, 0.5],
});
const { rows: mostRows, points, runners, sources, rounds, seconds } = report.settings;
const steps = most => Array.from({ length: points }, (_, at) => Math.round((most * (at + 1)) / points));

await runnersAtWork();
await againstRows();
await against('runners', 'runners connected', steps(runners), async (stage, gateway, count) => {
  await addSources(gateway, ['trivial']);
  const records = await createRecords(gateway, count, 'raw', ['trivial']);
  await connectRaw(stage.processes, socketUrl(gateway), records, 1);
});
await against('sources', 'sources of one runner', steps(sources), async (stage, gateway, count) => {
  const names = Array.from({ length: count }, (_, at) => (at === 0 ? 'trivial' : `trivial-${at}`));
  await addSources(gateway, names);
  await startTrivial(stage.processes, gateway, 'bench', names);
});
report.finish();

/** One, two and four runners of the same source, 64 callers: on two cores there is no room for four at once. */
async function runnersAtWork() {
  const rows = [];
  for (const count of [1, 2, 4]) {
    await onStage(async ({ processes, directory }) => {
      const gateway = await startGateway(processes, directory);
      await addSources(gateway, ['trivial']);
      const working = [];
      for (let at = 0; at < count; at++)
        working.push(await startTrivial(processes, gateway, `bench-${at}`, ['trivial']));
      const side = sideOf(gateway, [gateway.process.pid, working[0].pid]);
      await roundOf(side, 64, WARM_UP_MS);
      const before = working.map(({ pid }) => processorMs(pid));
      const figures = [];
      for (let round = 0; round < rounds; round++) figures.push(await roundOf(side, 64, seconds * 1000));
      const used = working.map(({ pid }, at) => processorMs(pid) - before[at]);
      if (used.some(ms => ms === 0)) throw new Error(`one of ${count} runners was given nothing to do`);
      const of = key => figures.map(figure => figure[key]);
      const values = { rate: spreadOf(of('rate')), p50: median(of('p50')), gateway: median(of('gateway')) };
      rows.push({ label: String(count), side: 'ours', values });
    });
  }
  const columns = [RATE, { key: 'p50', title: 'p50 µs' }, GATEWAY];
  report.add({ name: 'at-work', title: 'runners at work, 64 callers', columns, rows });
}

/** One answer of more and more rows, of SQLite to HTTP. */
async function againstRows() {
  await onStage(async ({ processes, directory, scope }) => {
    const engine = await prepare('sqlite', mostRows, directory, scope);
    report.version(engine.title, engine.version);
    const { gateway, queryUrl, runner } = await startProduct(processes, directory, engine.source);
    const caller = processes.worker('peers/caller.mjs', []);
    const sizes = steps(mostRows);
    const figures = sizes.map(() => []);
    const read = async limit => {
      const pids = [gateway.process.pid, runner.pid];
      const before = pids.map(processorMs);
      const delivered = await caller.ask({
        url: queryUrl,
        headers: { ...gateway.headers, accept: 'application/x-ndjson' },
        body: { target: 'people', orderBy: [{ field: 'id' }], limit, deadlineMs: DEADLINE_MS },
      });
      mustEqual(`${limit} rows`, delivered, expectedTally(limit));
      const [ofGateway, ofRunner] = pids.map((pid, at) => processorMs(pid) - before[at]);
      return { ms: delivered.durationMs, ofGateway, ofRunner };
    };
    await read(sizes.at(-1));
    for (let round = 0; round < rounds; round++) {
      for (const [at, limit] of sizes.entries()) figures[at].push(await read(limit));
    }
    const of = (at, key) => figures[at].map(figure => figure[key]);
    straight({
      name: 'rows',
      title: 'rows of one answer',
      columns: [
        { key: 'ms', title: 'ms' },
        { key: 'ofGateway', title: 'gateway CPU ms' },
        { key: 'ofRunner', title: 'runner CPU ms' },
      ],
      xs: sizes,
      rows: sizes.map((_, at) => ({
        ms: spreadOf(of(at, 'ms')),
        ofGateway: median(of(at, 'ofGateway')),
        ofRunner: median(of(at, 'ofRunner')),
      })),
      fits: { ms: ['ms', 1_000, 'a thousand rows'] },
    });
  });
}

/** Sixteen callers of a gateway that holds more and more of something; each point is a gateway of its own. */
async function against(name, title, xs, fill) {
  const rows = [];
  for (const count of xs) {
    await onStage(async stage => {
      const gateway = await startGateway(stage.processes, stage.directory);
      await fill(stage, gateway, count);
      const { pid } = gateway.process;
      const side = sideOf(gateway, [pid, pid]);
      await roundOf(side, 16, WARM_UP_MS);
      const figures = [];
      for (let round = 0; round < rounds; round++) figures.push(await roundOf(side, 16, seconds * 1000));
      const of = key => figures.map(figure => figure[key]);
      rows.push({
        rate: median(of('rate')),
        gateway: spreadOf(of('gateway')),
        resident: residentMb(pid)?.now ?? null,
      });
    });
    process.stderr.write(`${count} ${title}: done\n`);
  }
  straight({
    name,
    title,
    columns: [RATE, GATEWAY, RESIDENT],
    xs,
    rows,
    fits: { gateway: ['µs of the gateway', 1_000, `a thousand ${name}`] },
  });
}

/** Adds the series with the lines that fit it. */
function straight({ name, title, columns, xs, rows, fits }) {
  const notes = Object.entries(fits).map(([key, [unit, scale, per]]) => {
    const { intercept, slope, r2, worst } = lineThrough(
      rows.map((row, at) => [xs[at], row[key].median ?? row[key]]),
    );
    report.target(
      `${title}: farthest from a straight line`,
      `${TARGET_RESIDUAL * 100} % or less`,
      `${(worst * 100).toFixed(1)} %`,
      worst <= TARGET_RESIDUAL,
    );
    return `Least squares: ${intercept.toFixed(1)} ${unit} and ${(slope * scale).toFixed(2)} more for ${per}; r² ${r2.toFixed(3)}, the farthest point ${(worst * 100).toFixed(1)} % of the mean away.`;
  });
  report.add({
    name,
    title,
    columns,
    rows: xs.map((x, at) => ({ label: x.toLocaleString('en'), side: 'ours', values: { x, ...rows[at] } })),
    note: notes.join(' '),
  });
}

function sideOf({ url, headers }, pids) {
  const open = connections => asker({ url: `${url}/v1/sources/trivial/query`, headers, connections });
  return { open, body: BODY, pids };
}

function socketUrl({ url }) {
  return `${url.replace('http', 'ws')}/connect`;
}

async function addSources({ ask }, names) {
  for (const name of names)
    await ask('/v1/sources', { name, bridge: 'trivial', config: { url: 'trivial:' } });
}

async function startTrivial(processes, gateway, name, assigned) {
  const { token } = await gateway.ask('/v1/runners', { name });
  await gateway.ask(`/v1/runners/${name}/sources`, { sources: assigned });
  const runner = processes.start([TRIVIAL_RUNNER, socketUrl(gateway), name], {
    SEMILAYER_RUNNER_TOKEN: token,
  });
  await runner.line(/(connected)/);
  return runner;
}
