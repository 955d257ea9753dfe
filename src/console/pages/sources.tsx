/** The databases that can be asked, and through whom. */
import { useSignal } from '@preact/signals';
import { runnerNamed, runners, runnersOfSource, sources } from '../live/fleet.ts';
import { hrefOf } from '../route.ts';
import { may } from '../service/may.ts';
import type { Source } from '../service/records.ts';
import { Empty, Loading } from '../ui/empty.tsx';
import { SearchField } from '../ui/field.tsx';
import { Icon } from '../ui/icon.tsx';
import { PageHead } from '../ui/page-head.tsx';
import { shortBridge } from '../ui/source-ticks.tsx';
import { Name, Names } from '../ui/text.tsx';

const RUNNERS_SHOWN = 3;

export function SourcesPage() {
  const text = useSignal('');
  const all = sources.value;
  const wanted = text.value.trim().toLowerCase();
  const shown = (all ?? []).filter(({ name, bridge }) => `${name} ${bridge}`.toLowerCase().includes(wanted));
  return (
    <>
      <PageHead
        name="Sources"
        title="Sources"
        actions={
          may('operate') && (
            <a class="button button-primary" href="#/new-source">
              <Icon name="add" />
              Add source
            </a>
          )
        }
      />
      {all === undefined ? (
        <Loading what="sources" />
      ) : all.length === 0 ? (
        <Empty title="No sources yet">
          <p>
            A source is a database that is read through a runner: what kind it is, and where its credentials
            lie.
          </p>
          {may('operate') && (
            <p>
              <a class="button button-primary" href="#/new-source">
                <Icon name="add" />
                Add your first source
              </a>
            </p>
          )}
        </Empty>
      ) : (
        <>
          <div class="toolbar">
            <SearchField
              label="Search name or bridge"
              value={text.value}
              onValue={value => {
                text.value = value;
              }}
            />
          </div>
          {shown.length === 0 ? <Empty title="No source is like that" /> : <SourcesTable sources={shown} />}
        </>
      )}
    </>
  );
}

function SourcesTable({ sources }: { sources: readonly Source[] }) {
  return (
    <table class="table stacked">
      <caption class="unseen">Sources by name</caption>
      <thead>
        <tr>
          <th scope="col">Name</th>
          <th scope="col">Bridge</th>
          <th scope="col">Credentials</th>
          <th scope="col">Runners</th>
        </tr>
      </thead>
      <tbody>
        {sources.map(source => (
          <tr key={source.id}>
            <th scope="row" class="primary">
              <a class="row-link" href={hrefOf('sources', source.name)}>
                <Name>{source.name}</Name>
              </a>
            </th>
            <td data-label="Bridge">
              <Name>{shortBridge(source.bridge)}</Name>
            </td>
            <td data-label="Credentials">
              {source.credentialsLocation === 'managed' ? 'with the gateway' : 'with the runner'}
            </td>
            <td data-label="Runners">
              <RunnerNames names={namesOfRunners(source)} />
            </td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}

function RunnerNames({ names }: { names: readonly string[] }) {
  if (names.length === 0) return <span class="muted">none assigned</span>;
  const online = names.filter(name => runnerNamed(name)?.status === 'online').length;
  return (
    <span class="names">
      <Names names={names} shown={RUNNERS_SHOWN} />
      {runners.value !== undefined && (
        <span class={online === 0 ? 'tag tag-warn' : 'tag'}>
          {online === 0 ? 'none online' : `${online} online`}
        </span>
      )}
    </span>
  );
}

/** From the runners where they are known: those are live. */
export function namesOfRunners(source: Source): readonly string[] {
  return runners.value === undefined ? source.runners : (runnersOfSource.value.get(source.name) ?? []);
}
