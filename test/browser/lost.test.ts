/** A runner that is gone without a goodbye, its link held open. */
import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { openBrowser, openConsole, turned, visit } from '../support/browser.ts';
import { connect } from '../support/fleet.ts';
import { openProgram } from '../support/program.ts';
import { tcpProxy } from '../support/tcp-proxy.ts';

/** The contract's: nothing heard for this long is the end. */
const LIMIT_MS = 12_000;

const browser = await openBrowser({ after });

test('Offline within 12 s of a kill -9 that nobody tells the gateway of', async t => {
  const program = await openProgram(t);
  // Through the proxy, the runner dials another port.
  const { url } = await program.gateway(['--allowed-host', '127.0.0.1']);
  const block = (await program.run(['runners', 'create', 'edge-1'])).stdout;
  const { port } = await tcpProxy(t, Number(new URL(url).port));
  const { page } = await openConsole(t, browser, program);
  await visit(page, '#/runners/edge-1', 'edge-1');
  const runner = await connect(program, `http://127.0.0.1:${port}`, block);
  await turned(page, 'Online');
  const killed = performance.now();
  runner.kill('SIGKILL');
  await runner.ended;
  await turned(page, 'Offline');
  const tookMs = performance.now() - killed;
  t.diagnostic(`Offline ${Math.round(tookMs)} ms after the kill`);
  assert.ok(tookMs <= LIMIT_MS, `Offline ${Math.round(tookMs)} ms after a kill that left the link open`);
});
