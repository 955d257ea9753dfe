/** `semilayer dev` as a process: usable as soon as it says so, gone without a trace at the first signal. */
import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { openProgram } from '../support/program.ts';

test('a second terminal needs no settings, and the end leaves nothing behind', async t => {
  const program = await openProgram(t);
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    const dev = program.start(['dev', '--port', '0']);
    const [, directory = ''] = await dev.line(/^data in (\S+)/);
    await dev.line(/semilayer query sample orders/);
    const rows = await program.run(['query', 'sample', 'orders', '--limit', '1']);
    assert.equal(rows.status, 0, rows.stderr);
    assert.match(rows.stdout, /^\{"id":1,.*\}\n$/);
    dev.kill(signal);
    const { status, stdout } = await dev.ended;
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
