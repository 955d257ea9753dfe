/** The keyboard through all of it. */
import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { openBrowser, openConsole, visit } from '../support/browser.ts';
import { openProgram } from '../support/program.ts';

const browser = await openBrowser({ after });

test('the keyboard alone adds a runner and finds its way, and always sees where it is', async t => {
  const program = await openProgram(t);
  await program.gateway();
  const { page } = await openConsole(t, browser, program);
  await page.getByText('No runners yet').waitFor();
  const focused = (): Promise<unknown> =>
    page.evaluate(
      `(document.activeElement.getAttribute('aria-label') ?? document.activeElement.textContent).trim()`,
    );
  const visible = async (): Promise<boolean> =>
    Boolean(
      await page.evaluate(
        `document.activeElement === document.body || ['', '::after'].some(part => {
          const style = getComputedStyle(document.activeElement, part);
          return style.outlineStyle !== 'none' && parseFloat(style.outlineWidth) >= 2;
        })`,
      ),
    );
  const tabTo = async (name: string): Promise<void> => {
    for (let presses = 0; presses < 40; presses++) {
      await page.keyboard.press('Tab');
      assert.ok(await visible(), `${await focused()} shows that it is focused`);
      if ((await focused()) === name) return;
    }
    assert.fail(`never came to ${name}`);
  };
  await page.evaluate('document.activeElement.blur()');
  await tabTo('Skip to the page');
  await page.keyboard.press('Enter');
  await tabTo('Add your first runner');
  await page.keyboard.press('Enter');
  await page.getByText('Deployment type').waitFor();
  await page.keyboard.press('Tab');
  await page.keyboard.type('by-keyboard');
  await page.keyboard.press('Enter');
  await page.getByText('This is the only time the token is shown.').waitFor();
  await tabTo('Copy Env block, saved as by-keyboard.env');
  await tabTo('npx');
  await page.keyboard.press('ArrowRight');
  assert.equal(await focused(), 'Docker');
  await tabTo('I have saved it: open by-keyboard');
  await page.keyboard.press('Enter');
  // Both pages have its name for a heading.
  await page.getByRole('button', { name: 'Rotate token' }).waitFor();
  await tabTo('Rotate token');
  await page.keyboard.press('Enter');
  await page.getByRole('dialog').waitFor();
  for (let presses = 0; presses < 8; presses++) {
    await page.keyboard.press('Tab');
    const inside = await page.evaluate(
      `document.activeElement === document.body || document.querySelector('dialog').contains(document.activeElement)`,
    );
    assert.ok(inside, 'the dialog keeps the keyboard');
  }
  await page.keyboard.press('Escape');
  await page.getByRole('dialog').waitFor({ state: 'detached' });
  assert.equal(await focused(), 'Rotate token', 'and gives it back');
});

test('the focus comes with what is drawn, not after it: a key that is pressed at once is not lost', async t => {
  const program = await openProgram(t);
  await program.gateway();
  await program.run(['runners', 'create', 'edge']);
  const { page } = await openConsole(t, browser, program);
  // Seen within the task that draws it: nothing that waits for the painting has run.
  const focusedWith = (selector: string): Promise<unknown> =>
    page.evaluate(
      `new Promise(resolve => {
        new MutationObserver((_changes, observer) => {
          const drawn = document.querySelector(${JSON.stringify(selector)});
          if (!drawn) return;
          observer.disconnect();
          resolve(drawn.contains(document.activeElement));
        }).observe(document.body, { subtree: true, childList: true });
      })`,
    );
  const heading = focusedWith('main:has(.form) h1');
  await visit(page, '#/new-runner', 'Add runner');
  assert.equal(await heading, true, 'the heading of a page');
  await visit(page, '#/runners/edge', 'edge');
  const dialog = focusedWith('dialog');
  await page.getByRole('button', { name: 'Revoke' }).click();
  assert.equal(await dialog, true, 'a dialog');
});
