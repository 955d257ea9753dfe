/** `semilayer run` in this process: signals before there is a runner, and what it shows at a terminal. */
import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { PassThrough } from 'node:stream';
import { type TestContext, test } from 'node:test';
import { lineOf } from '../../src/commands/run-log.ts';
import { CommandLine, type Outcome } from '../support/command-line.ts';

const TOKEN = `rk_${'Canary7'.repeat(6)}x000000`;

test('a signal while the token is waited for on stdin ends it with 0, and says so', async t => {
  const line = await CommandLine.create(t);
  const ended = line.run(['run', '--id', 'edge', '--token-file', '-', '--log-format', 'json'], {
    stdin: new PassThrough(),
  });
  await line.listensFor('SIGTERM');
  line.signal('SIGTERM');
  const { status, stdout, stderr } = await ended;
  assert.equal(status, 0, stderr);
  assert.equal((JSON.parse(stdout) as { signal: string }).signal, 'SIGTERM');
});

test('at a terminal one spinner turns at a time, and none after the end', async t => {
  const { status, stderr } = await sixAttempts(t, 200);
  assert.equal(status, 0, stderr);
  assert.ok(stderr.includes('next attempt in'), stderr);
  assert.ok(!stderr.includes('Multiple'), stderr);
  const times = (text: string): number => stderr.split(text).length - 1;
  assert.equal(times('\u001b[?25l'), times('\u001b[?25h'), 'the cursor is shown as often as it was hidden');
});

test('a terminal that has no width yet gets no spinner', async t => {
  const { status, stderr } = await sixAttempts(t, 0);
  assert.deepEqual([status, stderr], [0, '']);
});

/** Six waits of up to eight seconds in all: some are long enough for their spinner to show. */
async function sixAttempts(t: TestContext, columns: number): Promise<Outcome> {
  const line = await CommandLine.create(t);
  let attempts = 0;
  return await line.run(['run', '--id', 'edge', '--gateway-url', 'ws://127.0.0.1:9'], {
    terminal: ['stdout', 'stderr'],
    columns,
    env: { SEMILAYER_RUNNER_TOKEN: TOKEN },
    onStdout: text => {
      if (text.includes('next attempt in') && ++attempts === 6) line.signal('SIGTERM');
    },
  });
}

test('a wait is told to the second, and exactly only below one', () => {
  const retrying = (delayMs: number) =>
    lineOf({ type: 'retrying', delayMs, reason: 'gone', cause: '1006' })?.msg;
  assert.equal(retrying(1_049), 'next attempt in 1s: gone');
  assert.equal(retrying(84), 'next attempt in 84ms: gone');
});

test('an empty token file is told what goes into it', async t => {
  const line = await CommandLine.create(t);
  const file = join(line.directory, 'token');
  await writeFile(file, '');
  const args = ['run', '--id', 'edge', '--gateway-url', 'ws://127.0.0.1:9', '--token-file', file];
  const { status, stderr } = await line.run([...args, '--token-wait', '1ms']);
  assert.equal(status, 4);
  assert.match(stderr, /^error: the token file \S+ is empty\nhint: give it the token that/m);
});

test('a count is logged by what it counted, and one row is one row', () => {
  const job = { id: 'a1', kind: 'count', source: 'shop', target: 'orders' } as const;
  const ended = {
    type: 'job-ended',
    job,
    rows: 0,
    bytes: 50,
    durationMs: 3,
    firstRowsMs: 2,
    error: null,
  } as const;
  const line = lineOf({ ...ended, total: 41 });
  assert.equal(line?.msg, 'job a1 count shop/orders done: count 41 in 3 ms');
  assert.equal(line?.fields?.total, 41);
  assert.ok(!('rows' in (line?.fields ?? {})));
  const failed = lineOf({ ...ended, error: { code: 'SOURCE_UNREACHABLE', message: 'gone' } });
  assert.equal(failed?.msg, 'job a1 count shop/orders ended after 3 ms: SOURCE_UNREACHABLE gone');
  const one = lineOf({ ...ended, job: { ...job, kind: 'query' }, rows: 1 });
  assert.equal(one?.msg, 'job a1 query shop/orders done: 1 row in 3 ms');
});
