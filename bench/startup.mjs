/**
 * Start-up time of the commands people wait for, beside the floors, Node that does nothing and Node that asks the same
 * service once, and beside other command lines from npm. `--check` fails when a target is missed; `--no-peers` leaves
 * the others away; `--heavy` measures larger ones too, that take minutes to install.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, readFile } from 'node:fs/promises';
import { createServer, get } from 'node:http';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { median, quantile } from './figures.ts';
import { BIN } from './program.mjs';
import { Report } from './report.ts';

const report = new Report('startup', {
  runs: [31, 11],
  peers: [true, false],
  heavy: [false, false],
  check: [false, false],
});
const { runs, peers, heavy, check } = report.settings;
/** Well known, and installed from npm as we are. */
const PEERS = ['eslint', 'prettier'];
/** Command lines of services that are asked over the network, as ours is. */
const HEAVY_PEERS = ['vercel', 'wrangler'];
/** A request with what Node has built in and nothing around it. */
const ASK = `require('node:http').get({ ...JSON.parse(process.argv[1]), agent: false }, answer => {
  let text = '';
  answer.setEncoding('utf8').on('data', more => (text += more)).on('end', () => process.stdout.write(text));
})`;

const service = createServer((_request, response) => {
  response.setHeader('content-type', 'application/json');
  response.end('{"items":[],"nextCursor":null}');
});
service.listen(0, '127.0.0.1');
await once(service, 'listening');
const place = { host: '127.0.0.1', port: service.address().port, path: '/v1/runners?limit=1000' };
const serviceUrl = `http://${place.host}:${place.port}`;

const cases = {
  'node -e 0': ['-e', '0'],
  'node, one request': ['-e', ASK, JSON.stringify(place)],
  'semilayer --version': [BIN, '--version'],
  'semilayer --help': [BIN, '--help'],
  'semilayer runners list --json': [BIN, 'runners', 'list', '--json', '--service-url', serviceUrl],
  ...(peers ? await peerCases() : {}),
};
/** Times the floor; what the service takes to answer is not ours, and is measured and taken off. */
const TARGETS = {
  'semilayer --version': 1.15,
  'semilayer --help': 1.35,
  'semilayer runners list --json': 2,
};

const env = { ...process.env, SEMILAYER_API_KEY: `sk_${'0'.repeat(32)}` };
// On Node 20 that variable alone adds some 35 ms to every start, whatever is started.
delete env.NODE_EXTRA_CA_CERTS;
delete env.NODE_OPTIONS;

const samples = new Map(Object.keys(cases).map(name => [name, []]));
const answers = [];
for (const args of Object.values(cases)) await timeMs(args);
for (let run = 0; run < 20; run++) await answerMs();
// Interleaved, so that a busy moment of the machine falls on all of them.
for (let run = 0; run < runs; run++) {
  for (const [name, args] of Object.entries(cases)) samples.get(name).push(await timeMs(args));
  answers.push(await answerMs());
}
const serviceMs = median(answers);
service.close();
service.closeAllConnections();

const floor = median(samples.get('node -e 0'));
const timesFloor = name => {
  const waited = /request|runners list/.test(name) ? serviceMs : 0;
  return (median(samples.get(name)) - waited) / floor;
};
report.add({
  name: 'start',
  title: 'start',
  columns: [
    { key: 'median', title: 'median ms', digits: 1, better: 'less' },
    { key: 'p10', title: 'p10 ms', digits: 1 },
    { key: 'p90', title: 'p90 ms', digits: 1 },
    { key: 'ratio', title: '× floor', digits: 2 },
  ],
  rows: [...samples].map(([name, times]) => ({
    label: name,
    side: name.startsWith('node') ? 'floor' : name.startsWith('semilayer') ? 'ours' : 'peer',
    values: {
      median: median(times),
      p10: quantile(times, 0.1),
      p90: quantile(times, 0.9),
      ratio: timesFloor(name),
    },
  })),
  note: `The service answers in ${serviceMs.toFixed(1)} ms, which are taken off where it is asked.`,
});
for (const [name, most] of Object.entries(TARGETS)) {
  const ratio = timesFloor(name);
  report.target(`${name}, × floor`, `${most.toFixed(2)} or less`, ratio.toFixed(2), ratio <= most);
  if (check && ratio > most) process.exitCode = 1;
}
report.finish();

/** Others, in versions that are written down with the figures; fetched into .cache when they are not there. */
async function peerCases() {
  const directory = fileURLToPath(new URL('../.cache/startup-peers', import.meta.url));
  await mkdir(directory, { recursive: true });
  const options = ['--no-audit', '--no-fund', '--ignore-scripts', '--prefix', directory];
  const names = heavy ? [...PEERS, ...HEAVY_PEERS] : PEERS;
  const npm = spawn('npm', ['install', ...options, ...names], { stdio: ['ignore', 'ignore', 'inherit'] });
  const [status] = await once(npm, 'exit');
  if (status !== 0) throw new Error('the peers could not be installed; --no-peers measures without them');
  const peers = {};
  for (const name of names) {
    const home = join(directory, 'node_modules', name);
    const { version, bin: bins } = JSON.parse(await readFile(join(home, 'package.json'), 'utf8'));
    const script = typeof bins === 'string' ? bins : Object.values(bins)[0];
    peers[`${name} ${version} --version`] = [join(home, script), '--version'];
  }
  return peers;
}

/** What the service takes to answer on a new connection, asked by a process that is running already. */
async function answerMs() {
  const started = performance.now();
  const [answer] = await once(get({ ...place, agent: false }), 'response');
  await once(answer.resume(), 'end');
  return performance.now() - started;
}

async function timeMs(args) {
  const started = performance.now();
  const child = spawn(process.execPath, args, { env, stdio: ['ignore', 'ignore', 'pipe'] });
  let complaint = '';
  child.stderr.on('data', chunk => {
    complaint += chunk;
  });
  const [status] = await once(child, 'exit');
  const elapsed = performance.now() - started;
  if (status !== 0) throw new Error(`${args.join(' ')} ended with ${status}: ${complaint.trim()}`);
  return elapsed;
}
