/** Start-up time of the commands people wait for, beside the floor: Node starting and doing nothing. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:http';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { describeMachine, median, quantile, table } from './figures.mjs';

const { values } = parseArgs({ options: { runs: { type: 'string', default: '31' } } });
const runs = Number(values.runs);
const bin = fileURLToPath(new URL('../bin/semilayer.js', import.meta.url));

const service = createServer((_request, response) => {
  response.setHeader('content-type', 'application/json');
  response.end('{"items":[],"nextCursor":null}');
});
service.listen(0, '127.0.0.1');
await once(service, 'listening');
const serviceUrl = `http://127.0.0.1:${service.address().port}`;

const cases = {
  'node -e 0': ['-e', '0'],
  'semilayer --version': [bin, '--version'],
  'semilayer --help': [bin, '--help'],
  'semilayer runners list': [bin, 'runners', 'list', '--service-url', serviceUrl],
};

const env = { ...process.env, SEMILAYER_API_KEY: `sk_${'0'.repeat(32)}` };
// On Node 20 that variable alone adds some 35 ms to every start, whatever is started.
delete env.NODE_EXTRA_CA_CERTS;
delete env.NODE_OPTIONS;

const samples = new Map(Object.keys(cases).map(name => [name, []]));
for (const args of Object.values(cases)) await timeMs(args);
// Interleaved, so that a busy moment of the machine falls on all of them.
for (let run = 0; run < runs; run++) {
  for (const [name, args] of Object.entries(cases)) samples.get(name).push(await timeMs(args));
}
service.close();
service.closeAllConnections();

const floor = median(samples.get('node -e 0'));
console.log(`${describeMachine()}, ${runs} interleaved runs\n`);
console.log(
  table(
    ['start', 'median ms', 'p90 ms', '× floor'],
    [...samples].map(([name, times]) => [
      name,
      median(times).toFixed(1),
      quantile(times, 0.9).toFixed(1),
      (median(times) / floor).toFixed(2),
    ]),
  ),
);

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
