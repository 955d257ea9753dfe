/** Each role finds what it may do, and nothing that would be refused. */
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { after, test } from 'node:test';
import type { Page } from 'playwright-core';
import { writeSampleDatabase } from '../../src/bridges/sample-data.ts';
import { follow, openBrowser } from '../support/browser.ts';
import { connect } from '../support/fleet.ts';
import { openProgram } from '../support/program.ts';

const browser = await openBrowser({ after });

test('read-only looks, query-only asks, and neither is offered more', async t => {
  const program = await openProgram(t);
  const { url } = await program.gateway();
  await writeSampleDatabase(join(program.cwd, 'shop.db'), { rows: 50 });
  await program.run(['sources', 'add', 'shop', '--bridge', 'sqlite', '--url-stdin'], {
    stdin: 'file:shop.db',
  });
  const block = (await program.run(['runners', 'create', 'edge'])).stdout;
  await program.run(['runners', 'assign', 'edge', 'shop']);
  await connect(program, url, block);
  const signIn = async (role: string): Promise<{ page: Page; refused: string[] }> => {
    const { key } = await program.json<{ key: string }>(['keys', 'create', role, '--role', role]);
    const page = await (await browser.newContext()).newPage();
    const refused: string[] = [];
    page.on('response', response => {
      if (response.status() === 403) refused.push(response.url());
    });
    await page.goto(url);
    await page.getByLabel('API key').fill(key);
    await page.getByRole('button', { name: 'Sign in' }).click();
    await page.getByRole('navigation').waitFor();
    return { page, refused };
  };
  const places = (page: Page): Promise<string[]> =>
    page.getByRole('navigation').getByRole('link').allTextContents();

  const reader = await signIn('read-only');
  assert.deepEqual(await places(reader.page), ['Runners', 'Sources', 'Jobs', 'Activity']);
  await reader.page.getByRole('link', { name: 'edge' }).click();
  await reader.page.getByRole('checkbox', { name: /shop/, checked: true }).waitFor();
  assert.equal(await reader.page.getByRole('checkbox', { name: /shop/ }).isDisabled(), true);
  assert.equal(await reader.page.getByRole('button', { name: 'Rotate token' }).count(), 0);
  await reader.page.evaluate(`location.hash = '#/new-runner'`);
  await reader.page.getByText('This key may not add runners').waitFor();
  await reader.page.evaluate(`location.hash = '#/query'`);
  await reader.page.getByText('There is no such page for this key').waitFor();

  const asker = await signIn('query-only');
  assert.deepEqual(await places(asker.page), ['Sources', 'Query']);
  await asker.page.getByRole('link', { name: 'shop' }).click();
  await asker.page.getByRole('button', { name: 'Test source' }).click();
  await asker.page.getByText('reached', { exact: true }).waitFor();
  await follow(asker.page, 'Query');
  await asker.page.getByRole('button', { name: 'Run query' }).click();
  await asker.page.getByText(/^\d+ rows in/).waitFor();
  assert.deepEqual([...reader.refused, ...asker.refused], []);
});
