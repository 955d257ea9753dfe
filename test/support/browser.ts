/** A real Chromium, headless, and the Console in it. */
import { join } from 'node:path';
import {
  type Browser,
  type BrowserContext,
  type BrowserContextOptions,
  chromium,
  type Page,
} from 'playwright-core';
import type { Program } from './program.ts';
import { type Cleanup, temporaryDirectory } from './temporary.ts';

const ARGUMENTS = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
];

/**
 * One for each test file: every page has a context of its own, which shares nothing with another but the clipboard.
 *
 * @throws Error saying what to install.
 */
export async function openBrowser(t: Cleanup): Promise<Browser> {
  // Found by scripts/test.mjs, which every test is run by.
  const executablePath = process.env.CHROMIUM;
  if (!executablePath) throw new Error('no Chromium here: install it, or set CHROMIUM to its file');
  // Its profile and whatever else it writes goes with the directory.
  const home = await temporaryDirectory(t);
  const browser = await chromium.launch({
    executablePath,
    headless: true,
    args: ARGUMENTS,
    env: { PATH: process.env.PATH ?? '', HOME: home, TMPDIR: home, XDG_CONFIG_HOME: join(home, 'config') },
  });
  t.after(() => browser.close());
  return browser;
}

export interface OpenConsole {
  context: BrowserContext;
  page: Page;
  /** Errors and warnings of the page, refused loads included. */
  complaints: string[];
  /** Everything that was asked for, as `METHOD URL`. */
  requests: string[];
}

/** The page, signed in by a one-time link; closed with the test. */
export async function openConsole(
  t: Cleanup,
  browser: Browser,
  program: Program,
  options: BrowserContextOptions = {},
  /** Where the browser finds the gateway, if not where the link says. */
  origin?: string,
): Promise<OpenConsole> {
  const context = await browser.newContext({ locale: 'en-GB', timezoneId: 'UTC', ...options });
  t.after(() => context.close());
  const page = await context.newPage();
  const complaints: string[] = [];
  const requests: string[] = [];
  page.on('console', message => {
    if (['error', 'warning'].includes(message.type())) complaints.push(message.text());
  });
  page.on('pageerror', error => complaints.push(String(error)));
  page.on('request', request => requests.push(`${request.method()} ${request.url()}`));
  const { url } = await program.json<{ url: string }>(['console']);
  await page.goto(origin === undefined ? url : url.replace(new URL(url).origin, origin));
  await page.getByRole('navigation', { name: 'Pages' }).waitFor();
  return { context, page, complaints, requests };
}

/** Goes to a place by its address; resolves when that page is drawn, not the one before it. */
export async function visit(page: Page, hash: string, heading: string | RegExp): Promise<void> {
  await page.evaluate(`location.hash = ${JSON.stringify(hash)}`);
  await headed(page, heading);
}

/** Goes to a place by the navigation. */
export async function follow(page: Page, place: string): Promise<void> {
  await page.getByRole('navigation').getByRole('link', { name: place, exact: true }).click();
  await headed(page, place);
}

async function headed(page: Page, heading: string | RegExp): Promise<void> {
  await page.getByRole('heading', { level: 1, name: heading, exact: true }).waitFor();
}

/** When the runner's own page says so; asked at every frame, where a locator asks twice a second. */
export async function turned(page: Page, status: string): Promise<void> {
  await becomes(
    page,
    `document.querySelector('.page-title .pill')?.textContent === ${JSON.stringify(status)}`,
  );
}

/** When an expression is true in the page; the page's own policy forbids what `waitForFunction` does. */
export async function becomes(page: Page, expression: string): Promise<void> {
  await page.evaluate(
    `new Promise(resolve => {
      const look = () => (${expression} ? resolve() : requestAnimationFrame(look));
      look();
    })`,
  );
}
