/**
 * A question of one row, from HTTP through the gateway and its WebSocket to a runner and back, beside a bare relay of
 * the same JSON. Each side is two processes; the callers are in this one. Rounds of the two sides alternate.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { describeMachine, median, quantile, table } from './figures.mjs';
import { asker } from './http-question.mjs';
import { Processes } from './processes.mjs';
import { startGateway } from './product.mjs';

const { values } = parseArgs({
  options: {
    rounds: { type: 'string', default: '9' },
    seconds: { type: 'string', default: '2' },
    concurrency: { type: 'string', default: '1,64' },
  },
});
const rounds = Number(values.rounds);
const roundMs = Number(values.seconds) * 1000;
const path = name => fileURLToPath(new URL(name, import.meta.url));
const directory = await mkdtemp(join(tmpdir(), 'semilayer-bench-'));
const processes = new Processes();

try {
  const sides = { relay: await startRelay(), semilayer: await startSemilayer() };
  console.log(`${describeMachine()}, ${rounds} alternating rounds of ${roundMs / 1000} s\n`);
  const rows = [];
  for (const concurrency of values.concurrency.split(',').map(Number)) {
    const figures = Object.fromEntries(Object.keys(sides).map(name => [name, []]));
    for (const side of Object.values(sides)) await callers(side, concurrency, 1_000);
    for (let round = 0; round < rounds; round++) {
      for (const [name, side] of Object.entries(sides))
        figures[name].push(await callers(side, concurrency, roundMs));
    }
    const of = (name, key) => median(figures[name].map(figure => figure[key]));
    for (const name of Object.keys(sides)) {
      rows.push([
        `${name}, ${concurrency} ${concurrency === 1 ? 'caller' : 'callers'}`,
        Math.round(of(name, 'p50')),
        Math.round(of(name, 'p99')),
        Math.round(of(name, 'rate')),
        (of(name, 'p50') / of('relay', 'p50')).toFixed(2),
        (of(name, 'rate') / of('relay', 'rate')).toFixed(2),
      ]);
    }
  }
  console.log(table(['side', 'p50 µs', 'p99 µs', 'per second', 'p50 × relay', 'rate × relay'], rows));
} finally {
  await processes.stop();
  await rm(directory, { recursive: true, force: true });
}

/** Callers that each ask again as soon as they are answered; latencies in microseconds. */
async function callers({ url, headers, body }, concurrency, durationMs) {
  const { ask, close } = asker({ url, headers, connections: concurrency });
  const latencies = [];
  const started = performance.now();
  const caller = async () => {
    while (performance.now() - started < durationMs) {
      const asked = performance.now();
      const text = await ask(body);
      latencies.push((performance.now() - asked) * 1000);
      // The same work on both sides, or no figure at all.
      if (!text.startsWith('{"rows":[{"id":1,"name":"one row"}],"meta":{"count":1,')) {
        throw new Error(`unexpected answer: ${text.slice(0, 200)}`);
      }
    }
  };
  await Promise.all(Array.from({ length: concurrency }, caller));
  const elapsedMs = performance.now() - started;
  close();
  return {
    p50: quantile(latencies, 0.5),
    p99: quantile(latencies, 0.99),
    rate: (latencies.length / elapsedMs) * 1000,
  };
}

async function startRelay() {
  const gateway = processes.start([path('peers/relay.mjs'), 'gateway']);
  const port = await gateway.line(/^(\d+)$/);
  processes.start([path('peers/relay.mjs'), 'runner', port]);
  await gateway.line(/(connected)/);
  return {
    url: `http://127.0.0.1:${port}/`,
    headers: {},
    body: JSON.stringify({ target: 'rows', limit: 1 }),
  };
}

async function startSemilayer() {
  const { ask, url, headers } = await startGateway(processes, directory);
  await ask('/v1/sources', { name: 'trivial', bridge: 'trivial', config: { url: 'trivial:' } });
  const { token } = await ask('/v1/runners', { name: 'bench' });
  await ask('/v1/runners/bench/sources', { sources: ['trivial'] });
  const runner = processes.start(
    [path('peers/trivial-runner.mjs'), `${url.replace('http', 'ws')}/connect`, 'bench'],
    { SEMILAYER_RUNNER_TOKEN: token },
  );
  await runner.line(/(connected)/);
  const body = JSON.stringify({ target: 'rows', limit: 1 });
  return { url: `${url}/v1/sources/trivial/query`, headers, body };
}
