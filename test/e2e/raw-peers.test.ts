/** docs/protocol.md is enough: programs written from it alone, with nothing of ours, on either side of the wire. */
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { writeSampleDatabase } from '../../src/bridges/sample-data.ts';
import { DemoProcess } from '../../src/commands/demo-process.ts';
import { openProgram } from '../support/program.ts';

const EXAMPLES = fileURLToPath(new URL('../../docs/examples', import.meta.url));

test('a raw runner serves a query through the gateway, and is told to leave when its token is rotated', async t => {
  const program = await openProgram(t);
  const { url } = await program.gateway();
  const { stdout: envBlock } = await program.run(['runners', 'create', 'raw']);
  await program.run(['sources', 'add', 'sky', '--bridge', 'sqlite', '--runner-local']);
  await program.run(['runners', 'assign', 'raw', 'sky']);
  const settings = Object.fromEntries(
    envBlock
      .trim()
      .split('\n')
      .map(line => line.split(/=(.*)/s).slice(0, 2)),
  );
  const runner = new DemoProcess(
    [process.execPath, join(EXAMPLES, 'raw-runner.mjs')],
    { ...settings, SEMILAYER_GATEWAY_URL: `${url.replace('http', 'ws')}/connect` },
    program.cwd,
  );
  t.after(() => runner.destroy());
  await runner.line(/^connected, assigned: sky$/);

  const rows = await program.run(['query', 'sky', 'planets', '--limit', '2']);
  assert.deepEqual([rows.status, rows.stdout], [0, '{"id":1,"name":"Mercury"}\n{"id":2,"name":"Venus"}\n']);
  assert.equal((await program.run(['sources', 'targets', 'sky'])).stdout, 'planets\n');
  const unknown = await program.run(['query', 'sky', 'moons']);
  assert.equal(unknown.status, 7);
  assert.match(unknown.stderr, /^error: no table "moons"\nhint: .+\n$/);
  const count = await program.run(['count', 'sky', 'planets']);
  assert.equal(count.status, 7);
  await program.run(['runners', 'rotate', 'raw', '--yes']);
  await runner.line(/^closed: 4401$/);
});

test('our runner answers a raw gateway', async t => {
  const program = await openProgram(t);
  const database = join(program.cwd, 'shop.db');
  await writeSampleDatabase(database, { rows: 300 });
  const token = 'rk_raw-example-token';
  const gateway = new DemoProcess(
    [process.execPath, join(EXAMPLES, 'raw-gateway.mjs')],
    { TOKEN: token, DATABASE: database, TARGET: 'orders' },
    program.cwd,
  );
  t.after(() => gateway.destroy());
  const [url = ''] = await gateway.line(/^ws:.*/);
  const run = program.start(['run', '--id', 'anything', '--gateway-url', url], {
    SEMILAYER_RUNNER_TOKEN: token,
  });
  await gateway.line(/^done: 300 rows$/);
  const { status, stdout } = await gateway.ended;
  assert.equal(status, 0);
  assert.equal(stdout.split('\n').filter(line => line.startsWith('{')).length, 300);
  await run.line(/disconnected: .*1001/);
  run.kill('SIGTERM');
  assert.equal((await run.ended).status, 0);
});

test('the examples use a WebSocket and Node, nothing of ours', async () => {
  for (const name of ['raw-runner.mjs', 'raw-gateway.mjs']) {
    const text = await readFile(join(EXAMPLES, name), 'utf8');
    const imports = [...text.matchAll(/^import .* from '(.+)';$/gm)].map(([, from]) => from as string);
    assert.deepEqual(
      imports.filter(from => from !== 'ws' && !from.startsWith('node:')),
      [],
    );
  }
});
