/** Puts events to what they change, for as long as somebody is signed in. */
import { effect, signal } from '@preact/signals';
import type { ServerEvent } from '../service/lines.ts';
import { may } from '../service/may.ts';
import type { Job } from '../service/records.ts';
import { session } from '../service/session.ts';
import { readRunners, readSources, runnerChanged, runnerRemoved, sourcesChanged } from './fleet.ts';
import { jobChanged, readJobs } from './jobs.ts';
import { follow } from './link.ts';

/** Counts the changes that the audit log may tell of. */
export const recordChanges = signal(0);

export function startLive(): void {
  let stop = new AbortController();
  effect(() => {
    stop.abort();
    stop = new AbortController();
    if (session.value.state !== 'yes') return;
    // A role that may only ask has no events; what it may know it reads when it is needed.
    if (may('read')) void follow({ refresh, events: take }, stop.signal);
    else void readSources().catch(() => {});
  });
}

async function refresh(): Promise<void> {
  await Promise.all([readRunners(), readSources(), readJobs()]);
  recordChanges.value++;
}

function take(events: ServerEvent[]): void {
  let changes = 0;
  for (const { type, data } of events) {
    const event = JSON.parse(data) as { runner?: string; job?: Job };
    if (type === 'job.changed' && event.job) {
      jobChanged(event.job);
      continue;
    }
    changes++;
    if (type === 'runner.changed' && event.runner) runnerChanged(event.runner);
    if (type === 'runner.removed' && event.runner) runnerRemoved(event.runner);
    if (type.startsWith('source.')) sourcesChanged();
  }
  if (changes > 0) recordChanges.value += changes;
}
