/** Jobs as they run: the newest live, older ones by page. */
import { useSignal } from '@preact/signals';
import { useState } from 'preact/hooks';
import { jobs } from '../live/jobs.ts';
import { ask } from '../service/ask.ts';
import { may } from '../service/may.ts';
import type { Job, JobState, Page } from '../service/records.ts';
import { Chips } from '../ui/chips.tsx';
import { Empty, Loading } from '../ui/empty.tsx';
import { SearchField } from '../ui/field.tsx';
import { ErrorNotice } from '../ui/notice.tsx';
import { PageHead } from '../ui/page-head.tsx';
import { labelOf } from '../ui/pill.tsx';
import { JobsTable } from './jobs-table.tsx';

const STATES: JobState[] = ['queued', 'running', 'succeeded', 'failed', 'cancelled'];
const SHOWN = 100;

export function JobsPage() {
  const state = useSignal('all');
  const text = useSignal('');
  const [older, setOlder] = useState<{ items: Job[]; next: string | null } | undefined>();
  const [error, setError] = useState<unknown>();
  const live = jobs.value;
  const wanted = text.value.trim().toLowerCase();
  const matching = (live ?? []).filter(
    job =>
      (state.value === 'all' || job.state === state.value) &&
      `${job.source}/${job.target}`.toLowerCase().includes(wanted),
  );
  const shown = matching.slice(0, SHOWN);
  const known = new Set(shown.map(({ id }) => id));
  const all = [...shown, ...(older?.items ?? []).filter(job => !known.has(job.id))];
  const reset = (): void => {
    setOlder(undefined);
    setError(undefined);
  };
  const readOlder = async (): Promise<void> => {
    setError(undefined);
    try {
      setOlder(await pageAfter(older, shown, state.value, wanted));
    } catch (thrown) {
      setError(thrown);
    }
  };
  return (
    <>
      <PageHead name="Jobs" title="Jobs" />
      {live === undefined ? (
        <Loading what="jobs" />
      ) : live.length === 0 ? (
        <Empty title="No jobs yet">
          <p>Every question to a source is a job. {may('query') && <a href="#/query">Ask one</a>}</p>
        </Empty>
      ) : (
        <>
          <div class="toolbar">
            <Chips
              legend="State"
              value={state.value}
              onValue={value => {
                state.value = value;
                reset();
              }}
              chips={[
                { value: 'all', label: 'All' },
                ...STATES.map(one => ({ value: one, label: labelOf(one) })),
              ]}
            />
            <SearchField
              label="Search source or target"
              value={text.value}
              onValue={value => {
                text.value = value;
                reset();
              }}
            />
          </div>
          {all.length === 0 ? <Empty title="No job is like that" /> : <JobsTable jobs={all} />}
          <ErrorNotice error={error} />
          {older?.next !== null && (
            <p class="more">
              <button type="button" class="button" onClick={() => void readOlder()}>
                Older jobs
              </button>
              <span class="muted">The gateway remembers the last 10,000, until it stops.</span>
            </p>
          )}
        </>
      )}
    </>
  );
}

/** The page after what is shown, without what is shown live already. */
async function pageAfter(
  older: { items: Job[]; next: string | null } | undefined,
  shown: readonly Job[],
  state: string,
  wanted: string,
): Promise<{ items: Job[]; next: string | null }> {
  const query = new URLSearchParams({ limit: String(SHOWN) });
  if (state !== 'all') query.set('status', state);
  if (wanted !== '') query.set('q', wanted);
  if (older?.next) query.set('cursor', older.next);
  const page = await ask<Page<Job>>(`/v1/jobs?${query}`);
  const known = new Set(shown.map(({ id }) => id));
  const fresh = page.items.filter(({ id }) => !known.has(id));
  const result = { items: [...(older?.items ?? []), ...fresh], next: page.nextCursor };
  // The first page is mostly what is live already.
  if (fresh.length === 0 && page.nextCursor !== null) return await pageAfter(result, shown, state, wanted);
  return result;
}
