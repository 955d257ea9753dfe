/** The fleet: who is there, who is not, and what each one is doing. */
import { useComputed, useSignal } from '@preact/signals';
import { runners } from '../live/fleet.ts';
import { inFlight } from '../live/jobs.ts';
import { hrefOf } from '../route.ts';
import { may } from '../service/may.ts';
import type { Runner, RunnerStatus } from '../service/records.ts';
import { Chips } from '../ui/chips.tsx';
import { Empty, Loading } from '../ui/empty.tsx';
import { SearchField } from '../ui/field.tsx';
import { Icon } from '../ui/icon.tsx';
import { memo } from '../ui/memo.tsx';
import { PageHead } from '../ui/page-head.tsx';
import { labelOf, Pill } from '../ui/pill.tsx';
import { Name, Names } from '../ui/text.tsx';
import { Ago } from '../ui/time.tsx';
import { useGrowing } from '../ui/use-growing.ts';

const STATUSES: RunnerStatus[] = ['online', 'draining', 'offline', 'never connected', 'revoked'];
/** Source names that a row shows; the rest is a number. */
const SOURCES_SHOWN = 3;

export function RunnersPage() {
  const status = useSignal('all');
  const text = useSignal('');
  const counts = useComputed(() => {
    const all = new Map<string, number>();
    for (const runner of runners.value ?? []) all.set(runner.status, (all.get(runner.status) ?? 0) + 1);
    return all;
  });
  const shown = useComputed(() => {
    const wanted = text.value.trim().toLowerCase();
    return (runners.value ?? []).filter(
      runner =>
        (status.value === 'all' || runner.status === status.value) &&
        (wanted === '' || matches(runner, wanted)),
    );
  });
  const all = runners.value;
  return (
    <>
      <PageHead
        name="Runners"
        title="Runners"
        actions={
          may('operate') && (
            <a class="button button-primary" href="#/new-runner">
              <Icon name="add" />
              Add runner
            </a>
          )
        }
      />
      {all === undefined ? (
        <Loading what="runners" />
      ) : all.length === 0 ? (
        <NoRunners />
      ) : (
        <>
          <div class="toolbar">
            <Chips
              legend="Status"
              value={status.value}
              onValue={value => {
                status.value = value;
              }}
              chips={[
                { value: 'all', label: 'All', count: all.length },
                ...STATUSES.filter(one => counts.value.has(one) || one === status.value).map(one => ({
                  value: one,
                  label: labelOf(one),
                  count: counts.value.get(one) ?? 0,
                })),
              ]}
            />
            <SearchField
              label="Search name, source, version"
              value={text.value}
              onValue={value => {
                text.value = value;
              }}
            />
          </div>
          {shown.value.length === 0 ? (
            <Empty title="No runner is like that">
              <p>Choose another status, or search for less.</p>
            </Empty>
          ) : (
            <RunnersTable key={`${status.value} ${text.value}`} runners={shown.value} />
          )}
        </>
      )}
    </>
  );
}

function RunnersTable({ runners }: { runners: readonly Runner[] }) {
  const flying = inFlight.value;
  const drawn = useGrowing(runners.length);
  return (
    <table class="table stacked runners-table">
      <caption class="unseen">Runners by name</caption>
      <thead>
        <tr>
          <th scope="col">Name</th>
          <th scope="col">Status</th>
          <th scope="col">Sources</th>
          <th scope="col">Version</th>
          <th scope="col" class="number">
            Sessions
          </th>
          <th scope="col" class="number">
            In flight
          </th>
          <th scope="col">Last seen</th>
        </tr>
      </thead>
      <tbody>
        {runners.slice(0, drawn).map(runner => (
          <RunnerRow key={runner.id} runner={runner} inFlight={flying.get(runner.id) ?? 0} />
        ))}
      </tbody>
    </table>
  );
}

const RunnerRow = memo(({ runner, inFlight }: { runner: Runner; inFlight: number }) => (
  <tr>
    <th scope="row" class="primary">
      <a class="row-link" href={hrefOf('runners', runner.name)}>
        <Name>{runner.name}</Name>
      </a>
    </th>
    <td class="status">
      <Pill state={runner.status} />
    </td>
    <td data-label="Sources">
      {runner.sources.length === 0 ? (
        <span class="muted">none assigned</span>
      ) : (
        <Names names={runner.sources} shown={SOURCES_SHOWN} />
      )}
    </td>
    <td data-label="Version">{runner.version ? <Name>{runner.version}</Name> : <None />}</td>
    <td data-label="Sessions" class="number">
      {runner.sessions.length === 0 ? <None /> : runner.sessions.length}
    </td>
    <td data-label="In flight" class="number">
      {inFlight === 0 ? <None /> : inFlight}
    </td>
    <td data-label="Last seen">
      {runner.status === 'online' ? 'now' : runner.lastSeenAt ? <Ago at={runner.lastSeenAt} /> : <None />}
    </td>
  </tr>
));

export function None() {
  return (
    <span class="none">
      <span aria-hidden="true">–</span>
      <span class="unseen">none</span>
    </span>
  );
}

function NoRunners() {
  return (
    <Empty title="No runners yet">
      <p>
        A runner is a small process beside your database. It dials out to this gateway, waits for questions
        and sends the rows back; nothing dials in, and the credentials can stay with it.
      </p>
      {may('operate') ? (
        <p>
          <a class="button button-primary" href="#/new-runner">
            <Icon name="add" />
            Add your first runner
          </a>
        </p>
      ) : (
        <p>Ask somebody with the role operator or admin to add one.</p>
      )}
    </Empty>
  );
}

function matches(runner: Runner, wanted: string): boolean {
  return [runner.name, runner.id, runner.version ?? '', ...runner.sources].some(one =>
    one.toLowerCase().includes(wanted),
  );
}
