/** What is in a source: its tables and views, and the columns of each. */
import { useState } from 'preact/hooks';
import { hrefOf } from '../route.ts';
import { ask } from '../service/ask.ts';
import { may } from '../service/may.ts';
import type { Page, Source, TargetSchema } from '../service/records.ts';
import { brief } from '../text/plain.ts';
import { Empty, Loading } from '../ui/empty.tsx';
import { SearchField } from '../ui/field.tsx';
import { Icon } from '../ui/icon.tsx';
import { ErrorNotice } from '../ui/notice.tsx';
import { Panel } from '../ui/page-head.tsx';
import { Code, Name } from '../ui/text.tsx';
import { useAsked } from '../ui/use-asked.ts';

const SEARCH_FROM = 10;

/** Asked for by a press: it is a job on somebody's database, not something to do because a page was opened. */
export function TargetsPanel({ source }: { source: Source }) {
  const [wanted, setWanted] = useState(0);
  return (
    <Panel
      title="Tables and views"
      note={wanted === 0 ? 'Read from the database itself.' : undefined}
      actions={
        <button type="button" class="button" onClick={() => setWanted(wanted + 1)}>
          {wanted === 0 ? 'Browse' : 'Read again'}
        </button>
      }
    >
      {wanted > 0 && <Targets key={wanted} source={source} />}
    </Panel>
  );
}

function Targets({ source }: { source: Source }) {
  const [open, setOpen] = useState<string>();
  const [text, setText] = useState('');
  const path = `/v1/sources/${encodeURIComponent(source.id)}/targets`;
  const targets = useAsked(signal => ask<Page<{ name: string }>>(path, { signal }), [path]);
  if (targets.error !== undefined) return <ErrorNotice error={targets.error} />;
  if (!targets.value) return <Loading what="tables and views" />;
  const { items } = targets.value;
  if (items.length === 0) return <Empty title="The database has no table that this user may see" />;
  const shown = items.filter(({ name }) => name.toLowerCase().includes(text.toLowerCase()));
  return (
    <>
      {items.length > SEARCH_FROM && <SearchField label="Search tables" value={text} onValue={setText} />}
      <ul class="targets">
        {shown.map(({ name }) => (
          <li key={name} class="target">
            <button
              type="button"
              class="target-name"
              aria-expanded={open === name}
              onClick={() => setOpen(open === name ? undefined : name)}
            >
              <Icon name="next" />
              <Name>{name}</Name>
            </button>
            {may('query') && (
              <a
                class="button button-small"
                href={hrefOf('query', undefined, { source: source.name, target: name })}
              >
                Query<span class="unseen"> {brief(name, 80)}</span>
              </a>
            )}
            {open === name && <Columns path={`${path}/${encodeURIComponent(name)}`} />}
          </li>
        ))}
      </ul>
    </>
  );
}

function Columns({ path }: { path: string }) {
  const schema = useAsked(signal => ask<TargetSchema>(path, { signal }), [path]);
  if (schema.error !== undefined) return <ErrorNotice error={schema.error} />;
  if (!schema.value) return <Loading what="columns" />;
  return (
    <table class="table columns">
      <caption class="unseen">Columns</caption>
      <thead>
        <tr>
          <th scope="col">Column</th>
          <th scope="col">Type</th>
          <th scope="col">Null</th>
        </tr>
      </thead>
      <tbody>
        {schema.value.columns.map(column => (
          <tr key={column.name}>
            <th scope="row" class="primary">
              <Name>{column.name}</Name>
              {column.primaryKey && <span class="tag">key</span>}
            </th>
            <td>
              <Code>{column.type}</Code>
            </td>
            <td>{column.nullable ? 'yes' : 'no'}</td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}
