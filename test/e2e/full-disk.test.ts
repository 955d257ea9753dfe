/** A disk that is full in earnest, of the ledger and of the log alike: the runner lives, and its jobs do as was configured. */
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { setTimeout } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { writeSampleDatabase } from '../../src/bridges/sample-data.ts';
import { DemoProcess } from '../../src/commands/demo-process.ts';
import { openProgram } from '../support/program.ts';

const BIN = fileURLToPath(new URL('../../bin/semilayer.js', import.meta.url));
/** No file grows beyond a few kilobytes: a write that would is cut off there, and the next one fails. */
const SMALL_DISK = 'ulimit -S -f 8 && exec "$@" > run.log';
const JOBS = 60;

for (const onFailure of ['stop', 'continue'] as const) {
  test(`with no room for the ledger jobs ${onFailure}, and the runner says so and stays`, async t => {
    const program = await openProgram(t);
    const { url, key } = await program.gateway();
    await writeSampleDatabase(join(program.cwd, 'shop.db'), { rows: 20 });
    await program.run(['sources', 'add', 'shop', '--bridge', 'sqlite', '--url', 'shop.db']);
    await program.run(['runners', 'create', 'edge', '--env-file', '.env']);
    await program.run(['runners', 'assign', 'edge', 'shop']);
    const run = new DemoProcess(
      [
        ...['sh', '-c', SMALL_DISK, 'sh', process.execPath, '--', BIN, 'run', '--env-file', '.env'],
        ...[
          '--health-port',
          '0',
          '--log-format',
          'json',
          '--ledger',
          'ledger',
          '--ledger-on-failure',
          onFailure,
        ],
      ],
      {
        PATH: process.env.PATH,
        HOME: program.cwd,
        SEMILAYER_CONFIG_DIR: join(program.cwd, 'config'),
        SEMILAYER_GATEWAY_URL: `${url.replace('http', 'ws')}/connect`,
      },
      program.cwd,
    );
    t.after(() => run.destroy());
    const log = () => readFile(join(program.cwd, 'run.log'), 'utf8').catch(() => '');
    while (!(await log()).includes('connected, awaiting jobs')) await setTimeout(20);
    const [, health] = /health on (http:[^"]*)/.exec(await log()) ?? [];

    const statuses: number[] = [];
    for (let job = 0; job < JOBS; job++) {
      const answer = await fetch(`${url}/v1/sources/shop/count`, {
        method: 'POST',
        headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json' },
        body: '{"target":"orders"}',
      });
      statuses.push(answer.status);
      if (answer.status !== 200) assert.match(await answer.text(), /cannot record what it answers \(EFBIG\)/);
    }
    const refused = statuses.indexOf(502);
    if (onFailure === 'continue') assert.deepEqual(statuses, Array(JOBS).fill(200));
    else {
      assert.ok(refused > 0, String(statuses));
      // Once it is full, it stays full: nothing leaves unrecorded.
      assert.deepEqual(statuses.slice(refused), Array(JOBS - refused).fill(502));
    }
    const ready = await fetch(health as string);
    assert.equal(ready.status, 200);
    assert.deepEqual(((await ready.json()) as { problems: string[] }).problems, ['ledger failing']);
    assert.match(run.stderr, /the log cannot be written \(EFBIG\)/);
    run.kill('SIGTERM');
    assert.equal((await run.ended).status, 0);
    const verdict = await program.run(['ledger', 'verify', '--ledger', 'ledger']);
    assert.equal(verdict.status, 0, verdict.stdout + verdict.stderr);
  });
}
