/**
 * From the request that rotates or revokes a token to the close frame at each session it ends, and to the last row that
 * any caller got of them. A thousand sessions: first all of one runner, held by bare sockets, which shows the gateway's
 * own time; then by runners, of which some are in the middle of an answer, and which have much to do themselves; then
 * each of a runner of its own.
 */
import { median, quantile, rounded } from './figures.ts';
import { createRunners, Fleet, now } from './fleet.mjs';
import { startGateway } from './product.mjs';
import { Report } from './report.ts';
import { onStage } from './stage.mjs';

const CALLERS = 8;
const TARGET_MS = 100;

const report = new Report('revoke', { sessions: [1_000, 100], workers: [10, 2], bare: [2, 2] });
const { sessions: count, workers, bare } = report.settings;
const rows = [];

for (const change of ['rotate', 'revoke']) await bareOfOne(change);
for (const change of ['rotate', 'revoke']) await allOfOne(change);
await oneByOne();
report.add({
  name: 'ended',
  title: 'sessions ended',
  columns: ['p50', 'p99', 'worst', 'last row', 'acknowledged'].map(key => ({
    key,
    title: `${key} ms`,
    digits: 1,
  })),
  rows,
});
report.finish();

/** Sessions of one runner on bare sockets. */
async function bareOfOne(change) {
  await onStage(async ({ processes, directory }) => {
    const gateway = await startGateway(processes, directory);
    const [one] = await createRunners(gateway, ['one']);
    const url = `${gateway.url}/connect`;
    const clients = Array.from({ length: bare }, () => processes.worker('peers/bare-sessions.mjs', []));
    const runners = Array(Math.round(count / bare)).fill(one);
    await Promise.all(clients.map(client => client.ask({ url, runners })));
    const closed = clients.map(client => client.ask({}));
    const asked = now();
    await gateway.ask(`/v1/runners/one/${change}`, {});
    const acknowledged = now() - asked;
    note(`bare sockets of one runner, ${change}`, (await Promise.all(closed)).flat(), () => asked, {
      acknowledged,
    });
  });
}

/** Replicas of one runner, some of them in the middle of an answer. */
async function allOfOne(change) {
  await onFleet(['one'], async ({ gateway, fleet, connect, runners }) => {
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
    note(`all of one runner, ${change}`, closed, () => asked, {
      'last row': lastRow,
      acknowledged: answered,
    });
  });
}

/** A runner each, rotated in turn. */
async function oneByOne() {
  const names = Array.from({ length: count }, (_, at) => `one-${at}`);
  await onFleet(names, async ({ gateway, fleet, connect, runners }) => {
    await connect(runners);
    fleet.clear();
    const asked = new Map();
    for (const { id, name } of runners) {
      asked.set(id, now());
      await gateway.ask(`/v1/runners/${name}/rotate`, {});
    }
    note('one of each, rotate', await fleet.events('closed', count), ({ id }) => asked.get(id));
  });
}

function note(what, closed, askedOf, more = {}) {
  for (const { code } of closed) if (code !== 4401) throw new Error(`closed with ${code}`);
  const delays = closed.map(event => event.at - askedOf(event));
  const p99 = quantile(delays, 0.99);
  const values = { p50: median(delays), p99, worst: Math.max(...delays), ...more };
  rows.push({ label: what, side: 'ours', values });
  report.target(`${what}, p99`, `${TARGET_MS} ms or less`, `${rounded(p99, 1)} ms`, p99 <= TARGET_MS);
}

async function onFleet(names, play) {
  await onStage(async ({ processes, directory, scope }) => {
    const fleet = new Fleet();
    scope.after(() => fleet.stop());
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
  });
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
