/**
 * A whole table, from the database to an HTTP caller, and to the command line's standard output, through runner and
 * gateway, beside the database's own fastest way out, the driver's buffered one and the way of the public bridge. Each
 * way in turn, round after round; every one has to deliver the same rows, or there is no figure.
 */
import { fileURLToPath } from 'node:url';
import { prepare } from './engines/index.mjs';
import { median, ratiosOf, residentMb, rounded, spreadOf } from './figures.ts';
import { startProduct } from './product.mjs';
import { Report } from './report.ts';
import { onStage } from './stage.mjs';
import { expectedTally, mustEqual } from './tally.mjs';

/** Of the database's own fastest way out; the others are measured as they are. */
const TARGET_RATIO = { postgres: 0.45 };
const TARGET_FIRST_ROW_MS = 30;
const TARGET_MB = 110;
const DEADLINE_MS = 3_600_000;
/** More than this, held all at once, would not fit the memory of most machines; it takes minutes, so fewer rounds do. */
const LARGE_ROWS = 2_000_000;
const COLUMNS = [
  { key: 'rate', title: 'rows/s', thousands: true, better: 'more' },
  { key: 'ratio', title: '× floor', digits: 2 },
  { key: 'first', title: 'first row ms', digits: 1 },
  { key: 'reader', title: 'reader or runner MB' },
  { key: 'gateway', title: 'gateway MB' },
  { key: 'caller', title: 'command MB' },
];

const report = new Report('stream', {
  rows: ['1000000,10000000', '100000'],
  rounds: [7, 3],
  largeRounds: [2, 1],
  source: ['postgres,mysql,sqlite', 'postgres,sqlite'],
  peers: [true, true],
});
const { rows: sizes, rounds, largeRounds, source, peers } = report.settings;
const path = name => fileURLToPath(new URL(name, import.meta.url));

for (const rowCount of sizes.split(',').map(Number)) {
  if (peers && rowCount > LARGE_ROWS)
    report.notMeasured(`the ways that hold all rows at once, of ${rowCount.toLocaleString('en')}`);
  for (const name of source.split(',')) {
    await onStage(async stage => {
      const engine = await prepare(name, rowCount, stage.directory, stage.scope);
      if (engine.why) report.notMeasured(engine.why);
      else await measure(stage, engine, rowCount);
    });
  }
}
report.finish();
// A database server of ours is a child that lives as long as this process.
process.exit();

async function measure(stage, engine, rowCount) {
  const isLarge = rowCount > LARGE_ROWS;
  const ways = await waysOf(stage, engine, peers && !isLarge);
  const expected = expectedTally(rowCount);
  const total = isLarge ? largeRounds : rounds;
  const once = async way => {
    const result = await way.read();
    mustEqual(way.name, result, expected);
    return result;
  };
  for (const way of ways) await once(way);
  const results = ways.map(() => []);
  for (let round = 0; round < total; round++) {
    for (const [index, way] of ways.entries()) results[index].push(await once(way));
    process.stderr.write(`round ${round + 1} of ${total}\n`);
  }
  note(engine, rowCount, ways, results);
}

/** Each way to read the table, with the processes that take part in it. */
async function waysOf({ processes, directory }, { name, url, floor, driver, source: origin }, withPeers) {
  const env = { DATABASE_URL: url };
  const floorReader = processes.worker('peers/reader.mjs', [name, 'floor'], env);
  const product = await startProduct(processes, directory, origin);
  const { gateway, runner } = product;
  const caller = processes.worker('peers/caller.mjs', []);
  const callerEnv = {
    SEMILAYER_CONFIG_DIR: `${directory}/caller`,
    SEMILAYER_SERVICE_URL: gateway.url,
    SEMILAYER_API_KEY: gateway.key,
  };
  const command = processes.worker('peers/command.mjs', [], callerEnv, { typed: true });
  const ours = { side: 'ours', runner, gateway: gateway.process };
  return [
    { name: floor, side: 'floor', read: () => floorReader.ask({}), runner: floorReader },
    {
      ...ours,
      name: 'semilayer, to HTTP',
      read: () =>
        caller.ask({
          url: product.queryUrl,
          headers: { ...gateway.headers, accept: 'application/x-ndjson' },
          body: { target: 'people', deadlineMs: DEADLINE_MS },
        }),
    },
    {
      ...ours,
      name: 'semilayer, to the command line',
      read: () => command.ask(['query', 'bench', 'people', '--ndjson', '--timeout', '1h']),
    },
    ...(withPeers ? await peerWays(processes, { name, driver, env, caller }) : []),
  ];
}

async function peerWays(processes, { name, driver, env, caller }) {
  const buffering = processes.worker('peers/reader.mjs', [name, 'all'], env);
  const gateway = processes.start([path('peers/public-way.mjs'), 'gateway']);
  const port = await gateway.line(/^(\d+)$/);
  const runner = processes.start([path('peers/public-way.mjs'), 'runner', port, name], env);
  await gateway.line(/(connected)/);
  return [
    { name: `${driver}, buffered`, side: 'peer', read: () => buffering.ask({}), runner: buffering },
    {
      name: 'public way, to HTTP',
      side: 'peer',
      read: () => caller.ask({ url: `http://127.0.0.1:${port}/`, headers: {}, body: {} }),
      runner,
      gateway,
    },
  ];
}

function note(engine, rowCount, ways, results) {
  const title = `${engine.title}, ${rowCount.toLocaleString('en')} rows`;
  report.version(engine.title, engine.version);
  const rates = results.map(side => side.map(({ rows, durationMs }) => rows / (durationMs / 1000)));
  const rows = ways.map(({ name, side, runner, gateway }, index) => {
    const peaks = results[index].map(({ peakMb }) => peakMb).filter(peak => peak !== undefined);
    return {
      label: name,
      side,
      values: {
        rate: spreadOf(rates[index]),
        ratio: spreadOf(ratiosOf(rates[index], rates[0])),
        first: median(results[index].map(({ firstRowMs }) => firstRowMs)),
        reader: residentMb(runner.pid)?.peak ?? null,
        gateway: gateway && (residentMb(gateway.pid)?.peak ?? null),
        caller: peaks.length > 0 ? Math.max(...peaks) : undefined,
      },
    };
  });
  report.add({ name: `${engine.name}-${rowCount}`, title, columns: COLUMNS, rows });
  const { ratio, first, reader, gateway } = rows[1].values;
  const wanted = TARGET_RATIO[engine.name];
  if (wanted) {
    report.target(
      `${title} to HTTP: rows/s × ${engine.floor}`,
      `${wanted} or more`,
      ratio.median.toFixed(2),
      ratio.median >= wanted,
    );
  }
  report.target(
    `${title} to HTTP: first row`,
    `under ${TARGET_FIRST_ROW_MS} ms`,
    `${first.toFixed(1)} ms`,
    first < TARGET_FIRST_ROW_MS,
  );
  for (const [what, mb] of Object.entries({ runner: reader, gateway })) {
    const isMet = mb === null ? undefined : mb < TARGET_MB;
    report.target(
      `${title} to HTTP: ${what}, peak resident`,
      `under ${TARGET_MB} MB`,
      `${rounded(mb ?? undefined)} MB`,
      isMet,
    );
  }
}
