/** A token is seen once: not after a reload, not with the back button, not in another tab, the source or the events. */
import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import type { Page } from 'playwright-core';
import { becomes, follow, openBrowser, openConsole, visit } from '../support/browser.ts';
import { openProgram } from '../support/program.ts';

const browser = await openBrowser({ after });

const TOKEN = /rk_[0-9A-Za-z]{49}/;

/** Everything a page can be read from: what is drawn, what its fields hold, what the browser keeps for it. */
async function holdings(page: Page): Promise<string> {
  return String(
    await page.evaluate(
      `document.documentElement.outerHTML
        + [...document.querySelectorAll('input, textarea')].map(one => one.value).join()
        + JSON.stringify([{ ...sessionStorage }, { ...localStorage }, history.state, location.href, document.cookie])`,
    ),
  );
}

async function createRunner(page: Page, name: string): Promise<string> {
  await visit(page, '#/new-runner', 'Add runner');
  await page.getByLabel('Name', { exact: true }).fill(name);
  await page.getByRole('button', { name: 'Create runner' }).click();
  await page.getByText('This is the only time the token is shown.').waitFor();
  const [token] = TOKEN.exec(await holdings(page)) ?? [];
  assert.ok(token, 'shown where it was made');
  return token;
}

test('the token of a new runner and of a rotation is shown once', async t => {
  const program = await openProgram(t);
  const { url, key, process: gateway } = await program.gateway();
  const { page, context, requests } = await openConsole(t, browser, program);
  const gone = async (where: Page, what: string): Promise<void> =>
    assert.doesNotMatch(await holdings(where), TOKEN, what);

  const events = await fetch(`${url}/v1/events`, { headers: { authorization: `Bearer ${key}` } });
  const reader = (events.body as ReadableStream<Uint8Array>).pipeThrough(new TextDecoderStream()).getReader();
  let heard = '';
  const listening = (async () => {
    while (!heard.includes('runner.removed')) heard += (await reader.read()).value ?? '';
  })();
  // Where the test fails before it asks for them, the events end with the gateway.
  listening.catch(() => {});

  const made = await createRunner(page, 'by-reload');
  await page.reload();
  await page.getByText('Deployment type').waitFor();
  await gone(page, 'after a reload');

  await createRunner(page, 'by-link');
  await follow(page, 'Runners');
  await page.getByRole('row', { name: /by-link/ }).waitFor();
  await gone(page, 'on the next page');
  await page.goBack();
  await page.getByText('Deployment type').waitFor();
  await gone(page, 'with the back button');

  await createRunner(page, 'by-leaving');
  await page.goto('about:blank');
  await page.goBack();
  await page.getByRole('heading', { level: 1 }).waitFor();
  await gone(page, 'back from another site');

  await createRunner(page, 'by-tab');
  const [second] = await Promise.all([
    context.waitForEvent('page'),
    page.evaluate(`window.open(location.href, '_blank')`),
  ]);
  await second.getByRole('heading', { level: 1 }).waitFor();
  await gone(second, 'in a second tab');
  await second.close();

  await visit(page, '#/runners/by-tab', 'by-tab');
  await page.getByRole('button', { name: 'Rotate token' }).click();
  await page.getByRole('radio', { name: /After an overlap/ }).check();
  await page.getByRole('button', { name: 'Rotate token' }).last().click();
  await page.getByRole('heading', { name: 'The new token' }).waitFor();
  assert.match(await holdings(page), TOKEN);
  await page.keyboard.press('Escape');
  // The page tells of two tokens behind the dialog already, which the browser hides before the page takes it out.
  await page
    .getByRole('heading', { name: 'The new token', includeHidden: true })
    .waitFor({ state: 'detached' });
  await page.getByText(/Two tokens are valid/).waitFor();
  await gone(page, 'after the dialog');

  await page.getByRole('button', { name: 'Delete' }).click();
  await page.getByLabel(/to confirm/).fill('by-tab');
  await page.getByRole('button', { name: 'Delete for good' }).click();
  await listening;
  assert.match(heard, /runner\.changed/);
  assert.doesNotMatch(heard, TOKEN, 'among the events');
  const source = await (await fetch(url)).text();
  assert.doesNotMatch(source, TOKEN, 'in the page source');
  assert.ok(!requests.join('\n').includes(made), 'in an address');
  assert.ok(!`${gateway.stderr}`.includes(made), "in the gateway's words");
});

test('a one-time link opens one session, leaves the address bar, and the session is of its tab alone', async t => {
  const program = await openProgram(t);
  const { url, key } = await program.gateway();
  const { page, context } = await openConsole(t, browser, program);
  assert.equal(page.url(), `${url}/`);
  assert.deepEqual(await context.cookies(), []);
  assert.doesNotMatch(await holdings(page), /sk_[0-9A-Za-z]{40}/);
  await page.reload();
  await page.getByText('No runners yet').waitFor();

  const other = await context.newPage();
  await other.goto(url);
  await other.getByLabel('API key').waitFor();
  const { url: link } = await program.json<{ url: string }>(['console']);
  await other.goto(link);
  await other.getByText('No runners yet').waitFor();
  const third = await context.newPage();
  await third.goto(link);
  await third.getByText(/used before or is too old/).waitFor();
  assert.equal(third.url(), `${url}/`);

  await third.getByLabel('API key').fill(`${key.slice(0, -1)}_`);
  await third.getByRole('button', { name: 'Sign in' }).click();
  await third
    .getByRole('alert')
    .getByText(/unknown or was revoked/)
    .waitFor();
  await third.getByLabel('API key').fill(key);
  await third.getByRole('button', { name: 'Sign in' }).click();
  await third.getByText('No runners yet').waitFor();
  const held = await holdings(third);
  assert.ok(!held.includes(key), 'the key was traded and let go');

  const [, token = ''] = /"semilayer-session":"([\w-]+)"/.exec(held) ?? [];
  const asked = async () =>
    (await fetch(`${url}/v1/whoami`, { headers: { authorization: `Bearer ${token}` } })).status;
  assert.equal(await asked(), 200);
  await third.getByRole('button', { name: 'Sign out' }).click();
  await third.getByLabel('API key').waitFor();
  await becomes(third, 'sessionStorage.length === 0');
  while ((await asked()) === 200) await new Promise(resolve => setImmediate(resolve));
  assert.equal(await asked(), 401, 'signed out at the gateway too');
});
