/** The whole flow as a person walks it: a real gateway, a real runner process, a real browser. */
import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, test } from 'node:test';
import type { Page } from 'playwright-core';
import { writeSampleDatabase } from '../../src/bridges/sample-data.ts';
import { follow, openBrowser, openConsole, turned, visit } from '../support/browser.ts';
import { openProgram } from '../support/program.ts';
import { connectScripted } from '../support/scripted-runner.ts';

const browser = await openBrowser({ after });

/** Milliseconds until the runner's page says so. */
async function until(page: Page, status: string): Promise<number> {
  const begun = performance.now();
  await turned(page, status);
  return performance.now() - begun;
}

const pill = (page: Page, status: string) => page.locator('.page-title .pill').getByText(status);

async function copied(page: Page): Promise<string> {
  return String(await page.evaluate('navigator.clipboard.readText()'));
}

test('add, copy, start: Online by itself; tick, query, rotate, kill, revoke', async t => {
  const program = await openProgram(t);
  await program.gateway();
  await writeSampleDatabase(join(program.cwd, 'shop.db'), { rows: 300 });
  const { page, context, complaints } = await openConsole(t, browser, program);
  await context.grantPermissions(['clipboard-read', 'clipboard-write']);
  let navigations = 0;
  page.on('load', () => navigations++);

  await page.getByText('No runners yet').waitFor();
  await follow(page, 'Sources');
  await page.getByRole('link', { name: 'Add your first source' }).click();
  await page.getByLabel('Name', { exact: true }).fill('shop');
  await page.getByRole('radio', { name: /SQLite/ }).check();
  await page.getByLabel('File').fill(`file:${join(program.cwd, 'shop.db')}`);
  await page.getByRole('button', { name: 'Add source' }).click();
  await page.getByText('No runner may be asked about it yet').waitFor();

  await follow(page, 'Runners');
  await page.getByRole('link', { name: 'Add your first runner' }).click();
  assert.equal(await page.getByRole('radio', { name: /SaaS.*Not yet self-service/ }).isDisabled(), true);
  await page.getByLabel('Name', { exact: true }).fill('Edge 1');
  await page.getByText(/lower-case letters/).waitFor();
  assert.equal(await page.getByRole('button', { name: 'Create runner' }).isDisabled(), true);
  await page.getByLabel('Name', { exact: true }).fill('edge-1');
  await page.getByRole('button', { name: 'Create runner' }).click();
  await page.getByText('This is the only time the token is shown.').waitFor();
  await page.getByRole('button', { name: 'Copy Env block' }).click();
  const block = await copied(page);
  assert.match(
    block,
    /^SEMILAYER_RUNNER_ID=[0-9a-f-]{36}\nSEMILAYER_RUNNER_TOKEN=rk_\w{49}\nSEMILAYER_GATEWAY_URL=ws:\/\/127\.0\.0\.1:\d+\/connect\n$/,
  );
  await page.getByRole('button', { name: 'Copy Start with npx' }).click();
  assert.equal(await copied(page), 'npx semilayer run --env-file edge-1.env');
  await page.getByRole('tab', { name: 'npx' }).press('ArrowRight');
  await page.getByRole('button', { name: 'Copy docker run' }).click();
  const docker = await copied(page);
  assert.match(docker, /^docker run -d --name semilayer-edge-1 [\s\S]*--env-file edge-1\.env/);
  await page.getByRole('tab', { name: 'Docker' }).press('ArrowRight');
  await page.getByRole('button', { name: 'Copy compose.yaml' }).click();
  assert.match(await copied(page), /env_file: edge-1\.env/);

  await writeFile(join(program.cwd, 'edge-1.env'), block);
  const first = program.start(['run', '--env-file', 'edge-1.env']);
  await first.line(/connected, awaiting jobs/);
  assert.ok((await until(page, 'Online')) < 1_000, 'Online within a second');
  await page.getByText('Online', { exact: true }).last().waitFor();
  await page.getByRole('link', { name: /I have saved it/ }).click();
  await page.getByRole('checkbox', { name: /shop/ }).check();
  await page.getByRole('checkbox', { name: /shop/, checked: true }).waitFor();
  await first.line(/assigned sources: shop$/);
  await page.getByRole('checkbox', { name: /shop/, checked: true }).uncheck();
  await first.line(/assigned sources: none$/);
  await page.getByText('shop unassigned', { exact: true }).waitFor({ state: 'attached' });
  await page.getByRole('checkbox', { name: /shop/, checked: false }).check();
  await page.getByRole('checkbox', { name: /shop/, checked: true }).waitFor();

  await follow(page, 'Sources');
  await page.getByRole('link', { name: 'shop', exact: true }).click();
  await page.getByRole('button', { name: 'Test source' }).click();
  await page.getByText('reached', { exact: true }).waitFor();
  const hops = await page.locator('.hop').allInnerTexts();
  assert.deepEqual(
    hops.map(text => text.split('\n')[0]),
    ['Gateway', 'Runner', 'Connect', 'First query'],
  );
  for (const hop of hops) assert.match(hop, /\d m?s|–/);

  await follow(page, 'Query');
  await page.getByLabel('Table or view').selectOption('orders');
  await page.getByLabel('Order by').selectOption('id');
  await page.getByLabel('Direction').selectOption('desc');
  await page.getByRole('button', { name: 'Add condition' }).click();
  await page.getByLabel('Column of condition 1').selectOption('id');
  await page.getByLabel('Comparison of condition 1').selectOption('$lte');
  await page.getByLabel('Value of condition 1').fill('250');
  await page.getByRole('button', { name: 'Run query' }).click();
  await page.getByText(/^100 rows in/).waitFor();
  assert.equal(await page.locator('.grid tbody tr').first().locator('td').nth(1).textContent(), '250');
  await page.getByRole('button', { name: 'Copy CLI' }).click();
  const command = await copied(page);
  assert.equal(
    command,
    `semilayer query shop orders --where '{"id":{"$lte":250}}' --order-by id:desc --limit 100`,
  );

  await follow(page, 'Jobs');
  await page.getByRole('row', { name: /query shop \/ orders.*Succeeded.*edge-1.*100/ }).waitFor();

  await follow(page, 'Runners');
  await page.getByRole('link', { name: 'edge-1' }).click();
  await page.getByRole('button', { name: 'Rotate token' }).click();
  await page.getByText(/Its session ends at once/).waitFor();
  await page.getByRole('button', { name: 'Rotate token' }).last().click();
  await page.getByRole('heading', { name: 'The new token' }).waitFor();
  await page.getByRole('button', { name: 'Copy Env block' }).click();
  const rotated = await copied(page);
  assert.notEqual(rotated, block);
  await page.getByRole('button', { name: 'I have saved it' }).click();
  assert.ok((await until(page, 'Offline')) < 1_000, 'the session went with its token');
  await page.getByText('No process is connected').waitFor();
  assert.equal((await first.ended).status, 77);

  await writeFile(join(program.cwd, 'edge-1.env'), rotated);
  const second = program.start(['run', '--env-file', 'edge-1.env']);
  await second.line(/connected, awaiting jobs/);
  await pill(page, 'Online').waitFor();
  second.kill('SIGTERM');
  await second.ended;
  assert.ok((await until(page, 'Offline')) < 1_000, 'Offline within a second of a clean end');

  const third = program.start(['run', '--env-file', 'edge-1.env']);
  await third.line(/connected, awaiting jobs/);
  await pill(page, 'Online').waitFor();
  await page.getByRole('button', { name: 'Revoke' }).click();
  await page.getByText(/a revoked runner cannot be rotated back/).waitFor();
  await page.getByRole('button', { name: 'Revoke' }).last().click();
  await pill(page, 'Revoked').waitFor();
  assert.equal((await third.ended).status, 77);

  await follow(page, 'Activity');
  for (const said of [/revoked runner edge-1/, /rotated the token of edge-1/, /added source shop/]) {
    await page.getByText(said).first().waitFor();
  }
  await follow(page, 'Runners');
  await page.getByRole('link', { name: 'edge-1' }).click();
  await page.getByRole('button', { name: 'Delete' }).click();
  assert.equal(await page.getByRole('button', { name: 'Delete for good' }).isDisabled(), true);
  await page.getByLabel(/to confirm/).fill('edge-1');
  await page.getByRole('button', { name: 'Delete for good' }).click();
  await page.getByText('No runners yet').waitFor();
  assert.equal(navigations, 0, 'nothing was reloaded on the way');
  assert.deepEqual(complaints, []);
});

test('renames a runner under its feet: the session stays, a name that is taken is refused', async t => {
  const program = await openProgram(t);
  const { url } = await program.gateway();
  await program.run(['runners', 'create', 'taken']);
  const made = await program.json<{ id: string; token: string }>(['runners', 'create', 'before']);
  await connectScripted(t, `${url.replace('http', 'ws')}/connect`, made.token, made.id);
  const { page } = await openConsole(t, browser, program);
  await visit(page, '#/runners/before', 'before');
  await pill(page, 'Online').waitFor();
  const rename = page.getByRole('dialog').getByRole('button', { name: 'Rename' });
  await page.getByRole('button', { name: 'Rename' }).click();
  await page
    .getByRole('dialog')
    .getByText(/Its ID, its token, its sessions and its sources stay/)
    .waitFor();
  assert.equal(await rename.isDisabled(), true, 'nothing to do yet');
  await page.getByLabel('New name').fill('Not a name');
  await page.getByText(/lower-case letters/).waitFor();
  assert.equal(await rename.isDisabled(), true);
  await page.getByLabel('New name').fill('taken');
  await rename.click();
  await page.getByRole('alert').getByText(/taken/).waitFor();
  await page.getByLabel('New name').fill('afterwards');
  await rename.click();
  await page.getByRole('heading', { level: 1, name: 'afterwards' }).waitFor();
  await pill(page, 'Online').waitFor();
  assert.match(page.url(), /#\/runners\/afterwards$/);
  await page.goBack();
  await page.getByRole('heading', { level: 1, name: 'Runners' }).waitFor();
  const { id, sessions } = await program.json<{ id: string; sessions: unknown[] }>([
    'runners',
    'show',
    'afterwards',
  ]);
  assert.deepEqual([id, sessions.length], [made.id, 1]);
  await follow(page, 'Activity');
  await page.getByText('renamed runner').waitFor();
});
