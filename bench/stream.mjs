/**
 * A whole table, from the database to an HTTP caller through runner and gateway, beside the database's own fastest way
 * out, the driver's buffered one and the way of the public bridge. Each way in turn, round after round; every one has
 * to deliver the same rows, or there is no figure.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { prepare, Scope } from './engines/index.mjs';
import { describeMachine, median, residentMb, rounded, spread, table, targets } from './figures.mjs';
import { Processes } from './processes.mjs';
import { startProduct } from './product.mjs';
import { expectedTally, mustEqual } from './tally.mjs';

const TARGET_RATIO = 0.4;
const TARGET_FIRST_ROW_MS = 40;
const TARGET_MB = 120;
const DEADLINE_MS = 3_600_000;

const { values } = parseArgs({
  options: {
    rows: { type: 'string', default: '1000000' },
    rounds: { type: 'string', default: '7' },
    source: { type: 'string', default: 'postgres' },
  },
});
const rowCount = Number(values.rows);
const rounds = Number(values.rounds);
const path = name => fileURLToPath(new URL(name, import.meta.url));
const directory = await mkdtemp(join(tmpdir(), 'semilayer-bench-'));
const processes = new Processes();
const scope = new Scope();

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
  const ways = await waysOf(engine);
  const expected = expectedTally(rowCount);
  const once = async way => {
    const result = await way.read();
    mustEqual(way.name, result, expected);
    return result;
  };
  for (const way of ways) await once(way);
  const results = ways.map(() => []);
  for (let round = 0; round < rounds; round++) {
    for (const [index, way] of ways.entries()) results[index].push(await once(way));
    process.stderr.write(`round ${round + 1} of ${rounds}\n`);
  }
  report(engine, ways, results);
}

/** Each way to read the table, with the processes that take part in it. */
async function waysOf({ name, url, floor, driver }) {
  const env = { DATABASE_URL: url };
  const floorReader = processes.worker('peers/reader.mjs', [name, 'floor'], env);
  const buffering = processes.worker('peers/reader.mjs', [name, 'all'], env);
  const product = await startProduct(processes, directory, {
    bridge: name,
    config: { url: name === 'sqlite' ? `file:${url}` : url },
  });
  const caller = processes.worker('peers/caller.mjs', []);
  const publicGateway = processes.start([path('peers/public-way.mjs'), 'gateway']);
  const port = await publicGateway.line(/^(\d+)$/);
  const publicRunner = processes.start([path('peers/public-way.mjs'), 'runner', port, name], env);
  await publicGateway.line(/(connected)/);
  return [
    { name: floor, read: () => floorReader.ask({}), runner: floorReader },
    { name: `${driver}, buffered`, read: () => buffering.ask({}), runner: buffering },
    {
      name: 'semilayer, to HTTP',
      read: () =>
        caller.ask({
          url: product.queryUrl,
          headers: { ...product.gateway.headers, accept: 'application/x-ndjson' },
          body: { target: 'people', deadlineMs: DEADLINE_MS },
        }),
      runner: product.runner,
      gateway: product.gateway.process,
    },
    {
      name: 'public way, to HTTP',
      read: () => caller.ask({ url: `http://127.0.0.1:${port}/`, headers: {}, body: {} }),
      runner: publicRunner,
      gateway: publicGateway,
    },
  ];
}

function report(engine, ways, results) {
  const rates = results.map(side => side.map(({ rows, durationMs }) => rows / (durationMs / 1000)));
  // Each round is a pair of neighbours, so that what disturbs a round disturbs both.
  const ratios = rates.map(side => side.map((rate, round) => rate / rates[0][round]));
  const firstRows = results.map(side => side.map(({ firstRowMs }) => firstRowMs));
  const peaks = ways.map(({ runner, gateway }) => ({
    runner: residentMb(runner.pid)?.peak,
    gateway: gateway && residentMb(gateway.pid)?.peak,
  }));
  const thousands = rate => `${Math.round(rate / 1000)}k`;
  console.log(`${describeMachine()}, ${engine.version}`);
  console.log(`${rowCount.toLocaleString('en')} rows, medians of ${rounds} interleaved rounds\n`);
  console.log(
    table(
      [
        'way',
        'rows/s',
        'least–most',
        '× floor',
        'least–most',
        'first row ms',
        'reader or runner MB',
        'gateway MB',
      ],
      ways.map((way, index) => [
        way.name,
        thousands(median(rates[index])),
        spread(rates[index], thousands),
        median(ratios[index]).toFixed(2),
        spread(ratios[index], ratio => ratio.toFixed(2)),
        rounded(median(firstRows[index]), 1),
        rounded(peaks[index].runner),
        rounded(peaks[index].gateway),
      ]),
    ),
  );
  const ratio = median(ratios[2]);
  const firstRow = median(firstRows[2]);
  const { runner, gateway } = peaks[2];
  const below = mb => (mb === undefined ? undefined : mb < TARGET_MB);
  console.log(
    `\n${targets([
      [
        `rows/s beside ${engine.floor}`,
        `${TARGET_RATIO.toFixed(2)} or more`,
        ratio.toFixed(2),
        ratio >= TARGET_RATIO,
      ],
      [
        'first row',
        `under ${TARGET_FIRST_ROW_MS} ms`,
        `${firstRow.toFixed(1)} ms`,
        firstRow < TARGET_FIRST_ROW_MS,
      ],
      ['runner, peak resident', `under ${TARGET_MB} MB`, `${rounded(runner)} MB`, below(runner)],
      ['gateway, peak resident', `under ${TARGET_MB} MB`, `${rounded(gateway)} MB`, below(gateway)],
    ])}`,
  );
}
