/** The script of examples/ci against a gateway: from nothing to rows, twice, with nothing left behind. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { chmod, writeFile } from 'node:fs/promises';
import type { AddressInfo } from 'node:net';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { writeSampleDatabase } from '../../src/bridges/sample-data.ts';
import { DemoProcess } from '../../src/commands/demo-process.ts';
import { openProgram } from '../support/program.ts';

const SCRIPT = fileURLToPath(new URL('../../examples/ci/query-through-a-runner.sh', import.meta.url));
const BIN = fileURLToPath(new URL('../../bin/semilayer.js', import.meta.url));

test('a CI job creates a runner, waits for it, queries, tears it down, and may be run again', async t => {
  for (const tool of ['bash', 'jq']) {
    if (spawnSync(tool, ['--version']).error) {
      console.log(`NOT RUN: examples/ci, which needs ${tool}`);
      return;
    }
  }
  const program = await openProgram(t);
  const { url, key } = await program.gateway();
  const database = join(program.cwd, 'shop.db');
  await writeSampleDatabase(database, { rows: 50 });
  const semilayer = join(program.cwd, 'semilayer');
  await writeFile(semilayer, `#!/bin/sh\nexec "${process.execPath}" -- "${BIN}" "$@"\n`);
  await chmod(semilayer, 0o755);
  const env = {
    PATH: `${program.cwd}:${process.env.PATH}`,
    CI: '1',
    SEMILAYER_CONFIG_DIR: join(program.cwd, 'none'),
    SEMILAYER_SERVICE_URL: url,
    SEMILAYER_API_KEY: key,
    DATABASE_URL: `file:${database}`,
    BRIDGE: 'sqlite',
    TARGET: 'orders',
    RUNNER_NAME: 'ci-1',
  };
  // What an earlier job that was killed has left.
  await program.run(['runners', 'create', 'ci-1']);
  for (let run = 0; run < 2; run++) {
    const job = new DemoProcess(
      ['bash', SCRIPT],
      { ...env, HEALTH_PORT: String(await freePort()) },
      program.cwd,
    );
    t.after(() => job.destroy());
    job.feed('');
    const { status, stdout } = await job.ended;
    assert.equal(status, 0, job.stderr);
    const lines = stdout.trim().split('\n');
    assert.equal(lines.filter(line => line.startsWith('{"id":')).length, 5);
    assert.ok(lines.includes('50'));
    assert.doesNotMatch(stdout + job.stderr, /rk_[0-9A-Za-z]{40}|shop\.db/);
  }
  assert.deepEqual(await program.json(['runners', 'list']), []);
  assert.deepEqual(await program.json(['sources', 'list']), []);
});

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>(done => server.listen(0, '127.0.0.1', done));
  const { port } = server.address() as AddressInfo;
  await new Promise<void>(done => server.close(() => done()));
  return port;
}
