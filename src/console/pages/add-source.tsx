/** Add source: the bridge says what it needs; the credentials stay with the gateway or with the runner. */
import { useState } from 'preact/hooks';
import { nameProblem } from '../../protocol/names.ts';
import { sourcesChanged } from '../live/fleet.ts';
import { go, hrefOf } from '../route.ts';
import { ask } from '../service/ask.ts';
import { may } from '../service/may.ts';
import type { Bridge, Page, Source } from '../service/records.ts';
import { configOf, type FormValues, fieldsOf } from '../text/bridge-form.ts';
import { sourceVariable } from '../text/env-block.ts';
import { CodeBlock } from '../ui/code-block.tsx';
import { Empty, Loading } from '../ui/empty.tsx';
import { TextField } from '../ui/field.tsx';
import { ErrorNotice } from '../ui/notice.tsx';
import { PageHead } from '../ui/page-head.tsx';
import { useAsked } from '../ui/use-asked.ts';
import { BridgeFields } from './bridge-fields.tsx';

const OTHER = 'other';
const UP = { href: '#/sources', label: 'Sources' };

export function AddSourcePage() {
  const bridges = useAsked(signal => ask<Page<Bridge>>('/v1/bridges', { signal }), []);
  if (!may('operate')) return <Empty title="This key may not add sources" />;
  return (
    <>
      <PageHead name="Add source" title="Add source" up={UP} />
      <ErrorNotice error={bridges.error} />
      {bridges.value ? (
        <NewSourceForm bridges={bridges.value.items} />
      ) : (
        bridges.error === undefined && <Loading what="the bridges" />
      )}
    </>
  );
}

function NewSourceForm({ bridges }: { bridges: readonly Bridge[] }) {
  const [name, setName] = useState('');
  const [chosen, setChosen] = useState(bridges[0]?.packageName ?? OTHER);
  const [packageName, setPackageName] = useState('');
  const [managed, setManaged] = useState(true);
  const [byUrl, setByUrl] = useState(true);
  const [values, setValues] = useState<FormValues>({});
  const [error, setError] = useState<unknown>();
  const [busy, setBusy] = useState(false);
  const bridge = bridges.find(one => one.packageName === chosen);
  const problem = name === '' ? undefined : nameProblem(name);
  const submit = async (event: Event): Promise<void> => {
    event.preventDefault();
    setBusy(true);
    setError(undefined);
    try {
      const fields = fieldsOf(bridge, byUrl);
      await ask<Source>('/v1/sources', {
        method: 'POST',
        body: {
          name,
          bridge: bridge?.packageName ?? packageName.trim(),
          ...(managed
            ? { credentialsLocation: 'managed', config: configOf(fields, values) }
            : { credentialsLocation: 'runner-local' }),
        },
      });
      sourcesChanged();
      go(hrefOf('sources', name, { new: '1' }));
    } catch (thrown) {
      setError(thrown);
      setBusy(false);
    }
  };
  return (
    <form class="form" onSubmit={submit}>
      <TextField
        label="Name"
        placeholder="orders-db"
        required
        value={name}
        onValue={setName}
        error={problem}
      />
      <fieldset class="choices choices-wide">
        <legend>Kind of database</legend>
        {[...bridges, undefined].map(one => (
          <label key={one?.packageName ?? OTHER} class="choice">
            <input
              type="radio"
              name="bridge"
              checked={(one?.packageName ?? OTHER) === chosen}
              onChange={() => {
                setChosen(one?.packageName ?? OTHER);
                setValues({});
              }}
            />
            <span>
              <strong>{one?.displayName ?? 'Another bridge'}</strong>
              <span class="muted">
                {one ? 'Comes with the runner' : 'A package installed beside the runner'}
              </span>
            </span>
          </label>
        ))}
      </fieldset>
      {!bridge && (
        <TextField
          label="Package name of the bridge"
          placeholder="@company/bridge-warehouse"
          required
          value={packageName}
          onValue={setPackageName}
        />
      )}
      <fieldset class="choices choices-wide">
        <legend>Where do its credentials lie?</legend>
        <label class="choice">
          <input type="radio" name="location" checked={managed} onChange={() => setManaged(true)} />
          <span>
            <strong>With the gateway</strong>
            <span class="muted">
              Managed: encrypted at rest, sent to assigned runners, never shown again.
            </span>
          </span>
        </label>
        <label class="choice">
          <input type="radio" name="location" checked={!managed} onChange={() => setManaged(false)} />
          <span>
            <strong>With the runner</strong>
            <span class="muted">Runner-local: the gateway never has them.</span>
          </span>
        </label>
      </fieldset>
      {managed ? (
        <BridgeFields bridge={bridge} byUrl={byUrl} onByUrl={setByUrl} values={values} onValues={setValues} />
      ) : (
        <LocalVariable name={name} placeholder={bridge?.urlPlaceholder ?? '<connection URL>'} />
      )}
      <ErrorNotice error={error} />
      <div class="form-foot">
        <button
          type="submit"
          class="button button-primary"
          disabled={busy || name === '' || problem !== undefined}
        >
          Add source
        </button>
        <a class="button" href="#/sources">
          Cancel
        </a>
      </div>
    </form>
  );
}

/** What to set where the runner starts. */
export function LocalVariable({ name, placeholder }: { name: string; placeholder: string }) {
  const variable = sourceVariable(name === '' ? '<name>' : name);
  return (
    <div class="stack">
      <CodeBlock title="Set where the runner starts" text={`${variable}=${placeholder}`} />
      <p class="hint">
        Or name a file that holds it with <code class="code">{variable}_FILE</code>; it is read again for each
        new connection.
      </p>
    </div>
  );
}
