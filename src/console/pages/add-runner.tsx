/** Add runner: name it, take its env block, start it, watch it come online. */
import { useState } from 'preact/hooks';
import { nameProblem } from '../../protocol/names.ts';
import { keepRunner, runnerById, sources } from '../live/fleet.ts';
import { hrefOf } from '../route.ts';
import { ask } from '../service/ask.ts';
import { may } from '../service/may.ts';
import type { Runner, RunnerWithToken } from '../service/records.ts';
import { gatewayFacts } from '../service/session.ts';
import type { NewRunner } from '../text/env-block.ts';
import { Empty } from '../ui/empty.tsx';
import { TextField } from '../ui/field.tsx';
import { ErrorNotice } from '../ui/notice.tsx';
import { PageHead, Panel } from '../ui/page-head.tsx';
import { Pill } from '../ui/pill.tsx';
import { EnvBlock, StartWays } from '../ui/secret.tsx';
import { SourceTicks } from '../ui/source-ticks.tsx';
import { Name } from '../ui/text.tsx';
import { useOnce } from '../ui/use-once.ts';

const UP = { href: '#/runners', label: 'Runners' };

export function AddRunnerPage() {
  const [made, setMade] = useOnce<NewRunner>();
  if (!may('operate')) return <Empty title="This key may not add runners" />;
  return made === undefined ? <NewRunnerForm onMade={setMade} /> : <Made runner={made} />;
}

function NewRunnerForm({ onMade }: { onMade: (runner: NewRunner) => void }) {
  const [name, setName] = useState('');
  const [ticked, setTicked] = useState<readonly string[]>([]);
  const [error, setError] = useState<unknown>();
  const [busy, setBusy] = useState(false);
  const problem = name === '' ? undefined : nameProblem(name);
  const submit = async (event: Event): Promise<void> => {
    event.preventDefault();
    setBusy(true);
    setError(undefined);
    try {
      onMade(await create(name, ticked));
    } catch (thrown) {
      setError(thrown);
      setBusy(false);
    }
  };
  return (
    <>
      <PageHead name="Add runner" title="Add runner" up={UP} />
      <form class="form" onSubmit={submit}>
        <TextField
          label="Name"
          placeholder="edge-1"
          required
          value={name}
          onValue={setName}
          error={problem}
          hint="Lower-case letters, digits and hyphens. It can be used wherever the ID can."
        />
        <fieldset class="choices">
          <legend>Deployment type</legend>
          <label class="choice">
            <input type="radio" name="type" checked />
            <span>
              <strong>Customer</strong>
              <span class="muted">Runs in your own network, beside the database.</span>
            </span>
          </label>
          <label class="choice choice-off">
            <input type="radio" name="type" disabled />
            <span>
              <strong>SaaS</strong>
              <span class="muted">Run by SemiLayer. Not yet self-service.</span>
            </span>
          </label>
        </fieldset>
        {(sources.value?.length ?? 0) > 0 && (
          <fieldset class="choices">
            <legend>Sources it may be asked about</legend>
            <SourceTicks
              ticked={ticked}
              onTick={(source, on) =>
                setTicked(on ? [...ticked, source] : ticked.filter(one => one !== source))
              }
            />
          </fieldset>
        )}
        <ErrorNotice error={error} />
        <div class="form-foot">
          <button
            type="submit"
            class="button button-primary"
            disabled={busy || name === '' || problem !== undefined}
          >
            Create runner
          </button>
          <a class="button" href="#/runners">
            Cancel
          </a>
        </div>
      </form>
    </>
  );
}

function Made({ runner }: { runner: NewRunner }) {
  const record = runnerById(runner.id);
  const online = record?.status === 'online';
  return (
    <>
      <PageHead
        name={`${runner.name} was created`}
        title={<Name>{runner.name}</Name>}
        up={UP}
        beside={record && <Pill state={record.status} />}
      />
      <ol class="steps">
        <li class="step">
          <h2>Save the env block</h2>
          <EnvBlock runner={runner} />
        </li>
        <li class="step">
          <h2>Start the runner</h2>
          <StartWays runner={runner} />
        </li>
        <li class={`step ${online ? 'step-done' : 'step-waiting'}`}>
          <h2>
            <span role="status">{online ? 'Online' : 'Waiting for it to connect…'}</span>
          </h2>
          <p class="muted">
            {online
              ? `Connected from ${record?.sessions[0]?.remoteAddress ?? 'its network'}, version ${record?.version ?? 'unknown'}.`
              : 'This turns green by itself. The runner says “connected, awaiting jobs” when it is there.'}
          </p>
        </li>
      </ol>
      <Panel title="Then">
        <p>
          {record?.sources.length
            ? 'Its sources are assigned. Test one, or ask it something.'
            : 'Tick the sources it may be asked about.'}{' '}
          Leaving this page forgets the token.
        </p>
        <p class="actions">
          <a class="button button-primary" href={hrefOf('runners', runner.name)}>
            I have saved it: open {runner.name}
          </a>
        </p>
      </Panel>
    </>
  );
}

async function create(name: string, sources: readonly string[]): Promise<NewRunner> {
  const { token, ...record } = await ask<RunnerWithToken>('/v1/runners', {
    method: 'POST',
    body: { name, type: 'customer' },
  });
  keepRunner(record);
  if (sources.length > 0) {
    // The runner and its token exist by now: a source that is gone must not cost them.
    await ask<Runner>(`/v1/runners/${record.id}/sources`, { method: 'POST', body: { sources } }).then(
      keepRunner,
      () => {},
    );
  }
  return { id: record.id, name, token, ...gatewayFacts() };
}
