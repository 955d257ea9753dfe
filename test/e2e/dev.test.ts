/** `semilayer dev` as a process: usable as soon as it says so, gone without a trace at the first signal. */
import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { openProgram } from '../support/program.ts';
import { connectScripted } from '../support/scripted-runner.ts';

test('a second terminal needs no settings, and the end leaves nothing behind', async t => {
  const program = await openProgram(t);
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    const dev = program.start(['dev', '--port', '0']);
    const [, directory = ''] = await dev.line(/^data in (\S+)/);
    await dev.line(/semilayer query sample orders/);
    const rows = await program.run(['query', 'sample', 'orders', '--limit', '1']);
    assert.equal(rows.status, 0, rows.stderr);
    assert.match(rows.stdout, /^\{"id":1,.*\}\n$/);
    await dev.line(/INFO {2}job \S+ query sample\/orders done/);
    dev.kill(signal);
    const { status, stdout } = await dev.ended;
    assert.doesNotMatch(dev.stderr, /DEBUG/);
    assert.equal(status, 0, dev.stderr);
    assert.match(dev.stderr, /stopped\n$/);
    assert.match(stdout, /^ {2}http:\/\/127\.0\.0\.1:\d+\/#code=\S+\n {2}semilayer query .+\n$/);
    assert.ok(!existsSync(directory), 'its data is gone');
    const config = await readFile(join(program.cwd, 'config', 'config.json'), 'utf8');
    assert.ok(!config.includes('sk_'), 'its key is forgotten');
    assert.equal((await program.run(['query', 'sample', 'orders'])).status, 4);
  }
});

test('the context before it is current again', async t => {
  const program = await openProgram(t);
  const { url } = await program.gateway();
  const dev = program.start(['dev', '--port', '0']);
  await dev.line(/semilayer query sample orders/);
  const during = await program.json<{ name: string }>(['whoami']);
  assert.equal(during.name, 'dev');
  dev.kill('SIGTERM');
  assert.equal((await dev.ended).status, 0);
  const { contexts, ...after } = JSON.parse(
    await readFile(join(program.cwd, 'config', 'config.json'), 'utf8'),
  ) as { contexts: Record<string, { serviceUrl: string }> };
  assert.deepEqual(
    Object.values(contexts).map(one => one.serviceUrl),
    [url],
  );
  assert.ok(after);
  assert.equal((await program.json<{ role: string }>(['whoami'])).role, 'admin');
});

test('the end of a second one brings the first back, and a second signal is no failure', async t => {
  const program = await openProgram(t);
  const start = async () => {
    const dev = program.start(['dev', '--port', '0']);
    const [, url = ''] = await dev.line(/^listening on (\S+)/);
    await dev.line(/semilayer query sample orders/);
    return { dev, url };
  };
  const first = await start();
  const second = await start();
  const current = async (): Promise<unknown> =>
    (await program.json<{ serviceUrl: string }>(['context', 'show'])).serviceUrl;
  assert.equal(await current(), second.url);
  second.dev.kill('SIGTERM');
  assert.equal((await second.dev.ended).status, 0, second.dev.stderr);
  assert.equal(await current(), first.url);
  const rows = await program.run(['query', 'sample', 'orders', '--limit', '1']);
  assert.equal(rows.status, 0, rows.stderr);
  first.dev.kill('SIGTERM');
  await first.dev.line(/SIGTERM: stopping/);
  first.dev.kill('SIGTERM');
  assert.equal((await first.dev.ended).status, 0, first.dev.stderr);
});

test('a gateway ends with 0 at its second signal too', async t => {
  const program = await openProgram(t);
  const { process: gateway, url, key } = await program.gateway();
  const headers = { authorization: `Bearer ${key}`, 'content-type': 'application/json' };
  const ask = (path: string, body: unknown) =>
    fetch(url + path, { method: 'POST', headers, body: JSON.stringify(body) });
  await ask('/v1/sources', { name: 'shop', bridge: 'any', config: { url: 'any:' } });
  const created = await ask('/v1/runners', { name: 'edge' });
  const { id, token } = (await created.json()) as { id: string; token: string };
  await ask('/v1/runners/edge/sources', { sources: ['shop'] });
  const runner = await connectScripted(t, `${url.replace('http', 'ws')}/connect`, token, id);
  // A job that is not answered is what a drain waits for.
  const answer = ask('/v1/sources/shop/count', { target: 'orders' }).catch(() => undefined);
  await runner.next('job');
  gateway.kill('SIGTERM');
  await gateway.line(/SIGTERM: draining/);
  gateway.kill('SIGTERM');
  assert.equal((await gateway.ended).status, 0, gateway.stderr);
  await answer;
});
