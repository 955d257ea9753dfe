/** Rows: their order, their number, their columns and values, and pages that together are the whole table. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ReadOptions, Row } from '../bridge.ts';
import type { Suite } from './suite.ts';
import { type ConformanceTable, TABLES } from './tables.ts';

const { people, pairs, empty } = TABLES;
/** More pages than any of the tables has rows: a cursor that goes round ends the test. */
const MAX_PAGES = 200;

export function describeReading(suite: Suite): void {
  test('rows come in the order asked for, skipped and limited, with the columns asked for', async () => {
    const { bridge } = suite;
    const sorted = people.rows.toSorted(
      (a, b) => compare(b.name, a.name) || Number(a.version) - Number(b.version),
    );
    const orderBy = [{ field: 'name', dir: 'desc' as const }, { field: 'version' }];
    const ids = async (options: object) =>
      (await bridge.query(people.name, { orderBy, select: ['id'], ...options })).rows.map(row => row.id);
    const expected = sorted.map(row => row.id);
    assert.deepEqual(await ids({}), expected);
    assert.deepEqual(await ids({ limit: 7 }), expected.slice(0, 7));
    assert.deepEqual(await ids({ limit: 7, offset: 5 }), expected.slice(5, 12));
    assert.deepEqual(await ids({ offset: 55 }), expected.slice(55));
    assert.deepEqual(await ids({ offset: 1_000 }), []);
    assert.deepEqual(await ids({ limit: 0 }), []);
    const [row] = (await bridge.query(people.name, { where: { id: 2 }, select: ['name', 'id'] })).rows;
    assert.deepEqual(row, { name: 'bee', id: 2 });
  });

  test('values are what JSON has for them, the same whichever way they are asked for', async () => {
    const { bridge } = suite;
    for (const table of Object.values(TABLES)) {
      const expected = byKey(table, table.rows);
      const { rows } = await bridge.query(table.name, {});
      assert.deepEqual(byKey(table, plain(rows)), expected);
      assert.deepEqual(byKey(table, plain(await bridge.batchRead(table.name, {}))), expected);
      assert.deepEqual(byKey(table, plain((await bridge.read(table.name, {})).rows)), expected);
    }
  });

  test('pages of any size are all rows, each once, and the last has no cursor', async () => {
    for (const table of [people, pairs, empty]) {
      for (const limit of [1, 7, table.rows.length, 1_000]) {
        if (limit === 0) continue;
        const pages = await allPages(suite, table, { limit });
        for (const page of pages) assert.ok(page.length <= limit);
        assert.deepEqual(byKey(table, plain(pages.flat())), byKey(table, table.rows), `pages of ${limit}`);
        assert.ok(pages.length <= table.rows.length / limit + 1, `${pages.length} pages of ${limit}`);
      }
    }
  });

  test('a page has the fields asked for, and goes on without the key among them', async () => {
    const pages = await allPages(suite, pairs, { limit: 4, fields: ['amount'] });
    assert.deepEqual(
      plain(pages.flat())
        .map(row => JSON.stringify(row))
        .sort(),
      pairs.rows.map(row => JSON.stringify({ amount: row.amount })).sort(),
    );
  });

  test('changedSince gives what changed later, through every page', async () => {
    const since = { changedSince: 960, changeTrackingColumn: 'version' };
    const pages = await allPages(suite, people, { limit: 6, ...since });
    assert.deepEqual(
      byKey(people, plain(pages.flat())),
      byKey(
        people,
        people.rows.filter(row => Number(row.version) > 960),
      ),
    );
  });
}

async function allPages({ bridge }: Suite, table: ConformanceTable, options: ReadOptions): Promise<Row[][]> {
  const pages: Row[][] = [];
  for (let cursor: string | undefined; pages.length < MAX_PAGES; ) {
    const page = await bridge.read(table.name, { ...options, ...(cursor === undefined ? {} : { cursor }) });
    pages.push(page.rows);
    if (page.nextCursor === undefined) return pages;
    cursor = page.nextCursor;
  }
  assert.fail(`more than ${MAX_PAGES} pages of ${table.rows.length} rows`);
}

/** As a caller far away gets them. */
export function plain(rows: readonly Row[]): Row[] {
  return JSON.parse(JSON.stringify(rows)) as Row[];
}

/** Sorted by their key, each row's columns in the order of the table. */
export function byKey(table: ConformanceTable, rows: readonly Record<string, unknown>[]): unknown[] {
  const key = table.columns.filter(column => column.primaryKey).map(column => column.name);
  return rows
    .map(row => Object.fromEntries(table.columns.map(({ name }) => [name, row[name]])))
    .sort((a, b) => key.reduce((order, name) => order || compare(a[name], b[name]), 0));
}

function compare(a: unknown, b: unknown): number {
  if (typeof a === 'number' && typeof b === 'number') return a - b;
  return String(a) < String(b) ? -1 : String(a) > String(b) ? 1 : 0;
}
