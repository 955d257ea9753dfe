/** axe on every page and dialog, light and dark, wide and narrow. */
import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import axe from 'axe-core';
import type { Page } from 'playwright-core';
import { openBrowser, openConsole, visit } from '../support/browser.ts';
import { setUpFleet } from '../support/fleet.ts';
import { openProgram } from '../support/program.ts';

const browser = await openBrowser({ after });

interface Violation {
  id: string;
  help: string;
  nodes: { html: string; failureSummary: string }[];
}

async function violations(page: Page): Promise<string[]> {
  const found = (await page.evaluate(
    `axe.run({ runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'] }).then(result => result.violations)`,
  )) as Violation[];
  return found.flatMap(({ id, help, nodes }) =>
    nodes.map(node => `${id}: ${help}\n  ${node.html.slice(0, 200)}\n  ${node.failureSummary}`),
  );
}

const PLACES: [name: string, reach: (page: Page) => Promise<unknown>][] = [
  ['runners', page => at(page, '#/runners', 'Runners', 'branch-graz')],
  ['add runner', page => at(page, '#/new-runner', 'Add runner', 'Deployment type')],
  ['runner', page => at(page, '#/runners/edge-turin', 'edge-turin', 'Recent jobs')],
  ['overlapping tokens', page => at(page, '#/runners/branch-graz', 'branch-graz', 'Two tokens are valid')],
  [
    'rename',
    async page => {
      await at(page, '#/runners/edge-oslo', 'edge-oslo', 'Recent jobs');
      await page.getByRole('button', { name: 'Rename' }).click();
      await page.getByLabel('New name').fill('Not a name');
    },
  ],
  [
    'rotate',
    async page => {
      await page.getByRole('button', { name: 'Cancel' }).click();
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
      await at(page, '#/sources', 'Sources', 'warehouse');
    },
  ],
  ['add source', page => at(page, '#/new-source', 'Add source', 'Where do its credentials lie?')],
  [
    'runner-local source',
    page => at(page, '#/sources/warehouse', 'warehouse', 'SEMILAYER_SOURCE_WAREHOUSE_URL'),
  ],
  [
    'source',
    async page => {
      await at(page, '#/sources/shop', 'shop', 'Tables and views');
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
      await at(page, '#/sources/crm', 'crm', 'Tables and views');
      await page.getByRole('button', { name: 'Test source' }).click();
      await page.getByText('not reached').first().waitFor();
    },
  ],
  [
    'query',
    async page => {
      await at(page, '#/query?source=shop&target=orders', 'Query', 'Run query');
      await page.locator('.column-choice summary').click();
      await page.getByRole('checkbox', { name: 'customer_id' }).uncheck();
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
      await at(page, '#/jobs', 'Jobs', 'SOURCE_UNREACHABLE');
    },
  ],
  ['activity', page => at(page, '#/activity', 'Activity', 'created API key')],
  ['nowhere', page => at(page, '#/runners/nobody', 'No such runner', 'It was deleted')],
  [
    'sign in',
    async page => {
      await page.getByRole('button', { name: 'Sign out' }).click();
      await page.getByLabel('API key').waitFor();
    },
  ],
];

const THEMES = ['light', 'dark'] as const;
const WIDTHS = [360, 1280];

test('axe finds nothing on any page, in any theme, at any width', async t => {
  const program = await openProgram(t);
  const { url } = await program.gateway();
  await setUpFleet(program, url);
  const { page } = await openConsole(t, browser, program, { reducedMotion: 'reduce' });
  // In the page's own world the policy forbids it; a debugger's evaluation is outside of that.
  await page.evaluate(axe.source);
  const found: string[] = [];
  for (const [name, reach] of PLACES) {
    await reach(page);
    // Width and theme are the style's alone: the same page is looked at in each.
    for (const width of WIDTHS) {
      await page.setViewportSize({ width, height: 800 });
      for (const colorScheme of THEMES) {
        await page.emulateMedia({ colorScheme });
        const where = `${name}, ${colorScheme}, ${width} px`;
        found.push(...(await violations(page)).map(text => `${where}: ${text}`));
        const overflow = await page.evaluate('document.documentElement.scrollWidth - innerWidth');
        if (Number(overflow) > 0) found.push(`${where}: ${overflow} px wider than the window`);
      }
    }
  }
  assert.deepEqual(found, []);
});

async function at(page: Page, hash: string, heading: string, text: string): Promise<void> {
  await visit(page, hash, heading);
  await page.getByText(text).first().waitFor();
}
