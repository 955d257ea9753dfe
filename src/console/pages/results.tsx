/** Rows in a table of which only the visible part is drawn, so that ten thousand of them scroll like ten. */
import { useState } from 'preact/hooks';
import type { Row } from '../service/records.ts';
import { brief, plain, valueText } from '../text/plain.ts';
import { durationText } from '../text/time.ts';
import { Dialog } from '../ui/dialog.tsx';
import { Empty } from '../ui/empty.tsx';
import { ErrorNotice, Notice } from '../ui/notice.tsx';
import { MAX_ROWS, type Run } from './use-run.ts';

const ROW_PX = 30;
/** Drawn above and below what is seen. */
const OVERSCAN = 10;
const VIEW_ROWS = 16;
const CELL_LIMIT = 200;

export function Results({ run }: { run: Run }) {
  const [open, setOpen] = useState<Row>();
  if (run.state === 'idle') return null;
  return (
    <section class="results" aria-label="Result">
      <p class="results-head" role="status">
        {summaryOf(run)}
      </p>
      {run.state === 'full' && (
        <Notice tone="info">
          <p>
            Stopped after {MAX_ROWS.toLocaleString()} rows, and the query was cancelled. The command below
            streams all of them.
          </p>
        </Notice>
      )}
      <ErrorNotice error={run.error} />
      {run.rows.length > 0 ? (
        <Grid run={run} onOpen={setOpen} />
      ) : (
        run.state === 'done' && <Empty title="No row is like that" />
      )}
      {open && <RowDialog row={open} onClose={() => setOpen(undefined)} />}
    </section>
  );
}

function Grid({ run, onOpen }: { run: Run; onOpen: (row: Row) => void }) {
  const { rows, columns } = run;
  const [top, setTop] = useState(0);
  const first = Math.max(0, Math.min(Math.floor(top / ROW_PX), rows.length - VIEW_ROWS) - OVERSCAN);
  const last = Math.min(rows.length, first + VIEW_ROWS + 2 * OVERSCAN);
  return (
    <section class="grid-box" aria-label="Rows" onScroll={event => setTop(event.currentTarget.scrollTop)}>
      <table class="grid" aria-rowcount={rows.length + 1}>
        <thead>
          <tr aria-rowindex={1}>
            <th scope="col" class="grid-index">
              <span class="unseen">Whole row</span>
            </th>
            {columns.map(column => (
              <th
                key={column}
                scope="col"
                class={typeof rows[0]?.[column] === 'number' ? 'number' : undefined}
              >
                <bdi>{brief(column, 60)}</bdi>
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          <Space rows={first} columns={columns.length} />
          {rows.slice(first, last).map((row, index) => (
            <tr key={first + index} aria-rowindex={first + index + 2}>
              <td class="grid-index">
                <button
                  type="button"
                  class="grid-open"
                  aria-label={`Row ${first + index + 1}, whole`}
                  onClick={() => onOpen(row)}
                >
                  {first + index + 1}
                </button>
              </td>
              {columns.map(column => (
                <Cell key={column} value={row[column]} />
              ))}
            </tr>
          ))}
          <Space rows={rows.length - last} columns={columns.length} />
        </tbody>
      </table>
    </section>
  );
}

/** Stands for the rows that are not drawn. */
function Space({ rows, columns }: { rows: number; columns: number }) {
  if (rows <= 0) return null;
  return (
    <tr>
      <td class="grid-space" colSpan={columns + 1} style={{ height: `${rows * ROW_PX}px` }} />
    </tr>
  );
}

function Cell({ value }: { value: unknown }) {
  if (value === null || value === undefined) return <td class="null">null</td>;
  const numeric = typeof value === 'number';
  return (
    <td class={numeric ? 'number' : undefined}>
      <bdi>{brief(valueText(value), CELL_LIMIT)}</bdi>
    </td>
  );
}

function RowDialog({ row, onClose }: { row: Row; onClose: () => void }) {
  return (
    <Dialog title="Row" onClose={onClose}>
      <div class="dialog-body">
        <dl class="row-values">
          {Object.entries(row).map(([column, value]) => (
            <div key={column}>
              <dt>
                <bdi>{brief(column, 200)}</bdi>
              </dt>
              <dd class={value === null ? 'null' : undefined}>
                <bdi>{value === null ? 'null' : plain(valueText(value))}</bdi>
              </dd>
            </div>
          ))}
        </dl>
      </div>
    </Dialog>
  );
}

function summaryOf({ state, rows, firstRowMs, tookMs }: Run): string {
  const count = `${rows.length.toLocaleString()} ${rows.length === 1 ? 'row' : 'rows'}`;
  const took = tookMs === undefined ? '' : ` in ${durationText(tookMs)}`;
  const first = firstRowMs === undefined ? '' : `, the first after ${durationText(firstRowMs)}`;
  if (state === 'waiting') return 'Waiting for the first row…';
  if (state === 'streaming') return `${count} so far…`;
  if (state === 'cancelled') return `Cancelled after ${count}`;
  if (state === 'failed') return rows.length === 0 ? 'Failed' : `Failed after ${count}`;
  return `${count}${took}${first}`;
}
