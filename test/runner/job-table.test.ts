/** The jobs of one connection, on a clock that the test turns: what is left of them when the connection is gone. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { BridgeClass } from '../../src/bridges/bridge.ts';
import { Deadlines } from '../../src/platform/deadlines.ts';
import type { AssignedSource, ServerJob } from '../../src/protocol/frames.ts';
import { JobSlots } from '../../src/runner/job-slots.ts';
import { JobTable } from '../../src/runner/job-table.ts';
import { SourcePool } from '../../src/runner/source-pool.ts';
import { FakeClock, settle } from '../support/fake-clock.ts';

const SOURCE: AssignedSource = {
  id: 's1',
  name: 'shop',
  bridge: 'hanging',
  credentialsLocation: 'managed',
  config: {},
};

const job = (id: string): ServerJob => ({
  type: 'job',
  id,
  params: { source: SOURCE, job: { kind: 'count', target: 'orders', options: {} } },
  deadlineMs: 30_000,
});

/** Jobs of a gateway that wants to hear within 2 s that they were taken, whose database never answers. */
function table(): { clock: FakeClock; jobs: JobTable; sent: string[] } {
  const clock = new FakeClock();
  const deadlines = new Deadlines(clock);
  class Hanging {
    async connect(): Promise<void> {
      await new Promise(() => {});
    }
    async disconnect(): Promise<void> {}
  }
  const sent: string[] = [];
  const jobs = new JobTable({
    wire: { send: data => void sent.push(JSON.parse(String(data)).type), writable: async () => {} },
    pool: new SourcePool({
      clock,
      resolveBridge: () => Hanging as unknown as BridgeClass,
      localConfig: () => Promise.reject(new Error('no runner-local sources here')),
    }),
    clock,
    deadlines,
    slots: new JobSlots({ concurrency: 16, concurrencyOf: () => 16 }),
    acceptMs: 2_000,
    credit: undefined,
    rawRows: false,
    onEvent: () => {},
  });
  jobs.assign([SOURCE]);
  return { clock, jobs, sent };
}

test('a lost connection leaves no timer of its own behind: of deadlines the runner has one, whatever comes and goes', async () => {
  const { clock, jobs, sent } = table();
  jobs.begin(job('one'));
  jobs.begin(job('two'));
  await settle();
  // One for all deadlines, and one for all that is to be accepted.
  assert.equal(clock.pending, 2);
  jobs.close();
  await settle();
  assert.equal(clock.pending, 1);
  await clock.advance(60_000);
  assert.equal(clock.pending, 0);
  assert.deepEqual(sent, []);
});

test('jobs that came together are accepted together, once', async () => {
  const { clock, jobs, sent } = table();
  jobs.begin(job('one'));
  await clock.advance(249);
  jobs.begin(job('two'));
  assert.deepEqual(sent, []);
  await clock.advance(1);
  assert.deepEqual(sent, ['accept', 'accept']);
  assert.equal(clock.pending, 1);
  jobs.close();
  await clock.advance(60_000);
  assert.deepEqual(sent, ['accept', 'accept']);
});
