/** Runners and sources as the gateway has them now. */
import { computed, signal } from '@preact/signals';
import { ask, askAll, isMissing } from '../service/ask.ts';
import type { Runner, Source } from '../service/records.ts';
import { coalesce } from './coalesce.ts';

const runnersById = signal<ReadonlyMap<string, Runner> | undefined>(undefined);

/** By name; undefined until they were first read. */
export const runners = computed(() =>
  runnersById.value === undefined
    ? undefined
    : [...runnersById.value.values()].sort((a, b) => (a.name < b.name ? -1 : 1)),
);

export const sources = signal<readonly Source[] | undefined>(undefined);

/** Names of the runners of each source, from the runners themselves: an assignment changes those. */
export const runnersOfSource = computed(() => {
  const names = new Map<string, string[]>();
  for (const runner of runners.value ?? []) {
    for (const source of runner.sources) names.set(source, [...(names.get(source) ?? []), runner.name]);
  }
  return names;
});

/** An event tells which runner changed, not how. More at once than this, and the whole list is read instead. */
const ONE_BY_ONE = 20;
const EVENT_WAIT_MS = 40;

let changed = new Set<string>();
/** Answers that were under way when a runner went may still have it; an ID never comes back. */
const removed = new Set<string>();

export function runnerNamed(nameOrId: string): Runner | undefined {
  return runnersById.value?.get(nameOrId) ?? runners.value?.find(({ name }) => name === nameOrId);
}

export function runnerById(id: string): Runner | undefined {
  return runnersById.value?.get(id);
}

export async function readRunners(): Promise<void> {
  changed = new Set();
  const all = await askAll<Runner>('/v1/runners');
  runnersById.value = new Map(all.filter(({ id }) => !removed.has(id)).map(runner => [runner.id, runner]));
}

export async function readSources(): Promise<void> {
  sources.value = await askAll<Source>('/v1/sources');
}

/** What a request answered is known at once, before its event. */
export function keepRunner(runner: Runner): void {
  runnersById.value = new Map(runnersById.value).set(runner.id, runner);
}

export function runnerChanged(id: string): void {
  changed.add(id);
  readChanged();
}

export function runnerRemoved(id: string): void {
  removed.add(id);
  const rest = new Map(runnersById.value);
  rest.delete(id);
  runnersById.value = rest;
}

export const sourcesChanged = coalesce(readSources, EVENT_WAIT_MS);

const readChanged = coalesce(async () => {
  if (changed.size > ONE_BY_ONE) return await readRunners();
  const ids = [...changed].filter(id => !removed.has(id));
  changed = new Set();
  const read = await Promise.all(ids.map(id => readRunner(id)));
  const next = new Map(runnersById.value);
  for (const [index, runner] of read.entries()) {
    if (runner && !removed.has(runner.id)) next.set(runner.id, runner);
    else next.delete(ids[index] as string);
  }
  runnersById.value = next;
}, EVENT_WAIT_MS);

async function readRunner(id: string): Promise<Runner | undefined> {
  try {
    return await ask<Runner>(`/v1/runners/${encodeURIComponent(id)}`);
  } catch (error) {
    if (isMissing(error)) return undefined;
    throw error;
  }
}
