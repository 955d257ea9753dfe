/**
 * From the request that rotates or revokes a token to the close frame at each session it ends, and to the last row that
 * any caller got of them. A thousand sessions: first all of one runner, then each of a runner of its own.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { describeMachine, median, quantile, rounded, table, targets } from './figures.mjs';
import { createRunners, Fleet, now } from './fleet.mjs';
import { Processes } from './processes.mjs';
import { startGateway } from './product.mjs';

const { values } = parseArgs({
  options: { sessions: { type: 'string', default: '1000' }, workers: { type: 'string', default: '10' } },
});
const [count, workers] = [Number(values.sessions), Number(values.workers)];
const CALLERS = 8;
const rows = [];
const verdicts = [];

console.log(`${describeMachine()}: ${count} sessions in ${workers} processes\n`);
for (const change of ['rotate', 'revoke']) await allOfOne(change);
await oneByOne();
console.log(table(['sessions ended', 'p50 ms', 'p99 ms', 'worst ms', 'last row ms'], rows));
console.log(`\n${targets(verdicts)}`);

/** Replicas of one runner, some of them in the middle of an answer. */
async function allOfOne(change) {
  await onStage(['one'], async ({ gateway, fleet, connect, runners }) => {
    const [one] = runners;
    await connect(Array(count).fill(one));
    const callers = Array.from({ length: CALLERS }, () => stream(gateway));
    await Promise.all(callers.map(({ begun }) => begun));
    fleet.clear();
    const asked = now();
    await gateway.ask(`/v1/runners/one/${change}`, {});
    const answered = now() - asked;
    const closed = await fleet.events('closed', count);
    const ended = await Promise.all(callers.map(({ ended }) => ended));
    for (const { failed } of ended)
      if (!failed) throw new Error('an answer of an ended session was complete');
    const lastRow = Math.max(...ended.map(({ lastRowAt }) => lastRowAt)) - asked;
    note(`all of one runner, ${change}`, closed, () => asked, lastRow);
    console.log(`${change} was acknowledged after ${rounded(answered, 1)} ms`);
  });
}

/** A runner each, rotated in turn. */
async function oneByOne() {
  const names = Array.from({ length: count }, (_, at) => `one-${at}`);
  await onStage(names, async ({ gateway, fleet, connect, runners }) => {
    await connect(runners);
    fleet.clear();
    const asked = new Map();
    for (const { id, name } of runners) {
      asked.set(id, now());
      await gateway.ask(`/v1/runners/${name}/rotate`, {});
    }
    note('one of each, rotate', await fleet.events('closed', count), ({ id }) => asked.get(id), undefined);
  });
}

function note(what, closed, askedOf, lastRow) {
  for (const { code } of closed) if (code !== 4401) throw new Error(`closed with ${code}`);
  const delays = closed.map(event => event.at - askedOf(event));
  const p99 = quantile(delays, 0.99);
  rows.push([what, ...[median(delays), p99, Math.max(...delays), lastRow].map(value => rounded(value, 1))]);
  verdicts.push([`${what}, p99`, '100 ms', `${rounded(p99, 1)} ms`, p99 <= 100]);
}

async function onStage(names, play) {
  const directory = await mkdtemp(join(tmpdir(), 'semilayer-revoke-'));
  const processes = new Processes();
  const fleet = new Fleet();
  try {
    const gateway = await startGateway(processes, directory);
    const runners = await createRunners(gateway, names);
    const connect = async sessions => {
      for (let worker = 0; worker < workers; worker++) {
        fleet.start(
          `${gateway.url.replace('http', 'ws')}/connect`,
          sessions.filter((_, at) => at % workers === worker),
        );
      }
      await fleet.events('connected', sessions.length);
    };
    await play({ gateway, fleet, connect, runners });
  } finally {
    await fleet.stop();
    await processes.stop();
    await rm(directory, { recursive: true, force: true });
  }
}

/** A caller of rows without end. */
function stream({ url, headers }) {
  let begin;
  const begun = new Promise(resolve => {
    begin = resolve;
  });
  const ended = (async () => {
    let lastRowAt = 0;
    let tail = '';
    const response = await fetch(`${url}/v1/sources/trivial/query`, {
      method: 'POST',
      headers: { ...headers, accept: 'application/x-ndjson' },
      body: JSON.stringify({ target: 'rows', limit: 1e9, deadlineMs: 600_000 }),
    });
    try {
      for await (const chunk of response.body) {
        tail = Buffer.from(chunk).toString().slice(-300);
        if (tail.includes('{"id":')) lastRowAt = now();
        begin();
      }
      return { lastRowAt, failed: false };
    } catch {
      return { lastRowAt, failed: tail.includes('"code":"runner_failed"') };
    }
  })();
  return { begun, ended };
}
