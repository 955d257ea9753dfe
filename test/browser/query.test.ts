/** The Query page: rows as they come, what they are asked with, and what is taken along. */
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { after, test } from 'node:test';
import Database from 'libsql';
import { writeSampleDatabase } from '../../src/bridges/sample-data.ts';
import { openBrowser, openConsole, visit } from '../support/browser.ts';
import { connect } from '../support/fleet.ts';
import { openProgram, type Program } from '../support/program.ts';

const browser = await openBrowser({ after });

/** A gateway, a runner and a source `shop` that it answers for. */
async function openShop(program: Program, rows: number): Promise<void> {
  const { url } = await program.gateway();
  await writeSampleDatabase(join(program.cwd, 'shop.db'), { rows });
  await program.run(['sources', 'add', 'shop', '--bridge', 'sqlite', '--url-stdin'], {
    stdin: 'file:shop.db',
  });
  const { stdout } = await program.run(['runners', 'create', 'edge']);
  await program.run(['runners', 'assign', 'edge', 'shop']);
  await connect(program, url, stdout);
}

test('a long query streams in, says what the page can hold, and is cancelled down to the runner', async t => {
  const program = await openProgram(t);
  await openShop(program, 100);
  // However slowly the page reads, what lies between it and the database never holds all of this.
  const shop = new Database(join(program.cwd, 'shop.db'));
  shop.exec(`create view endless as
    with recursive n(id) as (select 1 union all select id + 1 from n) select id, 'row ' || id as label from n`);
  shop.close();
  const { page } = await openConsole(t, browser, program);
  await visit(page, '#/query?source=shop&target=endless', 'Query');
  await page.getByLabel('Limit').fill('');
  await page.getByRole('button', { name: 'Run query' }).click();
  await page.getByText(/Stopped after 10,000 rows/).waitFor();
  assert.ok((await page.locator('.grid-open').count()) < 100, 'what is not seen is not drawn');
  await page.evaluate(`document.querySelector('.grid-box').scrollTo(0, 1e9)`);
  await page.getByRole('button', { name: 'Row 10000, whole' }).click();
  await page.getByRole('heading', { name: 'Row' }).waitFor();
  await page.keyboard.press('Escape');
  await visit(page, '#/jobs', 'Jobs');
  await page.getByRole('row', { name: /query shop \/ endless.*Cancelled/ }).waitFor();

  await visit(page, '#/query?source=shop&target=order_items', 'Query');
  await page.getByRole('button', { name: 'Add condition' }).waitFor();
  await page.getByRole('radio', { name: 'As JSON' }).check();
  await page.getByLabel('Where, as JSON').fill('{"order_id":{"$gt":');
  await page.getByText('This is not a JSON object.').waitFor();
  assert.equal(await page.getByRole('button', { name: 'Run query' }).isDisabled(), true);
  await page.getByLabel('Where, as JSON').fill('{"nothing":{"$gt":1}}');
  await page.getByRole('button', { name: 'Run query' }).click();
  await page
    .getByRole('alert')
    .getByText(/nothing/)
    .waitFor();
});

test('reads the columns that are ticked, in the order of the table, and says so in what is taken along', async t => {
  const program = await openProgram(t);
  await openShop(program, 100);
  const { page, context, requests } = await openConsole(t, browser, program);
  await context.grantPermissions(['clipboard-read', 'clipboard-write']);
  await visit(page, '#/query?source=shop&target=orders', 'Query');
  const columns = page.locator('.column-choice');
  await columns.getByText(/all \d+/).click();
  await columns.getByRole('button', { name: 'Untick all' }).click();
  await columns.getByText('Tick at least one column.').waitFor();
  assert.equal(await page.getByRole('button', { name: 'Run query' }).isDisabled(), true);
  await columns.getByRole('checkbox', { name: 'status' }).check();
  await columns.getByRole('checkbox', { name: 'id', exact: true }).check();
  await page.getByRole('button', { name: 'Run query' }).click();
  await page.getByText(/^100 rows in/).waitFor();
  assert.deepEqual(await page.locator('.grid thead bdi').allTextContents(), ['id', 'status']);
  await page.getByRole('button', { name: 'Copy CLI' }).click();
  assert.equal(
    await page.evaluate('navigator.clipboard.readText()'),
    'semilayer query shop orders --select id,status --limit 100',
  );
  await columns.getByRole('button', { name: 'Tick all' }).click();
  await page.getByRole('button', { name: 'Run query' }).click();
  await page.locator('.grid thead').getByText('customer_id').waitFor();
  assert.equal(requests.filter(one => one.endsWith('/query')).length, 2);
  await columns.getByRole('checkbox', { name: 'status' }).uncheck();
  await page.getByLabel('Table or view').selectOption('customers');
  await columns.getByText(/all \d+/).waitFor();
});

test('keeps the table that was picked while the names of the others were still being read', async t => {
  const program = await openProgram(t);
  await openShop(program, 100);
  const { page } = await openConsole(t, browser, program);
  // Picked within the same task that draws the names: no effect of theirs comes between.
  await page.evaluate(`
    new MutationObserver((_changes, observer) => {
      const option = [...document.querySelectorAll('option')].find(one => one.value === 'orders');
      if (!option) return;
      observer.disconnect();
      option.parentElement.value = 'orders';
      option.parentElement.dispatchEvent(new Event('change', { bubbles: true }));
    }).observe(document.body, { subtree: true, childList: true, attributes: true, characterData: true });
  `);
  await visit(page, '#/query?source=shop', 'Query');
  await page.locator('.column-choice').getByText('customer_id').waitFor({ state: 'attached' });
  await page.getByRole('button', { name: 'Run query' }).click();
  await page.getByText(/^100 rows in/).waitFor();
  assert.equal(await page.getByLabel('Table or view').inputValue(), 'orders');
});
