/** Names and rows that would break a page: markup, control characters, overrides of direction, ten thousand characters. */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { openSqlite } from '../../src/platform/sqlite.ts';
import { openBrowser, openConsole, visit } from '../support/browser.ts';
import { connect } from '../support/fleet.ts';
import { openProgram } from '../support/program.ts';
import { connectScripted } from '../support/scripted-runner.ts';

const browser = await openBrowser({ after });

const BIN = fileURLToPath(new URL('../../bin/semilayer.js', import.meta.url));

async function shell(script: string, cwd: string, service: Record<string, string>): Promise<string> {
  const env = { PATH: process.env.PATH, SEMILAYER_CONFIG_DIR: join(cwd, 'config'), ...service };
  return (await promisify(execFile)('sh', [script], { cwd, env })).stdout;
}

const MARKUP = `<img src=x onerror="globalThis.broken=1"><script>globalThis.broken=1</script>`;
const CONTROL = `\u001b[31mred\u001b]8;;http://evil.example\u0007\u0000\u202egnp.exe\u200b\ufeff`;
const LONG = 'W'.repeat(10_000);

test('shows what is hostile as text, in its place, and stays the page it was', async t => {
  const program = await openProgram(t);
  const { url } = await program.gateway();
  const file = join(program.cwd, 'hostile.db');
  const database = await openSqlite(file, { readOnly: false });
  const table = `${MARKUP} orders`;
  const quoted = `"${table.replaceAll('"', '""')}"`;
  database.exec(
    `CREATE TABLE ${quoted} (id INTEGER PRIMARY KEY, "${MARKUP.replaceAll('"', '""')}" TEXT, other TEXT)`,
  );
  const insert = database.prepare(`INSERT INTO ${quoted} VALUES (?, ?, ?)`);
  insert.run([1, MARKUP, CONTROL]);
  insert.run([2, LONG, `${LONG}\n${LONG}`]);
  database.close();
  await program.run(['sources', 'add', 'hostile', '--bridge', 'sqlite', '--url-stdin'], {
    stdin: `file:${file}`,
  });
  const block = (await program.run(['runners', 'create', 'edge'])).stdout;
  await program.run(['runners', 'assign', 'edge', 'hostile']);
  await connect(program, url, block);
  // One that no source is assigned to: it would leave the questions unanswered.
  const odd = (await program.run(['runners', 'create', 'odd'])).stdout;
  const [, id = '', token = ''] = /ID=(\S+)\n.*TOKEN=(\S+)/.exec(odd) ?? [];
  await connectScripted(t, `${url.replace('http', 'ws')}/connect`, token, id, {
    instance: `${MARKUP}${CONTROL}${LONG}`,
    runtimeVersion: `${MARKUP}${LONG}`,
  });

  const long = 'w'.repeat(63);
  await program.run([
    'sources',
    'add',
    long,
    '--bridge',
    '@a-company/bridge-of-a-very-long-name',
    '--runner-local',
  ]);
  await program.run(['runners', 'create', long]);
  await program.run(['runners', 'assign', long, long, 'hostile']);

  const { page, complaints } = await openConsole(t, browser, program, {
    viewport: { width: 1280, height: 800 },
  });
  const whole = async (what: string): Promise<void> => {
    assert.equal(await page.evaluate('globalThis.broken'), undefined, what);
    assert.equal(await page.locator('main img, main script').count(), 0, what);
    const text = String(await page.locator('body').textContent());
    assert.doesNotMatch(text, /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u202a-\u202e\u200b\ufeff]/, what);
    const wider = Number(await page.evaluate('document.documentElement.scrollWidth - innerWidth'));
    assert.ok(wider <= 0, `${what}: ${wider} px wider than the window`);
  };
  for (const width of [1280, 360]) {
    await page.setViewportSize({ width, height: 800 });
    await visit(page, '#/runners/odd', 'odd');
    await page.getByText('Recent jobs').waitFor();
    await page
      .getByRole('row', { name: /W{20}|<img/ })
      .first()
      .waitFor();
    await whole('the runner');
    for (const [hash, heading] of [
      ['#/runners', 'Runners'],
      [`#/runners/${long}`, long],
      ['#/sources', 'Sources'],
      [`#/sources/${long}`, long],
    ] as const) {
      await visit(page, hash, heading);
      await whole(`the longest name in ${hash}`);
    }
    await visit(page, '#/sources/hostile', 'hostile');
    await page.getByRole('button', { name: /Browse|Read again/ }).click();
    await page.getByRole('button', { name: /^<img/ }).click();
    await page.getByText('INTEGER').waitFor();
    await whole('the tables');
    await visit(page, '#/query?source=hostile', 'Query');
    await page.getByRole('button', { name: 'Run query' }).click();
    await page.getByText(/^2 rows in/).waitFor();
    await whole('the rows');
    await page.getByRole('button', { name: 'Row 2, whole' }).click();
    await page
      .getByRole('dialog')
      .getByText(/W{200}/)
      .first()
      .waitFor();
    await whole('a whole row');
    await page.keyboard.press('Escape');
    await page.getByRole('button', { name: 'Row 1, whole' }).click();
    await page.getByRole('dialog').getByText('\\u202e').waitFor();
    await page.keyboard.press('Escape');
    await page.evaluate(
      `location.hash = '#/runners/' + encodeURIComponent(${JSON.stringify(MARKUP + LONG)})`,
    );
    await page.getByText('No such runner').first().waitFor();
    await whole('a name in the address');
    await page.evaluate(`location.hash = '#/%E0%A4%A/%E0%A4%A?%E0%A4%A'`);
    await page.getByText('There is no such page').waitFor();
  }
  await visit(page, '#/jobs', 'Jobs');
  await page
    .getByRole('row', { name: /query hostile \/ <img/i })
    .first()
    .waitFor();
  await whole('the jobs');
  assert.deepEqual(complaints, []);
});

test('the commands to take along are the same question, however its parts are written', async t => {
  const program = await openProgram(t);
  const { url, key } = await program.gateway();
  const file = join(program.cwd, 'quotes.db');
  const database = await openSqlite(file, { readOnly: false });
  database.exec(`CREATE TABLE "it's $HOME" (id INTEGER PRIMARY KEY, "na""me" TEXT)`);
  database.prepare(`INSERT INTO "it's $HOME" VALUES (?, ?)`).run([1, `'; echo $(id) "\\`]);
  database.prepare(`INSERT INTO "it's $HOME" VALUES (?, ?)`).run([2, 'other']);
  database.close();
  await program.run(['sources', 'add', 'quotes', '--bridge', 'sqlite', '--url-stdin'], {
    stdin: `file:${file}`,
  });
  const block = (await program.run(['runners', 'create', 'edge'])).stdout;
  await program.run(['runners', 'assign', 'edge', 'quotes']);
  await connect(program, url, block);
  const { page, context } = await openConsole(t, browser, program);
  await context.grantPermissions(['clipboard-read', 'clipboard-write']);
  await visit(page, '#/query?source=quotes', 'Query');
  await page.getByRole('button', { name: 'Add condition' }).click();
  await page.getByLabel('Column of condition 1').selectOption('na"me');
  await page.getByLabel('Value of condition 1').fill(`'; echo $(id) "\\`);
  await page.getByRole('button', { name: 'Run query' }).click();
  await page.getByText(/^1 row in/).waitFor();
  const outputs: string[] = [];
  for (const name of ['CLI', 'curl']) {
    await page.getByRole('button', { name: `Copy ${name}` }).click();
    const command = String(await page.evaluate('navigator.clipboard.readText()'));
    assert.ok(!command.includes(key), 'no key on a clipboard');
    const script = join(program.cwd, 'taken.sh');
    const semilayer = `semilayer() { '${process.execPath}' '${BIN}' "$@"; }`;
    await writeFile(script, `${semilayer}\n${command}\n`);
    outputs.push(
      (await shell(script, program.cwd, { SEMILAYER_API_KEY: key, SEMILAYER_SERVICE_URL: url })).trim(),
    );
  }
  assert.match(outputs[0] ?? '', /^\{"id":1,/);
  assert.equal(outputs[1], outputs[0]);
});
