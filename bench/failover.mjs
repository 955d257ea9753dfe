/**
 * A runner that is killed when it has the job and before it has sent a row, with a survivor: what the caller waits
 * longer than for an answer of the survivor alone.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { describeMachine, median, quantile, rounded, table, targets } from './figures.mjs';
import { createRunners, Fleet, now } from './fleet.mjs';
import { Processes } from './processes.mjs';
import { startGateway } from './product.mjs';

const { values } = parseArgs({ options: { kills: { type: 'string', default: '200' } } });
const kills = Number(values.kills);
const directory = await mkdtemp(join(tmpdir(), 'semilayer-failover-'));
const processes = new Processes();
const fleet = new Fleet();

try {
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
  console.log(
    `${describeMachine()}: ${kills} runners killed before their first row, none of the callers noticed\n`,
  );
  const p99 = quantile(added, 0.99);
  const figures = [usual, median(added), p99, Math.max(...added)].map(value => rounded(value, 1));
  console.log(
    table(['', 'p50 alone ms', 'added p50 ms', 'added p99 ms', 'added worst ms'], [['answer', ...figures]]),
  );
  console.log(`\n${targets([['added, p99', '250 ms', `${rounded(p99, 1)} ms`, p99 <= 250]])}`);
} finally {
  await fleet.stop();
  await processes.stop();
  await rm(directory, { recursive: true, force: true });
}
