/** The page follows the gateway: through its restarts, and with a thousand runners. */
import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { openBrowser, openConsole } from '../support/browser.ts';
import { openProgram } from '../support/program.ts';
import { connectScripted } from '../support/scripted-runner.ts';
import { tcpProxy } from '../support/tcp-proxy.ts';

/** Looking at each of a thousand rows and drawing one takes about 16,000; drawing each of them, five times that. */
const MAX_CALLS = 30_000;

const browser = await openBrowser({ after });

test('says when it is not live, and catches up by itself when the gateway is back', async t => {
  const program = await openProgram(t);
  const { url, process: gateway } = await program.gateway();
  const { port } = new URL(url);
  await program.run(['runners', 'create', 'before']);
  const { page } = await openConsole(t, browser, program);
  await page.getByText('Live', { exact: true }).waitFor();
  await page.evaluate(`globalThis.sameDocument = true`);
  gateway.kill('SIGKILL');
  await gateway.ended;
  await page.getByText('Not live', { exact: true }).waitFor({ timeout: 3_000 });
  await page
    .getByRole('alert')
    .getByText(/last heard at/)
    .waitFor();
  await page.getByRole('link', { name: 'before' }).waitFor();

  const again = program.start(['gateway', '--port', port, '--data-dir', 'data']);
  await again.line(/listening on/);
  // The gateway forgot its sessions with its memory: the page says so, and what to do.
  await page.getByText('This session is over. Sign in again.').waitFor({ timeout: 15_000 });
  const { url: link } = await program.json<{ url: string }>(['console']);
  await page.evaluate(`location.href = ${JSON.stringify(link)}`);
  await page.getByText('Live', { exact: true }).waitFor();
  assert.equal(await page.evaluate('globalThis.sameDocument'), true, 'never reloaded');
  await program.run(['runners', 'create', 'after']);
  await page.getByRole('link', { name: 'after' }).waitFor({ timeout: 2_000 });
  const events = await page.evaluate(
    `performance.getEntriesByType('resource').filter(one => one.name.endsWith('/v1/events')).length`,
  );
  assert.ok(Number(events) >= 1);
});

test('comes back to the same session after the network was away, and asks for nothing while nothing happens', async t => {
  const program = await openProgram(t);
  const { url } = await program.gateway(['--allowed-host', '127.0.0.1']);
  const proxy = await tcpProxy(t, Number(new URL(url).port));
  const { page, requests } = await openConsole(t, browser, program, {}, `http://127.0.0.1:${proxy.port}`);
  await page.getByText('No runners yet').waitFor();
  await page.getByText('Live', { exact: true }).waitFor();
  const quietFrom = requests.length;
  // Long enough for any poll that a page would do to show fresh data.
  await page.evaluate('new Promise(resolve => setTimeout(resolve, 3_000))');
  assert.deepEqual(requests.slice(quietFrom), [], 'no polling');
  proxy.cut();
  await page.getByText('Not live', { exact: true }).waitFor();
  await program.run(['runners', 'create', 'meanwhile']);
  proxy.heal();
  await page.getByText('Live', { exact: true }).waitFor({ timeout: 15_000 });
  await page.getByRole('link', { name: 'meanwhile' }).waitFor();
});

test('shows a thousand runners at once, and every change of them without lag', async t => {
  const program = await openProgram(t);
  const { url, key } = await program.gateway();
  const service = async (method: string, path: string, body?: unknown): Promise<Record<string, string>> => {
    const response = await fetch(url + path, {
      method,
      headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json' },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    return (await response.json()) as Record<string, string>;
  };
  const made: Record<string, string>[] = [];
  for (let begun = 0; begun < 1_000; begun += 50) {
    made.push(
      ...(await Promise.all(
        Array.from({ length: 50 }, (_, index) =>
          service('POST', '/v1/runners', { name: `runner-${String(begun + index).padStart(4, '0')}` }),
        ),
      )),
    );
  }
  const { page } = await openConsole(t, browser, program);
  // Found by address: looking for a role among a thousand rows would be most of what is measured.
  const pillOf = (name: string, status: string) =>
    page.locator(`tr:has(a[href="#/runners/${name}"]) .pill`, { hasText: status });
  await page.getByText('runner-0999').waitFor();
  assert.equal(await page.locator('.runners-table tbody tr').count(), 1_000);
  await page.evaluate(`
    globalThis.longest = 0;
    new PerformanceObserver(list => {
      for (const entry of list.getEntries()) longest = Math.max(longest, entry.duration);
    }).observe({ type: 'longtask' });
  `);
  const connectUrl = `${url.replace('http', 'ws')}/connect`;
  const fleet = [];
  const begun = performance.now();
  for (const { id = '', token = '' } of made.slice(0, 200)) {
    fleet.push(await connectScripted(t, connectUrl, token, id));
  }
  await pillOf('runner-0199', 'Online').waitFor();
  const last = made[500] as Record<string, string>;
  await page.evaluate(`
    globalThis.touched = new Set();
    new MutationObserver(changes => {
      for (const { target } of changes) touched.add(target.parentElement?.closest('tr')?.querySelector('a').textContent);
    }).observe(document.querySelector('.runners-table'), { subtree: true, childList: true, characterData: true, attributes: true });
  `);
  await page.coverage.startJSCoverage({ resetOnNavigation: false });
  const changed = performance.now();
  await connectScripted(t, connectUrl, last.token ?? '', last.id ?? '');
  await pillOf('runner-0500', 'Online').waitFor();
  const shownMs = performance.now() - changed;
  const calls = callsOf(await page.coverage.stopJSCoverage());
  assert.ok(calls < MAX_CALLS, `one change of one runner made ${calls} calls`);
  assert.deepEqual(await page.evaluate('[...touched]'), ['runner-0500'], 'one change draws one row');
  await page.getByLabel('Search name, source, version').fill('0500');
  await page.getByText('runner-0501').waitFor({ state: 'detached' });
  await page.getByLabel('Search name, source, version').fill('');
  await page.getByText('runner-0501').waitFor();
  for (const one of fleet) one.socket.close();
  await pillOf('runner-0199', 'Offline').waitFor();
  const longest = Number(await page.evaluate('longest'));
  t.diagnostic(
    `one change shown after ${Math.round(shownMs)} ms by ${calls} calls, 200 connected in ${Math.round(changed - begun)} ms, longest task ${Math.round(longest)} ms`,
  );
  assert.ok(shownMs < 2_000, `${shownMs} ms`);
  assert.ok(longest < 1_000, `the page stood still for ${longest} ms`);
});

/** How often functions of the page were called: what a change costs, whatever else the machine does. */
function callsOf(scripts: readonly { functions: { ranges: { count: number }[] }[] }[]): number {
  const counts = scripts.flatMap(({ functions }) => functions.map(({ ranges }) => ranges[0]?.count ?? 0));
  return counts.reduce((sum, count) => sum + count, 0);
}
