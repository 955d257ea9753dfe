/**
 * A runner that is killed when it has the job and before it has sent a row, with a survivor: what the caller waits
 * longer than for an answer of the survivor alone.
 */
import { median, quantile, rounded } from './figures.ts';
import { createRunners, Fleet, now } from './fleet.mjs';
import { startGateway } from './product.mjs';
import { Report } from './report.ts';
import { onStage } from './stage.mjs';

const TARGET_MS = 250;

const report = new Report('failover', { kills: [200, 10] });
const { kills } = report.settings;
const fleet = new Fleet();

await onStage(async ({ processes, directory, scope }) => {
  scope.after(() => fleet.stop());
  const gateway = await startGateway(processes, directory);
  const [runner] = await createRunners(gateway, ['edge']);
  const gatewayUrl = `${gateway.url.replace('http', 'ws')}/connect`;
  const connect = async options => {
    fleet.clear();
    const worker = fleet.start(gatewayUrl, [runner], options);
    await fleet.events('connected', 1);
    return worker;
  };
  const ask = async () => {
    const { rows } = await gateway.ask('/v1/sources/trivial/query', { target: 'hang' });
    if (rows.length !== 1) throw new Error(`${rows.length} rows`);
    return now();
  };
  await connect({ answers: true });
  const alone = [];
  for (let n = 0; n < kills; n++) {
    const asked = now();
    alone.push((await ask()) - asked);
  }
  const usual = median(alone);
  const added = [];
  while (added.length < kills) {
    const victim = await connect();
    // By lot the survivor may be given the job; then it is answered, and the next may be the victim's.
    for (;;) {
      fleet.clear();
      const answer = ask();
      const taken = await Promise.race([fleet.events('job', 1), answer.then(() => undefined)]);
      if (!taken) continue;
      const killed = now();
      victim.kill('SIGKILL');
      added.push((await answer) - killed - usual);
      break;
    }
  }
  const p99 = quantile(added, 0.99);
  const ms = (key, title) => ({ key, title, digits: 1 });
  report.add({
    name: 'added',
    title: 'answer',
    columns: [ms('p50', 'p50 ms'), ms('p99', 'p99 ms'), ms('worst', 'worst ms')],
    rows: [
      {
        label: 'of the survivor alone',
        side: 'floor',
        values: { p50: usual, p99: quantile(alone, 0.99), worst: Math.max(...alone) },
      },
      {
        label: 'added by the kill',
        side: 'ours',
        values: { p50: median(added), p99, worst: Math.max(...added) },
      },
    ],
  });
  report.target('added, p99', `${TARGET_MS} ms or less`, `${rounded(p99, 1)} ms`, p99 <= TARGET_MS);
});
report.finish();
