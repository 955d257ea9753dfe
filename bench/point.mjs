/**
 * Short questions to a large table: one row by its key, and the first 25. In one process, the bridge beside a named
 * prepared statement on a bare pool and beside the way of the public bridge, which counts; then over HTTP, beside a bare
 * relay of the same rows and that statement.
 */
import { fileURLToPath } from 'node:url';
import { prepare } from './engines/index.mjs';
import { median, quantile } from './figures.ts';
import { asker } from './http-question.mjs';
import { startProduct } from './product.mjs';
import { seededRandom } from './random.mjs';
import { Report } from './report.ts';
import { onStage } from './stage.mjs';

const TARGET_RATIO = 1.3;
const FIRST_ROWS = 25;
const SEED = 20_260_101;

const report = new Report('point', {
  rows: [1_000_000, 100_000],
  rounds: [9, 3],
  times: [500, 200],
  source: ['postgres', 'postgres'],
});
const { rows: rowCount, rounds, times, source } = report.settings;
const path = name => fileURLToPath(new URL(name, import.meta.url));

const WAY_NAMES = {
  prepared: 'prepared statement, bare pool',
  lines: 'bridge, rows as lines',
  decoded: 'bridge, rows as objects',
  public: 'public way, with its count',
};
const QUESTIONS = [
  { question: 'byKey', title: 'where id = x', limit: 1, body: id => ({ target: 'people', where: { id } }) },
  {
    question: 'first',
    title: `order by id limit ${FIRST_ROWS}`,
    limit: FIRST_ROWS,
    body: () => ({ target: 'people', orderBy: [{ field: 'id' }], limit: FIRST_ROWS }),
  },
];

const P50 = { key: 'p50', title: 'p50 µs', better: 'less' };
const P99 = { key: 'p99', title: 'p99 µs' };

await onStage(async stage => {
  const engine = await prepare(source, rowCount, stage.directory, stage.scope);
  if (engine.why) report.notMeasured(engine.why);
  else await measure(stage, engine);
});
report.finish();
// A database server of ours is a child that lives as long as this process.
process.exit();

async function measure({ processes, directory }, engine) {
  const env = { DATABASE_URL: engine.url };
  const bridge = processes.worker('peers/bridge.mjs', [engine.name], env);
  const product = await startProduct(processes, directory, engine.source);
  report.version(engine.title, engine.version);
  const inProcess = [];
  const overHttp = [];
  for (const question of QUESTIONS) {
    const samples = await inOneProcess(bridge, question);
    const ratioOf = way => median(samples[way]) / median(samples.prepared);
    for (const [way, name] of Object.entries(WAY_NAMES)) {
      const side = { prepared: 'floor', public: 'peer' }[way] ?? 'ours';
      inProcess.push({
        label: `${question.title}: ${name}`,
        side,
        values: { ...timing(samples[way]), ratio: ratioOf(way) },
      });
      if (side === 'ours') beside('prepared', `${question.title}: ${name}`, ratioOf(way));
    }
    const { relay, semilayer } = await acrossHttp(processes, product, question);
    const floor = median(relay) + median(samples.prepared);
    const ratio = median(semilayer) / floor;
    overHttp.push(
      { label: `${question.title}: relay`, side: 'floor', values: timing(relay) },
      {
        label: `${question.title}: relay and prepared statement, added`,
        side: 'floor',
        values: { p50: floor, ratio: 1 },
      },
      {
        label: `${question.title}: semilayer`,
        side: 'ours',
        values: { ...timing(semilayer), ratio },
      },
    );
    beside('the sum', `${question.title}: over HTTP`, ratio);
  }
  const columnsBeside = what => [P50, P99, { key: 'ratio', title: `× ${what}`, digits: 2 }];
  report.add({
    name: 'in-process',
    title: 'in one process',
    columns: columnsBeside('prepared'),
    rows: inProcess,
  });
  report.add({ name: 'http', title: 'over HTTP, 1 caller', columns: columnsBeside('sum'), rows: overHttp });
}

function beside(what, name, ratio) {
  report.target(`${name}, × ${what}`, `${TARGET_RATIO} or less`, ratio.toFixed(2), ratio <= TARGET_RATIO);
}

/** Microseconds of each way; the public one less often, because its count takes as long as hundreds of the others. */
async function inOneProcess(bridge, { question, limit }) {
  const samples = { prepared: [], lines: [], decoded: [], public: [] };
  const ask = async (ways, often, seed) => {
    const answer = await bridge.ask({ question, ways, times: often, rows: rowCount, limit, seed });
    return Object.entries(answer);
  };
  const quick = ['prepared', 'lines', 'decoded'];
  await ask(quick, times, SEED - 1);
  for (let round = 0; round < rounds; round++) {
    // Whoever comes first would always find the row's page cold.
    const turned = [...quick.slice(round % quick.length), ...quick.slice(0, round % quick.length)];
    const answers = [
      ...(await ask(turned, times, SEED + round)),
      ...(await ask(['public'], Math.ceil(times / 50), SEED + round)),
    ];
    for (const [way, taken] of answers) samples[way].push(...taken);
  }
  return samples;
}

/** The same question through gateway and runner, and a relay that carries the same rows: once each, in turn. */
async function acrossHttp(processes, product, { body, limit }) {
  const semilayer = asker({ url: product.queryUrl, headers: product.gateway.headers });
  const { rows } = JSON.parse(await semilayer.ask(JSON.stringify(body(1))));
  const relayGateway = processes.start([path('peers/relay.mjs'), 'gateway']);
  const port = await relayGateway.line(/^(\d+)$/);
  processes.start([path('peers/relay.mjs'), 'runner', port, JSON.stringify(rows)]);
  await relayGateway.line(/(connected)/);
  const relay = asker({ url: `http://127.0.0.1:${port}/`, headers: {} });
  const sides = { relay, semilayer };
  const samples = { relay: [], semilayer: [] };
  const random = seededRandom(SEED);
  // The first are not counted: they compile.
  const total = times * rounds;
  for (let time = -times; time < total; time++) {
    const text = JSON.stringify(body(1 + Math.floor(random() * rowCount)));
    for (const [name, side] of Object.entries(sides)) {
      const started = performance.now();
      const answer = JSON.parse(await side.ask(text));
      const took = (performance.now() - started) * 1000;
      if (answer.rows?.length !== limit)
        throw new Error(`${name} answered ${JSON.stringify(answer).slice(0, 200)}`);
      if (time >= 0) samples[name].push(took);
    }
  }
  relay.close();
  semilayer.close();
  return samples;
}

function timing(samples) {
  return { p50: median(samples), p99: quantile(samples, 0.99) };
}
