/** The ledger of a real runner, from the caller's key and request id to what is printed. */
import assert from 'node:assert/strict';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { writeSampleDatabase } from '../../src/bridges/sample-data.ts';
import { openProgram } from '../support/program.ts';

test('ledger show tells who asked what and what left; verify names the line that was changed', async t => {
  const program = await openProgram(t);
  const { url, key } = await program.gateway();
  await writeSampleDatabase(join(program.cwd, 'shop.db'), { rows: 50 });
  await program.run(['runners', 'create', 'edge', '--env-file', '.env']);
  await program.run(['sources', 'add', 'shop', '--bridge', 'sqlite', '--url', 'shop.db']);
  await program.run(['runners', 'assign', 'edge', 'shop']);
  await writeFile(
    join(program.cwd, 'semilayer.policy.json'),
    '{"version":1,"columns":{"customers":{"mask":["email"]}}}',
  );
  const run = program.start(['run', '--env-file', '.env', '--ledger', 'ledger', '--ledger-fsync'], {
    SEMILAYER_GATEWAY_URL: `${url.replace('http', 'ws')}/connect`,
  });
  await run.line(/policy \S+semilayer\.policy\.json \([0-9a-f]{12}\) decides/);
  await run.line(/connected, awaiting jobs/);
  const answer = await fetch(`${url}/v1/sources/shop/query`, {
    method: 'POST',
    headers: {
      authorization: `Bearer ${key}`,
      'content-type': 'application/json',
      'x-request-id': 'request-42',
    },
    body: JSON.stringify({ target: 'customers', limit: 2 }),
  });
  assert.equal(answer.headers.get('x-request-id'), 'request-42');
  assert.deepEqual(
    ((await answer.json()) as { rows: { email: string }[] }).rows.map(row => row.email),
    ['[masked]', '[masked]'],
  );
  assert.equal((await program.run(['query', 'shop', 'customers', '--where', '{"email":"x"}'])).status, 7);
  run.kill('SIGTERM');
  const { stdout } = await run.ended;
  const [, position = ''] = /ledger closed at (\d+:[0-9a-f]{64})/.exec(stdout) ?? [];

  const [first, second, ...others] = await program.json<Record<string, unknown>[]>([
    'ledger',
    'show',
    '--ledger',
    'ledger',
  ]);
  assert.deepEqual(others, []);
  assert.deepEqual(
    [first?.caller, first?.requestId, first?.source, first?.target, first?.rows, first?.ending],
    ['admin', 'request-42', 'shop', 'customers', 2, 'done'],
  );
  assert.deepEqual(first?.columns, ['id', 'name', 'email', 'city', 'created_at']);
  assert.deepEqual([second?.rows, second?.ending], [0, 'SOURCE_QUERY_FAILED']);
  const lines = await program.run(['ledger', 'show', '--limit', '1'], {
    env: { SEMILAYER_LEDGER_DIR: 'ledger' },
  });
  assert.match(lines.stdout, /^4\t\S+Z\tadmin\tquery\tshop\tcustomers\t\t0\t0\tSOURCE_QUERY_FAILED\n$/);

  const fine = await program.run(['ledger', 'verify', '--ledger', 'ledger', '--holds', position]);
  assert.deepEqual([fine.status, fine.stdout], [0, `✓ 6 lines in 1 file, up to ${position}\n`]);
  const file = join(program.cwd, 'ledger', 'ledger-00000001.jsonl');
  await writeFile(file, (await readFile(file, 'utf8')).replace('"rows":2', '"rows":1'));
  const changed = await program.run(['ledger', 'verify', '--ledger', 'ledger']);
  assert.equal(changed.status, 1);
  assert.match(changed.stdout, /✗ ledger-00000001\.jsonl:3 was changed/);
  assert.match(changed.stderr, /error: the ledger in .* is not as it was written\nhint: /);
  assert.equal((await program.run(['ledger', 'verify'])).status, 2);
  assert.equal((await program.run(['ledger', 'show', '--ledger', 'nowhere'])).status, 3);
});
