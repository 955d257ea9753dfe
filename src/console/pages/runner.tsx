/** One runner: its processes, the sources it may be asked about, what it did, and the end of its token. */
import { useState } from 'preact/hooks';
import { keepRunner, runnerNamed, runners, sources } from '../live/fleet.ts';
import { inFlight, jobs } from '../live/jobs.ts';
import { hrefOf } from '../route.ts';
import { ask } from '../service/ask.ts';
import { may } from '../service/may.ts';
import type { Runner, RunnerSession } from '../service/records.ts';
import { announce } from '../ui/announce.tsx';
import { CopyButton } from '../ui/copy.tsx';
import { Empty, Loading } from '../ui/empty.tsx';
import { ErrorNotice, Notice } from '../ui/notice.tsx';
import { PageHead, Panel } from '../ui/page-head.tsx';
import { Pill } from '../ui/pill.tsx';
import { SourceTicks } from '../ui/source-ticks.tsx';
import { Code, Name } from '../ui/text.tsx';
import { Ago } from '../ui/time.tsx';
import { JobsTable } from './jobs-table.tsx';
import { RunnerActions } from './runner-actions.tsx';

const UP = { href: '#/runners', label: 'Runners' };
const JOBS_SHOWN = 20;

export function RunnerPage({ name }: { name: string }) {
  // By its ID once known, so that a rename elsewhere does not lose the page.
  const [id, setId] = useState<string>();
  const runner = runnerNamed(id ?? name);
  if (runner && id === undefined) setId(runner.id);
  if (runners.value === undefined) return <Loading what="the runner" />;
  if (!runner) return <Gone name={name} />;
  return (
    <>
      <PageHead
        name={runner.name}
        title={<Name>{runner.name}</Name>}
        up={UP}
        beside={<Pill state={runner.status} />}
        actions={may('operate') && <RunnerActions runner={runner} />}
      />
      <Facts runner={runner} />
      <Sessions runner={runner} />
      <Assignments runner={runner} />
      <RecentJobs runner={runner} />
    </>
  );
}

function Facts({ runner }: { runner: Runner }) {
  const { previousFingerprint, previousExpiresAt } = runner;
  return (
    <>
      {previousFingerprint !== null && previousExpiresAt !== null && (
        <Notice tone="info">
          <p>
            Two tokens are valid: the old one, <Code>{previousFingerprint}</Code>, ends{' '}
            <Ago at={previousExpiresAt} />. Sessions that still use it are marked below.
          </p>
        </Notice>
      )}
      <dl class="facts">
        <div>
          <dt>ID</dt>
          <dd>
            <code class="code">{runner.id}</code>
            <CopyButton quiet text={runner.id} label="Copy ID" />
          </dd>
        </div>
        <div>
          <dt>Token</dt>
          <dd>{runner.fingerprint === null ? 'none, revoked' : <Code>{runner.fingerprint}</Code>}</dd>
        </div>
        <div>
          <dt>Type</dt>
          <dd>{runner.type === 'saas' ? 'SaaS' : 'Customer'}</dd>
        </div>
        <div>
          <dt>Version</dt>
          <dd>{runner.version === null ? 'not known yet' : <Name>{runner.version}</Name>}</dd>
        </div>
        <div>
          <dt>Created</dt>
          <dd>
            <Ago at={runner.createdAt} />
          </dd>
        </div>
        <div>
          <dt>Last seen</dt>
          <dd>
            {runner.status === 'online' ? (
              'now'
            ) : runner.lastSeenAt ? (
              <Ago at={runner.lastSeenAt} />
            ) : (
              'never'
            )}
          </dd>
        </div>
      </dl>
    </>
  );
}

function Sessions({ runner }: { runner: Runner }) {
  const { sessions, previousFingerprint } = runner;
  const flying = inFlight.value.get(runner.id) ?? 0;
  return (
    <Panel
      title="Sessions"
      note={flying === 0 ? undefined : `${flying} ${flying === 1 ? 'job' : 'jobs'} in flight`}
    >
      {sessions.length === 0 ? (
        <Empty
          title={runner.status === 'revoked' ? 'Revoked: nothing can connect' : 'No process is connected'}
        >
          {runner.status !== 'revoked' && (
            <p>
              Start one with this runner's env file:{' '}
              <code class="code">npx semilayer run --env-file {runner.name}.env</code>. If it says it is
              connected and is not here, compare its token's fingerprint.{' '}
              <code class="code">semilayer doctor</code> says what is in the way.
            </p>
          )}
        </Empty>
      ) : (
        <table class="table stacked">
          <caption class="unseen">Connected processes</caption>
          <thead>
            <tr>
              <th scope="col">Instance</th>
              <th scope="col">Version</th>
              <th scope="col">Address</th>
              <th scope="col">Token</th>
              <th scope="col">Connected</th>
            </tr>
          </thead>
          <tbody>
            {sessions.map(session => (
              <SessionRow
                key={session.id}
                session={session}
                old={session.fingerprint === previousFingerprint}
              />
            ))}
          </tbody>
        </table>
      )}
    </Panel>
  );
}

function SessionRow({ session, old }: { session: RunnerSession; old: boolean }) {
  return (
    <tr>
      <th scope="row" class="primary">
        <Name>{session.instance ?? session.id}</Name>
      </th>
      <td data-label="Version">
        <Name>{session.version ?? 'not told'}</Name>
      </td>
      <td data-label="Address">
        <Code>{session.remoteAddress}</Code>
      </td>
      <td data-label="Token">
        <Code>{session.fingerprint}</Code>
        {old && <span class="tag tag-warn">old token</span>}
      </td>
      <td data-label="Connected">
        <Ago at={session.connectedAt} />
      </td>
    </tr>
  );
}

function Assignments({ runner }: { runner: Runner }) {
  /** The tick that is being saved: shown as it was made, put back if the service refuses. */
  const [saving, setSaving] = useState<{ source: string; on: boolean }>();
  const [error, setError] = useState<unknown>();
  const others = runner.sources.filter(name => name !== saving?.source);
  const tick = async (source: string, on: boolean): Promise<void> => {
    setSaving({ source, on });
    setError(undefined);
    try {
      const path = `/v1/runners/${runner.id}`;
      const body = { sources: [source] };
      if (on) keepRunner(await ask<Runner>(`${path}/sources`, { method: 'POST', body }));
      else {
        await ask(`${path}/sources`, { method: 'DELETE', body });
        keepRunner(await ask<Runner>(path));
      }
      announce(on ? `${source} assigned` : `${source} unassigned`);
    } catch (thrown) {
      setError(thrown);
    }
    setSaving(undefined);
  };
  return (
    <Panel
      title="Sources"
      note={
        runner.sessions.length > 0
          ? 'A change reaches its processes at once.'
          : 'A change waits for its next start.'
      }
    >
      {sources.value?.length === 0 ? (
        <Empty title="No sources yet">
          <p>
            <a href={hrefOf('new-source')}>Add a source</a>, then tick it here.
          </p>
        </Empty>
      ) : (
        <SourceTicks
          ticked={saving?.on ? [...others, saving.source] : others}
          onTick={tick}
          disabled={saving !== undefined || !may('operate')}
        />
      )}
      <ErrorNotice error={error} />
    </Panel>
  );
}

function RecentJobs({ runner }: { runner: Runner }) {
  const own = (jobs.value ?? []).filter(job => job.runnerId === runner.id).slice(0, JOBS_SHOWN);
  return (
    <Panel title="Recent jobs">
      {own.length === 0 ? (
        <Empty title="None among the latest jobs of this gateway">
          {may('query') && runner.sources[0] !== undefined && (
            <p>
              <a href={hrefOf('query', undefined, { source: runner.sources[0] })}>
                Ask {runner.sources[0]} something
              </a>
            </p>
          )}
        </Empty>
      ) : (
        <JobsTable jobs={own} withoutRunner />
      )}
    </Panel>
  );
}

function Gone({ name }: { name: string }) {
  return (
    <>
      <PageHead name="No such runner" title="No such runner" up={UP} />
      <Empty title="It was deleted, or never was">
        <p>
          There is no runner <Name>{name}</Name>.
        </p>
      </Empty>
    </>
  );
}
