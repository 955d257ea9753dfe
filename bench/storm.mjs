/**
 * A thousand runners after their gateway was killed: how long after it listens again is each of them back? Its
 * processes are the built program and ten workers of a hundred runners, on this machine together.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { describeMachine, median, quantile, rounded, table, targets } from './figures.mjs';
import { createRunners, Fleet, now } from './fleet.mjs';
import { Processes } from './processes.mjs';
import { restartGateway, startGateway } from './product.mjs';

const { values } = parseArgs({
  options: {
    runners: { type: 'string', default: '1000' },
    workers: { type: 'string', default: '10' },
    outages: { type: 'string', default: '5,20' },
    rounds: { type: 'string', default: '3' },
  },
});
const [count, workers, rounds] = [Number(values.runners), Number(values.workers), Number(values.rounds)];
const directory = await mkdtemp(join(tmpdir(), 'semilayer-storm-'));
const processes = new Processes();
const fleet = new Fleet();

try {
  let gateway = await startGateway(processes, directory);
  const runners = await createRunners(
    gateway,
    Array.from({ length: count }, (_, at) => `storm-${at}`),
  );
  const gatewayUrl = `${gateway.url.replace('http', 'ws')}/connect`;
  for (let worker = 0; worker < workers; worker++) {
    fleet.start(
      gatewayUrl,
      runners.filter((_, at) => at % workers === worker),
    );
  }
  await fleet.events('connected', count);
  console.log(`${describeMachine()}: ${count} runners in ${workers} processes, ${rounds} rounds, medians\n`);
  const rows = [];
  const verdicts = [];
  for (const outageS of values.outages.split(',').map(Number)) {
    const figures = [];
    for (let round = 0; round < rounds; round++) {
      fleet.clear();
      await gateway.process.end('SIGKILL');
      await new Promise(resolve => setTimeout(resolve, outageS * 1_000));
      gateway = await restartGateway(processes, directory, gateway);
      const listening = now();
      const back = await fleet.events('connected', count);
      const delays = back.map(({ at }) => at - listening);
      figures.push({ p50: median(delays), p99: quantile(delays, 0.99), worst: Math.max(...delays) });
      // So that each round begins with connections that have held.
      await new Promise(resolve => setTimeout(resolve, 6_000));
    }
    const of = key => median(figures.map(figure => figure[key]));
    rows.push([`${outageS} s`, ...['p50', 'p99', 'worst'].map(key => rounded(of(key)))]);
    verdicts.push([`${outageS} s away, p99`, '3,000 ms', `${rounded(of('p99'))} ms`, of('p99') <= 3_000]);
    verdicts.push([
      `${outageS} s away, worst`,
      '5,000 ms',
      `${rounded(of('worst'))} ms`,
      of('worst') <= 5_000,
    ]);
  }
  console.log(table(['outage', 'p50 ms', 'p99 ms', 'worst ms'], rows));
  console.log(`\n${targets(verdicts)}`);
} finally {
  await fleet.stop();
  await processes.stop();
  await rm(directory, { recursive: true, force: true });
}
