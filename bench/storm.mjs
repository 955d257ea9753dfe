/**
 * A thousand runners after their gateway was killed: how long after it listens again is each of them back? Its
 * processes are the built program and ten workers of a hundred runners, on this machine together.
 */
import { median, quantile, rounded, spreadOf } from './figures.ts';
import { createRunners, Fleet, now } from './fleet.mjs';
import { restartGateway, startGateway } from './product.mjs';
import { Report } from './report.ts';
import { onStage } from './stage.mjs';

const HOLD_MS = 6_000;
const TARGETS = { p99: 3_000, worst: 5_000 };

const report = new Report('storm', {
  runners: [1_000, 200],
  workers: [10, 4],
  outages: ['5,20', '2'],
  rounds: [3, 1],
});
const { runners: count, workers, outages, rounds } = report.settings;
const fleet = new Fleet();

await onStage(async ({ processes, directory, scope }) => {
  scope.after(() => fleet.stop());
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
  const rows = [];
  for (const outageS of outages.split(',').map(Number)) {
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
      await new Promise(resolve => setTimeout(resolve, HOLD_MS));
    }
    const of = key => spreadOf(figures.map(figure => figure[key]));
    const values = { p50: of('p50'), p99: of('p99'), worst: of('worst') };
    rows.push({ label: `${outageS} s`, side: 'ours', values });
    for (const [key, most] of Object.entries(TARGETS)) {
      const { median: measured } = values[key];
      report.target(
        `${outageS} s away, ${key}`,
        `${most} ms or less`,
        `${rounded(measured)} ms`,
        measured <= most,
      );
    }
  }
  const columns = ['p50', 'p99', 'worst'].map(key => ({ key, title: `${key} ms` }));
  report.add({ name: 'back', title: 'outage', columns, rows });
});
report.finish();
