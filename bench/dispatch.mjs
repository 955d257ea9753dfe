/**
 * A question of one row, from HTTP through the gateway and its WebSocket to a runner and back, beside a bare relay of
 * the same JSON and beside NATS. Each side is two processes; the callers are in this one. Rounds of the sides alternate.
 */
import { fileURLToPath } from 'node:url';
import { roundOf } from './callers.mjs';
import { median, ratiosOf, spreadOf } from './figures.ts';
import { asker } from './http-question.mjs';
import { startNats } from './nats.mjs';
import { startGateway } from './product.mjs';
import { Report } from './report.ts';
import { onStage } from './stage.mjs';

const WARM_UP_MS = 1_000;
const BODY = JSON.stringify({ target: 'rows', limit: 1 });
/** By callers: `[p50 at most, rate at least]`, as times the relay. */
const TARGETS = { 1: { p50: 1.15 }, 64: { rate: 0.85 } };
const COLUMNS = [
  { key: 'p50', title: 'p50 µs', better: 'less' },
  { key: 'p99', title: 'p99 µs' },
  { key: 'rate', title: 'per second', better: 'more' },
  { key: 'p50Ratio', title: 'p50 × relay', digits: 2 },
  { key: 'rateRatio', title: 'rate × relay', digits: 2 },
  { key: 'gateway', title: 'gateway CPU µs', better: 'less' },
  { key: 'runner', title: 'runner CPU µs', better: 'less' },
];

const report = new Report('dispatch', {
  rounds: [9, 3],
  seconds: [2, 0.7],
  callers: ['1,16,64,256', '1,64'],
  peers: [true, true],
});
const { rounds, seconds, callers, peers } = report.settings;
const path = name => fileURLToPath(new URL(name, import.meta.url));

await onStage(async ({ processes, directory }) => {
  const sides = { relay: await startRelay(processes), semilayer: await startSemilayer(processes, directory) };
  const nats = peers ? await startNats(processes) : undefined;
  if (nats) {
    report.version('NATS server', nats.version);
    sides.NATS = { ...nats, body: BODY };
  } else if (peers) {
    report.notMeasured(
      'NATS, for want of a server: apt-get install nats-server, or set SEMILAYER_BENCH_NATS',
    );
  }
  for (const count of callers.split(',').map(Number)) await measure(sides, count);
});
report.finish();

async function measure(sides, count) {
  const figures = Object.fromEntries(Object.keys(sides).map(name => [name, []]));
  for (const side of Object.values(sides)) await roundOf(side, count, WARM_UP_MS);
  for (let round = 0; round < rounds; round++) {
    for (const [name, side] of Object.entries(sides)) {
      figures[name].push(await roundOf(side, count, seconds * 1000));
    }
  }
  const of = (name, key) => figures[name].map(figure => figure[key]);
  const rows = Object.keys(sides).map(name => {
    const ratios = key => ratiosOf(of(name, key), of('relay', key));
    return {
      label: name,
      side: { relay: 'floor', semilayer: 'ours' }[name] ?? 'peer',
      values: {
        p50: spreadOf(of(name, 'p50')),
        p99: median(of(name, 'p99')),
        rate: spreadOf(of(name, 'rate')),
        p50Ratio: median(ratios('p50')),
        rateRatio: median(ratios('rate')),
        gateway: median(of(name, 'gateway')),
        runner: median(of(name, 'runner')),
      },
    };
  });
  const title = count === 1 ? '1 caller' : `${count} callers`;
  report.add({ name: `callers-${count}`, title, columns: COLUMNS, rows });
  const { p50Ratio, rateRatio } = rows[1].values;
  const { p50, rate } = TARGETS[count] ?? {};
  if (p50) report.target(`${title}: p50 × relay`, `${p50} or less`, p50Ratio.toFixed(2), p50Ratio <= p50);
  if (rate)
    report.target(`${title}: rate × relay`, `${rate} or more`, rateRatio.toFixed(2), rateRatio >= rate);
}

async function startRelay(processes) {
  const gateway = processes.start([path('peers/relay.mjs'), 'gateway']);
  const port = await gateway.line(/^(\d+)$/);
  const runner = processes.start([path('peers/relay.mjs'), 'runner', port]);
  await gateway.line(/(connected)/);
  const url = `http://127.0.0.1:${port}/`;
  return {
    open: connections => asker({ url, headers: {}, connections }),
    body: BODY,
    pids: [gateway.pid, runner.pid],
  };
}

async function startSemilayer(processes, directory) {
  const gateway = await startGateway(processes, directory);
  const { ask, url, headers } = gateway;
  await ask('/v1/sources', { name: 'trivial', bridge: 'trivial', config: { url: 'trivial:' } });
  const { token } = await ask('/v1/runners', { name: 'bench' });
  await ask('/v1/runners/bench/sources', { sources: ['trivial'] });
  const runner = processes.start(
    [path('peers/trivial-runner.mjs'), `${url.replace('http', 'ws')}/connect`, 'bench'],
    { SEMILAYER_RUNNER_TOKEN: token },
  );
  await runner.line(/(connected)/);
  return {
    open: connections => asker({ url: `${url}/v1/sources/trivial/query`, headers, connections }),
    body: BODY,
    pids: [gateway.process.pid, runner.pid],
  };
}
