/** The audit log: who did what to which record, and when. */
import { useEffect, useState } from 'preact/hooks';
import { runnerById, sources } from '../live/fleet.ts';
import { recordChanges } from '../live/start.ts';
import { hrefOf } from '../route.ts';
import { ask } from '../service/ask.ts';
import type { AuditEntry, Page } from '../service/records.ts';
import { detailsOf, verbOf } from '../text/audit.ts';
import { clockTime, exactTime } from '../text/time.ts';
import { Empty, Loading } from '../ui/empty.tsx';
import { SearchField } from '../ui/field.tsx';
import { ErrorNotice } from '../ui/notice.tsx';
import { PageHead } from '../ui/page-head.tsx';
import { Name, Said } from '../ui/text.tsx';

const PAGE = 100;
const CHANGE_WAIT_MS = 150;

export function ActivityPage() {
  const [text, setText] = useState('');
  const [pages, setPages] = useState<Page<AuditEntry> | undefined>();
  const [error, setError] = useState<unknown>();
  const changes = recordChanges.value;
  useEffect(() => {
    let over = false;
    // Typing and bursts of changes share one request.
    const timer = setTimeout(() => {
      read(text).then(
        page => over || setPages(before => joined(page, text === '' ? before : undefined)),
        thrown => over || setError(thrown),
      );
    }, CHANGE_WAIT_MS);
    return () => {
      over = true;
      clearTimeout(timer);
    };
  }, [text, changes]);
  const more = async (): Promise<void> => {
    const page = await read(text, pages?.nextCursor ?? undefined);
    setPages({ items: [...(pages?.items ?? []), ...page.items], nextCursor: page.nextCursor });
  };
  return (
    <>
      <PageHead name="Activity" title="Activity" />
      <div class="toolbar">
        <SearchField label="Search by name" value={text} onValue={setText} />
      </div>
      <ErrorNotice error={error} />
      {pages === undefined ? (
        <Loading what="the audit log" />
      ) : pages.items.length === 0 ? (
        <Empty
          title={text === '' ? 'Nothing was changed yet' : 'Nothing was done to a record of that name'}
        />
      ) : (
        <>
          <ol class="activity">
            {pages.items.map(entry => (
              <Entry key={entry.id} entry={entry} />
            ))}
          </ol>
          {pages.nextCursor !== null && (
            <p class="more">
              <button type="button" class="button" onClick={() => void more().catch(setError)}>
                Older entries
              </button>
            </p>
          )}
        </>
      )}
    </>
  );
}

function Entry({ entry }: { entry: AuditEntry }) {
  const { at, actor, subject } = entry;
  return (
    <li class="entry">
      <time dateTime={at} title={exactTime(at)}>
        {clockTime(at, Date.now())}
      </time>
      <p>
        <strong>
          <Name>{actor.name}</Name>
        </strong>{' '}
        {verbOf(entry)} <Subject {...subject} />
        {detailsOf(entry).map(part => (
          <span key={part} class="entry-detail">
            <Said>{part}</Said>
          </span>
        ))}
      </p>
    </li>
  );
}

/** A link where the record still is. */
function Subject({ type, id, name }: AuditEntry['subject']) {
  const runner = type === 'runner' ? runnerById(id) : undefined;
  const source = type === 'source' ? sources.value?.find(one => one.id === id) : undefined;
  if (runner)
    return (
      <a href={hrefOf('runners', runner.name)}>
        <Name>{name}</Name>
      </a>
    );
  if (source)
    return (
      <a href={hrefOf('sources', source.name)}>
        <Name>{name}</Name>
      </a>
    );
  return <Name>{name}</Name>;
}

async function read(text: string, cursor?: string): Promise<Page<AuditEntry>> {
  const query = new URLSearchParams({ limit: String(PAGE) });
  if (text !== '') query.set('q', text);
  if (cursor !== undefined) query.set('cursor', cursor);
  return await ask<Page<AuditEntry>>(`/v1/audit?${query}`);
}

/** New entries before those that were there, which stay with their place in the list. */
function joined(newest: Page<AuditEntry>, before: Page<AuditEntry> | undefined): Page<AuditEntry> {
  const oldest = newest.items.at(-1)?.id ?? 0;
  const rest = (before?.items ?? []).filter(({ id }) => id < oldest);
  return rest.length === 0 || before === undefined
    ? newest
    : { items: [...newest.items, ...rest], nextCursor: before.nextCursor };
}
