/** One source: whether it can be reached, hop by hop, what is in it, and its end. */
import { useState } from 'preact/hooks';
import { keepRunner, runners, sources, sourcesChanged } from '../live/fleet.ts';
import { go, hrefOf } from '../route.ts';
import { ask } from '../service/ask.ts';
import { may } from '../service/may.ts';
import type { Runner, Source } from '../service/records.ts';
import { Confirm } from '../ui/dialog.tsx';
import { Empty, Loading } from '../ui/empty.tsx';
import { ErrorNotice } from '../ui/notice.tsx';
import { PageHead, Panel } from '../ui/page-head.tsx';
import { Pill } from '../ui/pill.tsx';
import { Code, Name } from '../ui/text.tsx';
import { Ago } from '../ui/time.tsx';
import { LocalVariable } from './add-source.tsx';
import { SourceTestPanel } from './source-test.tsx';
import { namesOfRunners } from './sources.tsx';
import { TargetsPanel } from './targets.tsx';

const UP = { href: '#/sources', label: 'Sources' };

export function SourcePage({ name }: { name: string }) {
  const [removing, setRemoving] = useState(false);
  if (sources.value === undefined) return <Loading what="the source" />;
  const source = sources.value.find(one => one.name === name || one.id === name);
  if (!source) {
    return (
      <>
        <PageHead name="No such source" title="No such source" up={UP} />
        <Empty title="It was removed, or never was">
          <p>
            There is no source <Name>{name}</Name>.
          </p>
        </Empty>
      </>
    );
  }
  return (
    <>
      <PageHead
        name={source.name}
        title={<Name>{source.name}</Name>}
        up={UP}
        actions={
          <>
            {may('query') && (
              <a class="button" href={hrefOf('query', undefined, { source: source.name })}>
                Query
              </a>
            )}
            {may('operate') && (
              <button type="button" class="button button-danger-quiet" onClick={() => setRemoving(true)}>
                Remove
              </button>
            )}
          </>
        }
      />
      <dl class="facts">
        <div>
          <dt>Bridge</dt>
          <dd>
            <Code>{source.bridge}</Code>
          </dd>
        </div>
        <div>
          <dt>Credentials</dt>
          <dd>{source.credentialsLocation === 'managed' ? 'managed, with the gateway' : 'runner-local'}</dd>
        </div>
        <div>
          <dt>Added</dt>
          <dd>
            <Ago at={source.createdAt} />
          </dd>
        </div>
      </dl>
      {source.credentialsLocation === 'runner-local' && (
        <LocalVariable name={source.name} placeholder="<connection URL>" />
      )}
      <SourceRunners source={source} />
      {may('query') && <SourceTestPanel source={source} />}
      <TargetsPanel source={source} />
      {removing && <Remove source={source} onClose={() => setRemoving(false)} />}
    </>
  );
}

function SourceRunners({ source }: { source: Source }) {
  const [error, setError] = useState<unknown>();
  const names = namesOfRunners(source);
  const known = runners.value;
  const others = (known ?? []).filter(one => !names.includes(one.name) && one.status !== 'revoked');
  const assign = async (runner: string): Promise<void> => {
    setError(undefined);
    try {
      const path = `/v1/runners/${encodeURIComponent(runner)}/sources`;
      keepRunner(await ask<Runner>(path, { method: 'POST', body: { sources: [source.name] } }));
    } catch (thrown) {
      setError(thrown);
    }
  };
  return (
    <Panel title="Runners">
      {names.length === 0 ? (
        <Empty title="No runner may be asked about it yet">
          {known?.length === 0 && (
            <p>
              <a href="#/new-runner">Add a runner</a> and tick this source.
            </p>
          )}
        </Empty>
      ) : (
        <ul class="runner-list">
          {names.map(name => {
            const runner = known?.find(one => one.name === name);
            return (
              <li key={name}>
                {runner ? (
                  <a href={hrefOf('runners', name)}>
                    <Name>{name}</Name>
                  </a>
                ) : (
                  <Name>{name}</Name>
                )}
                {runner && <Pill state={runner.status} />}
              </li>
            );
          })}
        </ul>
      )}
      {may('operate') && others.length > 0 && (
        <div class="inline-form">
          <select
            aria-label="Assign a runner"
            value=""
            onChange={event => {
              const { value } = event.currentTarget;
              event.currentTarget.value = '';
              if (value !== '') void assign(value);
            }}
          >
            <option value="">Assign a runner…</option>
            {others.map(one => (
              <option key={one.id} value={one.name}>
                {one.name} ({one.status})
              </option>
            ))}
          </select>
        </div>
      )}
      <ErrorNotice error={error} />
    </Panel>
  );
}

function Remove({ source, onClose }: { source: Source; onClose: () => void }) {
  const names = namesOfRunners(source);
  const remove = async (): Promise<void> => {
    const force = names.length > 0 ? '?force=true' : '';
    await ask(`/v1/sources/${encodeURIComponent(source.id)}${force}`, { method: 'DELETE' });
    sourcesChanged();
    go('#/sources');
  };
  return (
    <Confirm
      danger
      title={`Remove ${source.name}`}
      act={names.length > 0 ? 'Remove although assigned' : 'Remove'}
      onAct={remove}
      onClose={onClose}
    >
      {names.length > 0 && (
        <p>
          It is assigned to <strong>{names.join(', ')}</strong>: they can no longer be asked about it, from
          this moment on.
        </p>
      )}
      <p>
        {source.credentialsLocation === 'managed'
          ? 'The stored credentials are wiped. The database itself is not touched.'
          : 'The credentials stay where the runner has them. The database itself is not touched.'}
      </p>
    </Confirm>
  );
}
