/** Pictures of every page for docs/console/: `npm run docs:console`. Light and dark, wide and 360 px. */
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Page } from 'playwright-core';
import UPNG from 'upng-js';
import { openBrowser, openConsole, visit } from '../support/browser.ts';
import { setUpFleet } from '../support/fleet.ts';
import { openProgram } from '../support/program.ts';

const PICTURES = process.argv[2] ?? fileURLToPath(new URL('../../docs/console', import.meta.url));
const SIZES = { wide: { width: 1280, height: 800 }, narrow: { width: 360, height: 740 } };
const THEMES = ['light', 'dark'] as const;
/** Long lists say no more below this. */
const MAX_HEIGHT = 1_400;
/** Flat colours and the edges of letters: a palette this small looks the same at a third of the size. */
const COLOURS = 64;

const NEW_RUNNER = 'edge-lyon';

const SCENES: Record<string, (page: Page) => Promise<void>> = {
  runners: page => at(page, '#/runners', 'Runners', 'edge-oslo'),
  runner: page => at(page, '#/runners/edge-turin', 'edge-turin', 'Recent jobs'),
  'add-runner': async page => {
    await at(page, '#/new-runner', 'Add runner', 'Deployment type');
    await page.getByLabel('Name').fill(NEW_RUNNER);
    await page.getByRole('checkbox', { name: 'shop' }).check();
    await page.getByRole('button', { name: 'Create runner' }).click();
    await page.getByText('Waiting for it to connect').waitFor();
  },
  rotate: async page => {
    await at(page, '#/runners/edge-oslo', 'edge-oslo', 'Recent jobs');
    await page.getByRole('button', { name: 'Rotate token' }).click();
    await page.getByRole('radio', { name: 'After an overlap' }).check();
  },
  sources: page => at(page, '#/sources', 'Sources', 'warehouse'),
  'add-source': page => at(page, '#/new-source', 'Add source', 'Where do its credentials lie?'),
  source: async page => {
    await at(page, '#/sources/shop', 'shop', 'Tables and views');
    await page.getByRole('button', { name: 'Test source' }).click();
    await page.getByText('First query').first().waitFor();
    await page.getByRole('button', { name: 'Browse' }).click();
    await page.getByRole('button', { name: 'orders', exact: true }).click();
    await page.getByText('customer_id').waitFor();
  },
  query: async page => {
    await at(page, '#/query?source=shop&target=orders', 'Query', 'Run query');
    await page.locator('.column-choice summary').click();
    await page.getByRole('checkbox', { name: 'customer_id' }).uncheck();
    await page.getByRole('button', { name: 'Add condition' }).click();
    await page.getByLabel('Column of condition 1').selectOption('status');
    await page.getByLabel('Value of condition 1').fill('shipped');
    await page.getByLabel('Order by').selectOption('total');
    await page.getByLabel('Direction').selectOption('desc');
    await page.getByRole('button', { name: 'Run query' }).click();
    await page.getByText(/100 rows in/).waitFor();
  },
  jobs: page => at(page, '#/jobs', 'Jobs', 'SOURCE_UNREACHABLE'),
  activity: page => at(page, '#/activity', 'Activity', 'created API key'),
};

const cleanups: (() => unknown)[] = [];
const t = { after: (cleanup: () => unknown) => void cleanups.unshift(cleanup) };

try {
  const only = process.argv[3]?.split(',');
  await mkdir(PICTURES, { recursive: true });
  // Debian's, unless told of another.
  process.env.CHROMIUM ??= '/usr/bin/chromium';
  const program = await openProgram(t);
  const { url } = await program.gateway();
  await setUpFleet(program, url);
  const browser = await openBrowser(t);
  for (const theme of THEMES) {
    for (const [size, viewport] of Object.entries(SIZES)) {
      const { context, page, complaints } = await openConsole(t, browser, program, {
        viewport,
        colorScheme: theme,
      });
      await program.run(['runners', 'delete', NEW_RUNNER, '--yes']);
      for (const [name, scene] of Object.entries(SCENES)) {
        if (only && !only.includes(name)) continue;
        await scene(page);
        await picture(page, `${name}-${size}-${theme}`);
      }
      await page
        .getByRole('button', { name: 'Close' })
        .click({ timeout: 100 })
        .catch(() => {});
      await page
        .getByRole('button', { name: 'Sign out' })
        .click()
        .catch(() => {});
      if (!only || only.includes('sign-in')) await picture(page, `sign-in-${size}-${theme}`);
      if (complaints.length > 0) throw new Error(complaints.join('\n'));
      await context.close();
    }
  }
} finally {
  for (const cleanup of cleanups) await cleanup();
}

async function at(page: Page, hash: string, heading: string, text: string): Promise<void> {
  await visit(page, hash, heading);
  await page.getByText(text).first().waitFor();
}

async function picture(page: Page, name: string): Promise<void> {
  await page.mouse.move(0, 0);
  const { width, height: seen } = page.viewportSize() ?? SIZES.wide;
  // A dialog covers what is seen, not what lies below it.
  const whole = Number(
    await page.evaluate(`document.querySelector('dialog') ? 0 : document.documentElement.scrollHeight`),
  );
  const height = Math.min(Math.max(whole, seen), MAX_HEIGHT);
  const taken = await page.screenshot({ fullPage: true, clip: { x: 0, y: 0, width, height } });
  const image = UPNG.decode(new Uint8Array(taken).buffer);
  const pixels = UPNG.toRGBA8(image)[0] as ArrayBuffer;
  await writeFile(
    join(PICTURES, `${name}.png`),
    new Uint8Array(UPNG.encode([pixels], image.width, image.height, COLOURS)),
  );
}
