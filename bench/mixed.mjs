/**
 * One row by its key, asked for again and again, alone and beside a stream of the whole table: through one gateway and
 * one runner, through one gateway and two, and, as the floor, at the database itself beside COPY. The ways in turn.
 */
import { setTimeout as delay } from 'node:timers/promises';
import { clientOf, prepare } from './engines/index.mjs';
import { median, quantile, ratiosOf, spreadOf } from './figures.ts';
import { asker } from './http-question.mjs';
import { byKey, questionsUntil } from './key-questions.mjs';
import { startProduct, startRunner } from './product.mjs';
import { Report } from './report.ts';
import { onStage } from './stage.mjs';
import { expectedTally, mustEqual } from './tally.mjs';

const TARGET_RATIO = 2;
const WARM_UP_MS = 1_000;
const DEADLINE_MS = 3_600_000;

const report = new Report('mixed', { rows: [10_000_000, 300_000], rounds: [3, 2], alone: [20, 2] });
const { rows: rowCount, rounds, alone: aloneS } = report.settings;
const expected = expectedTally(rowCount);

await onStage(async stage => {
  const engine = await prepare('postgres', rowCount, stage.directory, stage.scope);
  if (engine.why) return report.notMeasured(engine.why);
  report.version(engine.title, engine.version);
  const ways = await waysOf(stage, engine);
  const figures = ways.map(() => ({ alone: [], beside: [], streams: [] }));
  for (const way of ways) await questionsUntil(delay(WARM_UP_MS), { ...way, rowCount });
  for (let round = 0; round < rounds; round++) {
    for (const [at, way] of ways.entries()) await measure(way, figures[at]);
    process.stderr.write(`round ${round + 1} of ${rounds}\n`);
  }
  note(ways, figures);
});
report.finish();
// A database server of ours is a child that lives as long as this process.
process.exit();

async function waysOf({ processes, directory, scope }, engine) {
  const database = await (await clientOf(engine.name)).open(engine.url);
  scope.after(() => database.close());
  const copying = processes.worker('peers/reader.mjs', [engine.name, 'floor'], { DATABASE_URL: engine.url });
  const floor = {
    label: 'prepared statement, bare pool',
    side: 'floor',
    ask: id => database.byKey(id),
    stream: () => copying.ask({}),
  };
  const ours = [];
  for (const [label, runners] of [
    ['semilayer, one runner', 1],
    ['semilayer, two runners', 2],
  ]) {
    const product = await startProduct(processes, `${directory}/${runners}`, engine.source);
    for (let more = 1; more < runners; more++) {
      await startRunner(processes, `${directory}/${runners}`, product.gateway, `bench-${more + 1}`);
    }
    ours.push({ label, side: 'ours', ...questionsOf(processes, product) });
  }
  return [floor, ...ours];
}

function questionsOf(processes, { gateway, queryUrl }) {
  const { ask } = asker({ url: queryUrl, headers: gateway.headers });
  const caller = processes.worker('peers/caller.mjs', []);
  return {
    ask: byKey(ask),
    stream: () =>
      caller.ask({
        url: queryUrl,
        headers: { ...gateway.headers, accept: 'application/x-ndjson' },
        body: { target: 'people', deadlineMs: DEADLINE_MS },
      }),
  };
}

async function measure(way, { alone, beside, streams }) {
  alone.push(quantiles(await questionsUntil(delay(aloneS * 1000), { ...way, rowCount })));
  const streaming = way.stream();
  beside.push(quantiles(await questionsUntil(streaming, { ...way, rowCount })));
  const delivered = await streaming;
  mustEqual(way.label, delivered, expected);
  streams.push(delivered.rows / (delivered.durationMs / 1000));
}

/** Microseconds, of milliseconds. */
function quantiles(samples) {
  return { p50: median(samples) * 1_000, p99: quantile(samples, 0.99) * 1_000 };
}

function note(ways, figures) {
  const rows = ways.map(({ label, side }, at) => {
    const { alone, beside, streams } = figures[at];
    const of = (samples, key) => samples.map(sample => sample[key]);
    return {
      label,
      side,
      values: {
        aloneP50: median(of(alone, 'p50')),
        aloneP99: spreadOf(of(alone, 'p99')),
        besideP50: median(of(beside, 'p50')),
        besideP99: spreadOf(of(beside, 'p99')),
        ratio: median(ratiosOf(of(beside, 'p99'), of(alone, 'p99'))),
        stream: median(streams),
      },
    };
  });
  report.add({
    name: 'mixed',
    title: 'one row by its key',
    columns: [
      { key: 'aloneP50', title: 'alone p50 µs' },
      { key: 'aloneP99', title: 'alone p99 µs' },
      { key: 'besideP50', title: 'beside p50 µs' },
      { key: 'besideP99', title: 'beside p99 µs' },
      { key: 'ratio', title: 'p99 × alone', digits: 2 },
      { key: 'stream', title: 'stream rows/s', thousands: true },
    ],
    rows,
  });
  for (const { label, side, values } of rows) {
    if (side !== 'ours') continue;
    report.target(
      `${label}: p99 beside a stream, × alone`,
      `${TARGET_RATIO} or less`,
      values.ratio.toFixed(2),
      values.ratio <= TARGET_RATIO,
    );
  }
}
