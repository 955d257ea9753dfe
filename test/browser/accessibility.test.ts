/** axe on every page and dialog, light and dark, wide and narrow. */
import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import axe from 'axe-core';
import type { Page } from 'playwright-core';
import { openBrowser, openConsole } from '../support/browser.ts';
import { setUpFleet } from '../support/fleet.ts';
import { openProgram } from '../support/program.ts';

const browser = await openBrowser({ after });

interface Violation {
  id: string;
  help: string;
  nodes: { html: string; failureSummary: string }[];
}

async function violations(page: Page): Promise<string[]> {
  // In the page's own world the policy forbids it; a debugger's evaluation is outside of that.
  await page.evaluate(axe.source);
  const found = (await page.evaluate(
    `axe.run({ runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'] }).then(result => result.violations)`,
  )) as Violation[];
  return found.flatMap(({ id, help, nodes }) =>
    nodes.map(node => `${id}: ${help}\n  ${node.html.slice(0, 200)}\n  ${node.failureSummary}`),
  );
}

const PLACES: [name: string, reach: (page: Page) => Promise<unknown>][] = [
  ['runners', page => visit(page, '#/runners', 'branch-graz')],
  ['add runner', page => visit(page, '#/new-runner', 'Deployment type')],
  ['runner', page => visit(page, '#/runners/edge-turin', 'Recent jobs')],
  ['overlapping tokens', page => visit(page, '#/runners/branch-graz', 'Two tokens are valid')],
  [
    'rotate',
    async page => {
      await visit(page, '#/runners/edge-oslo', 'Recent jobs');
      await page.getByRole('button', { name: 'Rotate token' }).click();
      await page.getByRole('radio', { name: /After an overlap/ }).check();
      await page.getByLabel('Overlap', { exact: true }).fill('soon');
    },
  ],
  [
    'delete',
    async page => {
      await page.getByRole('button', { name: 'Cancel' }).click();
      await page.getByRole('button', { name: 'Delete' }).click();
    },
  ],
  [
    'sources',
    async page => {
      await page.getByRole('button', { name: 'Cancel' }).click();
      await visit(page, '#/sources', 'warehouse');
    },
  ],
  ['add source', page => visit(page, '#/new-source', 'Where do its credentials lie?')],
  ['runner-local source', page => visit(page, '#/sources/warehouse', 'SEMILAYER_SOURCE_WAREHOUSE_URL')],
  [
    'source',
    async page => {
      await visit(page, '#/sources/shop', 'Tables and views');
      await page.getByRole('button', { name: 'Test source' }).click();
      await page.getByText('First query').first().waitFor();
      await page.getByRole('button', { name: 'Browse' }).click();
      await page.getByRole('button', { name: 'orders', exact: true }).click();
      await page.getByText('customer_id').waitFor();
    },
  ],
  [
    'a source that is not reached',
    async page => {
      await visit(page, '#/sources/crm', 'Tables and views');
      await page.getByRole('button', { name: 'Test source' }).click();
      await page.getByText('not reached').first().waitFor();
    },
  ],
  [
    'query',
    async page => {
      await visit(page, '#/query?source=shop&target=orders', 'Run query');
      await page.getByRole('button', { name: 'Add condition' }).click();
      await page.getByLabel('Column of condition 1').selectOption('status');
      await page.getByLabel('Value of condition 1').fill('shipped');
      await page.getByRole('button', { name: 'Run query' }).click();
      await page.getByText(/100 rows in/).waitFor();
    },
  ],
  [
    'a row',
    async page => {
      await page.getByRole('button', { name: 'Row 1, whole' }).click();
      await page.getByRole('heading', { name: 'Row' }).waitFor();
    },
  ],
  [
    'jobs',
    async page => {
      await page.getByRole('button', { name: 'Close' }).click();
      await visit(page, '#/jobs', 'SOURCE_UNREACHABLE');
    },
  ],
  ['activity', page => visit(page, '#/activity', 'created API key')],
  ['nowhere', page => visit(page, '#/runners/nobody', 'No such runner')],
];

test('axe finds nothing on any page, in any theme, at any width', async t => {
  const program = await openProgram(t);
  const { url } = await program.gateway();
  await setUpFleet(program, url);
  const found: string[] = [];
  for (const colorScheme of ['light', 'dark'] as const) {
    for (const width of [1280, 360]) {
      const { page, context } = await openConsole(t, browser, program, {
        colorScheme,
        viewport: { width, height: 800 },
        reducedMotion: 'reduce',
      });
      for (const [name, reach] of PLACES) {
        await reach(page);
        const where = `${name}, ${colorScheme}, ${width} px`;
        found.push(...(await violations(page)).map(text => `${where}: ${text}`));
        const overflow = await page.evaluate('document.documentElement.scrollWidth - innerWidth');
        if (Number(overflow) > 0) found.push(`${where}: ${overflow} px wider than the window`);
      }
      await page.getByRole('button', { name: 'Sign out' }).click();
      await page.getByLabel('API key').waitFor();
      found.push(...(await violations(page)).map(text => `sign in, ${colorScheme}, ${width} px: ${text}`));
      await context.close();
    }
  }
  assert.deepEqual(found, []);
});

async function visit(page: Page, hash: string, text: string): Promise<void> {
  await page.evaluate(`location.hash = ${JSON.stringify(hash)}`);
  await page.getByText(text).first().waitFor();
}
