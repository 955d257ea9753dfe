/**
 * Two replicas of a runner, restarted in turn as an orchestrator does, while questions keep coming at a fixed rate: how
 * many fail, and how long do they take? Each answer must be the whole of its rows.
 */
import { once } from 'node:events';
import { Agent, request } from 'node:http';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { writeSampleDatabase } from '../src/bridges/sample-data.ts';
import { median, quantile, rounded } from './figures.ts';
import { startGateway } from './product.mjs';
import { BIN } from './program.mjs';
import { Report } from './report.ts';
import { onStage } from './stage.mjs';

const ROWS = 500;

const report = new Report('restart', { minutes: [10, 0.2], rate: [200, 100], every: [5, 1] });
/** `every` so many seconds one of the two is restarted. */
const { minutes, rate, every } = report.settings;

await onStage(async ({ processes, directory }) => {
  const gateway = await startGateway(processes, directory);
  const file = join(directory, 'shop.db');
  await writeSampleDatabase(file, { rows: ROWS });
  await gateway.ask('/v1/sources', { name: 'shop', bridge: 'sqlite', config: { url: `file:${file}` } });
  const { token } = await gateway.ask('/v1/runners', { name: 'edge' });
  await gateway.ask('/v1/runners/edge/sources', { sources: ['shop'] });
  const begin = async () => {
    const runner = processes.start([BIN, 'run'], {
      SEMILAYER_CONFIG_DIR: join(directory, 'config'),
      SEMILAYER_RUNNER_ID: 'edge',
      SEMILAYER_RUNNER_TOKEN: token,
      SEMILAYER_GATEWAY_URL: `${gateway.url.replace('http', 'ws')}/connect`,
    });
    await runner.line(/(connected, awaiting jobs)/);
    return runner;
  };
  const replicas = [await begin(), await begin()];
  const load = callers(gateway);
  const endsAt = performance.now() + minutes * 60_000;
  let restarts = 0;
  while (performance.now() < endsAt) {
    for (const at of replicas.keys()) {
      await replicas[at].end('SIGTERM');
      replicas[at] = await begin();
      restarts++;
      await setTimeout(every * 1_000);
    }
  }
  const { latencies, failures } = await load.stop();
  const p99 = quantile(latencies, 0.99);
  report.add({
    name: 'restart',
    title: 'questions',
    columns: [
      { key: 'restarts', title: 'restarts' },
      { key: 'answered', title: 'answered' },
      { key: 'failed', title: 'failed' },
      { key: 'p50', title: 'p50 ms', digits: 1 },
      { key: 'p99', title: 'p99 ms', digits: 1 },
    ],
    rows: [
      {
        label: `${rate} a second, for ${minutes} min`,
        side: 'ours',
        values: {
          restarts,
          answered: latencies.length,
          failed: failures.length,
          p50: median(latencies),
          p99,
        },
      },
    ],
    ...(failures.length > 0 ? { note: `The first failure: ${failures[0]}` } : {}),
  });
  report.target('failed', 'none', rounded(failures.length), failures.length === 0);
});
report.finish();

/** Asks at the rate whatever the answers take: a slow one holds no other back. */
function callers({ url, headers }) {
  const agent = new Agent({ keepAlive: true });
  const latencies = [];
  const failures = [];
  const open = new Set();
  const body = JSON.stringify({ target: 'orders', where: { status: 'shipped' }, limit: 50 });
  const ask = async () => {
    const asked = performance.now();
    const sent = request(`${url}/v1/sources/shop/query`, { method: 'POST', headers, agent });
    sent.end(body);
    const [response] = await once(sent, 'response').catch(error => {
      const way = sent.reusedSocket ? 'a connection used before' : 'a new connection';
      throw new Error(
        `${error.message}, on ${way}, ${Math.round(performance.now() - asked)} ms after it was asked`,
      );
    });
    let text = '';
    for await (const chunk of response.setEncoding('utf8')) text += chunk;
    if (response.statusCode !== 200) throw new Error(`${response.statusCode} ${text.slice(0, 300)}`);
    const { rows, meta } = JSON.parse(text);
    if (rows.length !== 50 || meta.count !== 50) throw new Error(`${rows.length} rows`);
    latencies.push(performance.now() - asked);
  };
  const began = performance.now();
  let asked = 0;
  const timer = setInterval(() => {
    // A timer that came late has several to ask: the rate is what was promised.
    for (const due = ((performance.now() - began) * rate) / 1_000; asked < due; asked++) {
      const one = ask()
        .catch(error => failures.push(error.message))
        .finally(() => open.delete(one));
      open.add(one);
    }
  }, 1_000 / rate);
  return {
    async stop() {
      clearInterval(timer);
      await Promise.all(open);
      agent.destroy();
      return { latencies, failures };
    },
  };
}
