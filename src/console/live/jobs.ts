/** Jobs as they come and end: the newest, and what runs now. */
import { signal } from '@preact/signals';
import { ask, askAll } from '../service/ask.ts';
import type { Job, Page } from '../service/records.ts';
import { coalesce } from './coalesce.ts';

/** What a page can usefully show; older ones are asked for by page. */
const KEPT = 500;
/** Pictures of a busy gateway: ten a second are enough for the eye. */
const SHOW_MS = 100;

const byId = new Map<string, Job>();
const running = new Map<string, string | null>();
/** Events that come while the lists are read may be newer than the lists: they are taken up after them. */
let meanwhile: Job[] | undefined;

/** Newest first; undefined until they were first read. */
export const jobs = signal<readonly Job[] | undefined>(undefined);

/** Jobs in flight by runner. */
export const inFlight = signal<ReadonlyMap<string, number>>(new Map());

export async function readJobs(): Promise<void> {
  meanwhile = [];
  const [recent, active] = await Promise.all([
    ask<Page<Job>>(`/v1/jobs?limit=${KEPT}`),
    askAll<Job>('/v1/jobs', { status: 'running' }),
  ]);
  byId.clear();
  running.clear();
  for (const job of [...recent.items].reverse()) byId.set(job.id, job);
  for (const job of active) running.set(job.id, job.runnerId);
  for (const job of meanwhile ?? []) take(job);
  meanwhile = undefined;
  show();
}

export function jobChanged(job: Job): void {
  meanwhile?.push(job);
  take(job);
  showSoon();
}

function take(job: Job): void {
  // The list may already know how it ended.
  if (byId.get(job.id)?.endedAt && !job.endedAt) return;
  byId.set(job.id, job);
  if (job.state === 'running') running.set(job.id, job.runnerId);
  else running.delete(job.id);
}

const showSoon = coalesce(show, SHOW_MS);

function show(): void {
  for (const id of byId.keys()) {
    if (byId.size <= KEPT) break;
    byId.delete(id);
  }
  jobs.value = [...byId.values()].reverse();
  const counts = new Map<string, number>();
  for (const runnerId of running.values()) {
    if (runnerId !== null) counts.set(runnerId, (counts.get(runnerId) ?? 0) + 1);
  }
  inFlight.value = counts;
}
