/** Ask a source something: pick, filter, run, look, take it along as a command. */
import { useState } from 'preact/hooks';
import { parseExactJson } from '../../platform/exact-json.ts';
import { sources } from '../live/fleet.ts';
import { ask } from '../service/ask.ts';
import type { Page, TargetSchema } from '../service/records.ts';
import { type Condition, whereOf } from '../text/filter.ts';
import { brief } from '../text/plain.ts';
import { asCommand, asCurl, type QueryQuestion } from '../text/question.ts';
import { Chips } from '../ui/chips.tsx';
import { CodeBlock } from '../ui/code-block.tsx';
import { Empty, Loading } from '../ui/empty.tsx';
import { Field, SelectField, TextField } from '../ui/field.tsx';
import { ErrorNotice } from '../ui/notice.tsx';
import { PageHead, Panel } from '../ui/page-head.tsx';
import { useAsked } from '../ui/use-asked.ts';
import { ColumnChoice } from './column-choice.tsx';
import { Conditions } from './conditions.tsx';
import { Results } from './results.tsx';
import { useRun } from './use-run.ts';

const DEFAULT_LIMIT = '100';

export function QueryPage({ query }: { query: URLSearchParams }) {
  const all = sources.value;
  const [source, setSource] = useState(query.get('source') ?? '');
  if (all === undefined) return <Loading what="sources" />;
  const chosen = all.find(({ name }) => name === source) ?? all[0];
  return (
    <>
      <PageHead name="Query" title="Query" />
      {chosen === undefined ? (
        <Empty title="Nothing to ask yet">
          <p>
            <a href="#/new-source">Add a source</a> and tick it for a runner first.
          </p>
        </Empty>
      ) : (
        <QueryForm
          key={chosen.name}
          source={chosen.name}
          sourceNames={all.map(({ name }) => name)}
          onSource={setSource}
          firstTarget={query.get('target') ?? ''}
        />
      )}
    </>
  );
}

function QueryForm(props: {
  source: string;
  sourceNames: readonly string[];
  onSource: (source: string) => void;
  firstTarget: string;
}) {
  const { source, sourceNames, onSource, firstTarget } = props;
  const [picked, setPicked] = useState(firstTarget);
  const [conditions, setConditions] = useState<readonly Condition[]>([]);
  const [json, setJson] = useState<string>();
  const [orderBy, setOrderBy] = useState('');
  const [dir, setDir] = useState<'asc' | 'desc'>('asc');
  const [select, setSelect] = useState<readonly string[]>();
  const [limit, setLimit] = useState(DEFAULT_LIMIT);
  const { run, begin, cancel } = useRun();
  const path = `/v1/sources/${encodeURIComponent(source)}/targets`;
  const targets = useAsked(signal => ask<Page<{ name: string }>>(path, { signal }), [path]);
  const names = targets.value?.items.map(({ name }) => name) ?? [];
  // Never set behind the person's back: names that arrive late must not undo a choice.
  const target = picked === '' ? (names[0] ?? '') : picked;
  const columns = useColumns(path, names.includes(target) ? target : undefined);
  const typeOf = (field: string): string => columns.find(({ name }) => name === field)?.type ?? '';
  const where = json === undefined ? whereOf(conditions, typeOf) : parsedWhere(json);
  const limitProblem = /^\d{0,9}$/.test(limit.trim()) ? undefined : 'A whole number, or empty for all rows.';
  const question: QueryQuestion = {
    target,
    ...(where === undefined || where === 'invalid' ? {} : { where }),
    ...(orderBy === '' ? {} : { orderBy: [{ field: orderBy, dir }] }),
    ...(select === undefined ? {} : { select: [...select] }),
    ...(limit.trim() === '' || limitProblem ? {} : { limit: Number(limit) }),
  };
  const busy = run.state === 'waiting' || run.state === 'streaming';
  const ready = target !== '' && where !== 'invalid' && select?.length !== 0 && !limitProblem;
  const submit = (event: Event): void => {
    event.preventDefault();
    if (ready && !busy) begin(source, question);
  };
  const choose = (next: string): void => {
    setPicked(next);
    setConditions([]);
    setOrderBy('');
    setSelect(undefined);
  };
  return (
    <>
      <form
        class="query-form"
        onSubmit={submit}
        onKeyDown={event => {
          if (event.key === 'Enter' && (event.ctrlKey || event.metaKey)) submit(event);
        }}
      >
        <div class="query-row">
          <SelectField label="Source" value={source} onValue={onSource} options={sourceNames.map(optionOf)} />
          {targets.error === undefined ? (
            <SelectField
              label="Table or view"
              value={target}
              onValue={choose}
              disabled={targets.value === undefined}
              options={
                targets.value === undefined && target === ''
                  ? [{ value: '', label: 'reading names…' }]
                  : [...new Set(target === '' ? names : [...names, target])].map(optionOf)
              }
            />
          ) : (
            <TextField label="Table or view" value={target} onValue={choose} placeholder="orders" />
          )}
          <SelectField
            label="Order by"
            value={orderBy}
            onValue={setOrderBy}
            options={[{ value: '', label: 'as it comes' }, ...columns.map(({ name }) => optionOf(name))]}
          />
          <SelectField
            label="Direction"
            value={dir}
            onValue={value => setDir(value === 'desc' ? 'desc' : 'asc')}
            disabled={orderBy === ''}
            options={[
              { value: 'asc', label: 'ascending' },
              { value: 'desc', label: 'descending' },
            ]}
          />
          <TextField
            label="Limit"
            numeric
            value={limit}
            onValue={setLimit}
            error={limitProblem}
            placeholder="all"
          />
        </div>
        <div class="query-filter">
          <Chips
            legend="Form of the filter"
            value={json === undefined ? 'rows' : 'json'}
            onValue={value =>
              setJson(
                value === 'json' ? JSON.stringify(whereOf(conditions, typeOf) ?? {}, null, 1) : undefined,
              )
            }
            chips={[
              { value: 'rows', label: 'Filter' },
              { value: 'json', label: 'As JSON' },
            ]}
          />
          {json === undefined ? (
            <Conditions
              columns={columns.map(({ name }) => name)}
              conditions={conditions}
              onConditions={setConditions}
            />
          ) : (
            <Field
              label="Where, as JSON"
              error={where === 'invalid' ? 'This is not a JSON object.' : undefined}
              control={wiring => (
                <textarea
                  {...wiring}
                  class="mono"
                  rows={4}
                  spellcheck={false}
                  value={json}
                  onInput={event => setJson(event.currentTarget.value)}
                />
              )}
            />
          )}
        </div>
        {columns.length > 0 && (
          <ColumnChoice columns={columns.map(({ name }) => name)} chosen={select} onChosen={setSelect} />
        )}
        <ErrorNotice error={targets.error} />
        <div class="form-foot">
          {busy ? (
            <button type="button" class="button button-primary" onClick={cancel}>
              Cancel
            </button>
          ) : (
            <button type="submit" class="button button-primary" disabled={!ready}>
              Run query
            </button>
          )}
          <span class="muted keys">Ctrl + Enter runs it</span>
        </div>
      </form>
      <Results run={run} />
      {target !== '' && (
        <Panel title="Take it along">
          <div class="stack">
            <CodeBlock title="CLI" text={asCommand(source, question)} />
            <CodeBlock title="curl" text={asCurl(location.origin, source, question)} />
          </div>
        </Panel>
      )}
    </>
  );
}

/** Read once for each table; a table without them can still be asked. */
function useColumns(path: string, target: string | undefined): TargetSchema['columns'] {
  const schema = useAsked(
    async signal =>
      target === undefined
        ? undefined
        : await ask<TargetSchema>(`${path}/${encodeURIComponent(target)}`, { signal }),
    [path, target],
  );
  return schema.value?.name === target ? (schema.value?.columns ?? []) : [];
}

function parsedWhere(text: string): Record<string, unknown> | undefined | 'invalid' {
  if (text.trim() === '') return undefined;
  try {
    const where = parseExactJson(text);
    return typeof where === 'object' && where !== null && !Array.isArray(where)
      ? (where as Record<string, unknown>)
      : 'invalid';
  } catch {
    return 'invalid';
  }
}

function optionOf(name: string): { value: string; label: string } {
  return { value: name, label: brief(name, 80) };
}
