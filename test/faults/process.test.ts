/** Processes that stop, block and come back: the jobs of others do not wait for them, and nothing of theirs is mixed in. */
import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import type { DemoProcess } from '../../src/commands/demo-process.ts';
import { FakeClock, settle } from '../support/fake-clock.ts';
import { openGateway, type TestGateway } from '../support/gateway.ts';
import { askRows, checkHistory } from '../support/history.ts';
import { runnerProcess } from '../support/runner-process.ts';

interface Pair {
  gateway: TestGateway;
  clock: FakeClock;
  /** Has the job of `answer`, and goes silent. */
  silent: DemoProcess;
  start(): Promise<DemoProcess>;
}

/** A gateway on a clock of the test's, and a runner process that the others will outlive. */
async function pair(t: TestContext): Promise<Pair> {
  const clock = new FakeClock();
  const gateway = await openGateway(t, { clock });
  const { token } = await gateway.shop({ rows: 1 });
  const runner = { gatewayUrl: gateway.connectUrl, runnerId: 'edge', authToken: token, scripted: true };
  const start = (): Promise<DemoProcess> => runnerProcess(t, [runner]);
  return { gateway, clock, silent: await start(), start };
}

/** Lets so many seconds pass in which one runner is silent; the other one is heard all along. */
async function silence({ gateway, clock }: Pair, seconds: number): Promise<void> {
  for (let second = 0; second < seconds; second++) {
    // The job has a minute, and each of these is answered by the one that is not silent.
    const { status } = await gateway.ask('POST', '/v1/sources/shop/count', { target: 'rows' });
    assert.equal(status, 200);
    await clock.advance(1_000);
  }
}

/** Sessions that the gateway takes for open. */
async function sessions({ gateway }: Pair): Promise<number> {
  return (await gateway.ask('GET', '/v1/runners/edge')).json.sessions.length;
}

const question = { source: 'shop', target: 'rows', limit: 1_000, deadlineMs: 60_000 };

for (const [fault, stop, goOn] of [
  ['SIGSTOP for a minute', 'SIGSTOP', 'SIGCONT'],
  ['an event loop blocked for a minute', 'SIGUSR2', undefined],
] as const) {
  test(`${fault}: a job not taken moves in 2 s, the link is dead in 7 s, what comes late is nobody's`, async t => {
    const the = await pair(t);
    const { gateway, silent } = the;
    silent.kill(stop);
    if (stop === 'SIGUSR2') await silent.line(/^blocked$/);
    const answer = askRows({ url: gateway.gateway.url, key: gateway.key }, question);
    await placed(gateway, 1);
    const survivor = await the.start();
    await silence(the, 1);
    assert.equal(await attemptsOf(gateway), 1);
    await silence(the, 1);
    const seen = await answer;
    checkHistory(seen, { total: 1_000 });
    assert.equal(seen.ending, 'complete');
    assert.deepEqual(new Set(seen.rows.map(row => row.origin)), new Set([`${survivor.pid}/0`]));
    assert.equal(await attemptsOf(gateway), 2);
    // Until it says that it has let go of the job, its link has the time of one with a job under way.
    await silence(the, 4);
    assert.equal(await sessions(the), 2);
    await silence(the, 1);
    assert.equal(await sessions(the), 1);
    if (goOn === undefined) return;
    // It wakes, answers a job that is not its own any more, learns that it was given up, and is back at once.
    silent.kill(goOn);
    await silent.line(/^disconnected edge: .*4408/);
    await silent.line(/^connected edge$/, 2);
    const { status } = await gateway.ask('POST', '/v1/sources/shop/count', { target: 'rows' });
    assert.equal(status, 200);
  });
}

test('SIGSTOP after the first rows: the link is dead in 7 s, and the caller told that they are not all', async t => {
  const the = await pair(t);
  const { gateway, silent } = the;
  let received = 0;
  const answer = askRows(
    { url: gateway.gateway.url, key: gateway.key },
    { ...question, target: 'hold' },
    rows => {
      received = rows;
    },
  );
  while (received === 0) await settle();
  silent.kill('SIGSTOP');
  await the.start();
  await silence(the, 6);
  assert.equal(await sessions(the), 2);
  await silence(the, 1);
  assert.equal(await sessions(the), 1);
  const seen = await answer;
  checkHistory(seen, { total: 1_000, codes: ['runner_failed'] });
  assert.equal(seen.ending, 'failed');
  assert.equal(seen.rows.length, 50);
});

/** Attempts of the job that a runner went silent with. */
async function attemptsOf(gateway: TestGateway): Promise<unknown> {
  const { items } = (await gateway.ask('GET', '/v1/jobs')).json;
  return items.find(job => job.kind === 'query')?.attempts;
}

/** Waits until the gateway has given out that many jobs. */
async function placed(gateway: TestGateway, jobs: number): Promise<void> {
  for (;;) {
    const { items } = (await gateway.ask('GET', '/v1/jobs')).json;
    if (items.filter(job => Number(job.attempts) > 0).length >= jobs) return;
    await settle();
  }
}
