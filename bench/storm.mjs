/**
 * A thousand runners, and ten thousand, after their gateway was killed: how long after it listens again is each of them
 * back? Its processes are the built program and some workers that share the runners, on this machine together.
 */
import { median, quantile, rounded, spreadOf } from './figures.ts';
import { createRunners, Fleet, now } from './fleet.mjs';
import { restartGateway, startGateway } from './product.mjs';
import { Report } from './report.ts';
import { onStage } from './stage.mjs';

const HOLD_MS = 6_000;
const TARGETS = { p99: 3_000, worst: 5_000 };

const report = new Report('storm', {
  runners: ['1000,10000', '200'],
  workers: [10, 4],
  outages: ['5,20', '2'],
  rounds: [3, 1],
});
const { runners: counts, workers, outages, rounds } = report.settings;
const rows = [];

for (const count of counts.split(',').map(Number)) await measure(count);
const columns = ['p50', 'p99', 'worst'].map(key => ({ key, title: `${key} ms` }));
report.add({ name: 'back', title: 'outage', columns, rows });
report.finish();

async function measure(count) {
  await onStage(async ({ processes, directory, scope }) => {
    const fleet = new Fleet();
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
    for (const outageS of outages.split(',').map(Number)) {
      const figures = [];
      for (let round = 0; round < rounds; round++) {
        fleet.clear();
        await gateway.process.end('SIGKILL');
        await new Promise(resolve => setTimeout(resolve, outageS * 1_000));
        gateway = await restartGateway(processes, directory, gateway);
        const listening = now();
        const back = await fleet.events('connected', count);
        figures.push(back.map(({ at }) => at - listening));
        // So that each round begins with connections that have held.
        await new Promise(resolve => setTimeout(resolve, HOLD_MS));
      }
      note(`${count.toLocaleString('en')} runners, ${outageS} s away`, figures);
    }
  });
}

/** Of each round the delays of all runners. */
function note(label, figures) {
  const values = {
    p50: spreadOf(figures.map(median)),
    p99: spreadOf(figures.map(delays => quantile(delays, 0.99))),
    worst: spreadOf(figures.map(delays => quantile(delays, 1))),
  };
  rows.push({ label, side: 'ours', values });
  for (const [key, most] of Object.entries(TARGETS)) {
    const { median: measured } = values[key];
    report.target(`${label}, ${key}`, `${most} ms or less`, `${rounded(measured)} ms`, measured <= most);
  }
}
