/**
 * Short questions to a large table: one row by its key, and the first 25. In one process, the bridge beside a named
 * prepared statement on a bare pool and beside the way of the public bridge, which counts; then over HTTP, beside a bare
 * relay of the same rows and that statement.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { prepare, Scope } from './engines/index.mjs';
import { describeMachine, median, quantile, table, targets } from './figures.mjs';
import { asker } from './http-question.mjs';
import { Processes } from './processes.mjs';
import { startProduct } from './product.mjs';
import { seededRandom } from './random.mjs';

const TARGET_RATIO = 1.3;
const FIRST_ROWS = 25;
const SEED = 20_260_101;

const { values } = parseArgs({
  options: {
    rows: { type: 'string', default: '1000000' },
    rounds: { type: 'string', default: '9' },
    times: { type: 'string', default: '500' },
    source: { type: 'string', default: 'postgres' },
  },
});
const rowCount = Number(values.rows);
const rounds = Number(values.rounds);
const times = Number(values.times);
const path = name => fileURLToPath(new URL(name, import.meta.url));
const directory = await mkdtemp(join(tmpdir(), 'semilayer-bench-'));
const processes = new Processes();
const scope = new Scope();

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

try {
  const engine = await prepare(values.source, rowCount, directory, scope);
  if (engine.why) console.log(`NOT RUN: ${engine.why}`);
  else await measure(engine);
} finally {
  await processes.stop();
  await scope.close();
  await rm(directory, { recursive: true, force: true });
}
// A database server of ours is a child that lives as long as this process.
process.exit();

async function measure(engine) {
  const env = { DATABASE_URL: engine.url };
  const bridge = processes.worker('peers/bridge.mjs', [engine.name], env);
  const product = await startProduct(processes, directory, {
    bridge: engine.name,
    config: { url: engine.name === 'sqlite' ? `file:${engine.url}` : engine.url },
  });
  console.log(`${describeMachine()}, ${engine.version}`);
  console.log(
    `${rowCount.toLocaleString('en')} rows, ${rounds} rounds of ${times} times each question, ways in turn\n`,
  );
  const inProcess = [];
  const overHttp = [];
  const verdicts = [];
  for (const question of QUESTIONS) {
    const samples = await inOneProcess(bridge, question);
    const ratioOf = way => median(samples[way]) / median(samples.prepared);
    for (const [way, name] of Object.entries(WAY_NAMES)) {
      inProcess.push([`${question.title}: ${name}`, ...timing(samples[way]), ratioOf(way).toFixed(2)]);
    }
    for (const way of ['lines', 'decoded']) {
      const ratio = ratioOf(way);
      verdicts.push([
        `${question.title}: ${WAY_NAMES[way]}`,
        `${TARGET_RATIO} or less`,
        ratio.toFixed(2),
        ratio <= TARGET_RATIO,
      ]);
    }
    const { relay, semilayer } = await acrossHttp(product, question);
    const floor = median(relay) + median(samples.prepared);
    overHttp.push(
      [`${question.title}: relay`, ...timing(relay), ''],
      [`${question.title}: relay and prepared statement, added`, Math.round(floor), '', '1.00'],
      [`${question.title}: semilayer`, ...timing(semilayer), (median(semilayer) / floor).toFixed(2)],
    );
  }
  console.log(`${table(['in one process', 'p50 µs', 'p99 µs', '× prepared'], inProcess)}\n`);
  console.log(`${table(['over HTTP, 1 caller', 'p50 µs', 'p99 µs', '× floor'], overHttp)}\n`);
  console.log(targets(verdicts));
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
async function acrossHttp(product, { body, limit }) {
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
  return [Math.round(median(samples)), Math.round(quantile(samples, 0.99))];
}
