/** The public command line of the runner, unchanged, on our runtime: its own imports reach test/stand-ins. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { type TestContext, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { openGateway } from '../support/gateway.ts';

const BIN = fileURLToPath(new URL('../../node_modules/@semilayer/runner-cli/dist/bin.js', import.meta.url));

/** Starts it as its users do; `line` waits for one of its lines. */
function start(t: TestContext, env: Record<string, string>) {
  const child = spawn(process.execPath, [BIN, 'start'], { env: { PATH: process.env.PATH, ...env } });
  const exited = once(child, 'exit');
  t.after(() => child.kill('SIGKILL'));
  let output = '';
  let changed = (): void => {};
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', text => {
      output += text;
      changed();
    });
  }
  const line = async (pattern: RegExp): Promise<void> => {
    while (!pattern.test(output)) {
      assert.equal(child.exitCode, null, output);
      await new Promise<void>(resolve => {
        changed = resolve;
        child.once('exit', () => resolve());
      });
    }
  };
  return { child, exited, line, output: () => output };
}

test('@semilayer/runner-cli starts, connects, answers, is told of a loss, comes back and stops', async t => {
  const first = await openGateway(t);
  const { token, runnerId } = await first.shop();
  const cli = start(t, {
    SEMILAYER_RUNNER_ID: runnerId,
    SEMILAYER_RUNNER_TOKEN: token,
    SEMILAYER_GATEWAY_URL: first.connectUrl,
  });
  await cli.line(/→ connected, awaiting jobs/);
  const answer = await first.ask('POST', '/v1/sources/shop/query', { target: 'orders', limit: 2 });
  assert.deepEqual([answer.status, answer.json.rows.length], [200, 2]);
  await cli.line(/← job .*\n.*→ done /);

  await first.close();
  await cli.line(/disconnected: /);
  const { dataDir } = first;
  const port = Number(new URL(first.gateway.url).port);
  const second = await openGateway(t, { dataDir, port, offeredKey: first.key });
  await cli.line(/→ connected, awaiting jobs[\s\S]*→ connected, awaiting jobs/);
  assert.equal((await second.ask('GET', '/v1/sources')).status, 200);

  cli.child.kill('SIGTERM');
  assert.deepEqual(await cli.exited, [0, null]);
  assert.match(cli.output(), /SIGTERM received, stopping runner/);
  assert.ok(!cli.output().includes(token));
});
