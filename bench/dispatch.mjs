/**
 * A question of one row, from HTTP through the gateway and its WebSocket to a runner and back, beside a bare relay of
 * the same JSON. Each side is two processes; the callers are in this one. Rounds of the two sides alternate.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { Agent, request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { describeMachine, median, quantile, table } from './figures.mjs';

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
const children = [];

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
  for (const child of children) child.kill('SIGKILL');
  await rm(directory, { recursive: true, force: true });
}

/** Callers that each ask again as soon as they are answered; latencies in microseconds. */
async function callers({ url, headers, body }, concurrency, durationMs) {
  const agent = new Agent({ keepAlive: true, maxSockets: concurrency });
  const { hostname, port, pathname } = new URL(url);
  const options = {
    agent,
    hostname,
    port,
    path: pathname,
    method: 'POST',
    headers: { ...headers, 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) },
  };
  const latencies = [];
  const started = performance.now();
  const caller = async () => {
    while (performance.now() - started < durationMs) {
      const asked = performance.now();
      const text = await ask(options, body);
      latencies.push((performance.now() - asked) * 1000);
      // The same work on both sides, or no figure at all.
      if (!text.startsWith('{"rows":[{"id":1,"name":"one row"}],"meta":{"count":1,')) {
        throw new Error(`unexpected answer: ${text.slice(0, 200)}`);
      }
    }
  };
  await Promise.all(Array.from({ length: concurrency }, caller));
  const elapsedMs = performance.now() - started;
  agent.destroy();
  return {
    p50: quantile(latencies, 0.5),
    p99: quantile(latencies, 0.99),
    rate: (latencies.length / elapsedMs) * 1000,
  };
}

function ask(options, body) {
  return new Promise((resolve, reject) => {
    const asked = request(options, response => {
      let text = '';
      response.setEncoding('utf8').on('data', chunk => {
        text += chunk;
      });
      response.on('end', () => resolve(text));
    });
    asked.on('error', reject);
    asked.end(body);
  });
}

async function startRelay() {
  const gateway = start([path('peers/relay.mjs'), 'gateway']);
  const port = await gateway.line(/^(\d+)$/);
  start([path('peers/relay.mjs'), 'runner', port]);
  await gateway.line(/(connected)/);
  return {
    url: `http://127.0.0.1:${port}/`,
    headers: {},
    body: JSON.stringify({ target: 'rows', limit: 1 }),
  };
}

async function startSemilayer() {
  const gateway = start([
    '--',
    path('../bin/semilayer.js'),
    'gateway',
    '--port',
    '0',
    '--data-dir',
    join(directory, 'data'),
  ]);
  const key = await gateway.line(/^SEMILAYER_API_KEY=(\w+)$/);
  const url = await gateway.line(/listening on (\S+)/);
  const headers = { authorization: `Bearer ${key}` };
  const post = async (route, body) => {
    const response = await fetch(url + route, {
      method: 'POST',
      headers: { ...headers, 'content-type': 'application/json' },
      body: JSON.stringify(body),
    });
    if (!response.ok) throw new Error(await response.text());
    return await response.json();
  };
  await post('/v1/sources', { name: 'trivial', bridge: 'trivial', config: { url: 'trivial:' } });
  const { token } = await post('/v1/runners', { name: 'bench' });
  await post('/v1/runners/bench/sources', { sources: ['trivial'] });
  const runner = start([path('peers/trivial-runner.mjs'), `${url.replace('http', 'ws')}/connect`, 'bench'], {
    SEMILAYER_RUNNER_TOKEN: token,
  });
  await runner.line(/(connected)/);
  const body = JSON.stringify({ target: 'rows', limit: 1 });
  return { url: `${url}/v1/sources/trivial/query`, headers, body };
}

function start(args, env = {}) {
  const child = spawn(process.execPath, args, {
    env: { PATH: process.env.PATH, SEMILAYER_CONFIG_DIR: join(directory, 'config'), ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  children.push(child);
  const lines = [];
  const wake = [];
  for (const stream of [child.stdout, child.stderr]) {
    createInterface({ input: stream }).on('line', line => {
      lines.push(line);
      for (const resolve of wake.splice(0)) resolve();
    });
  }
  const gone = once(child, 'exit').then(() => {
    for (const resolve of wake.splice(0)) resolve();
  });
  return {
    async line(pattern) {
      for (let at = 0; ; at++) {
        while (at >= lines.length) {
          if (child.exitCode !== null) throw new Error(`${args.join(' ')} ended: ${lines.join('\n')}`);
          await Promise.race([gone, new Promise(resolve => wake.push(resolve))]);
        }
        const match = pattern.exec(lines[at]);
        if (match) return match[1];
      }
    },
  };
}
