/** `semilayer run` as a process: what it says, its health endpoints, its signals and its exit statuses. */
import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { writeSampleDatabase } from '../../src/bridges/sample-data.ts';
import { openProgram, type Program } from '../support/program.ts';
import { openScriptedGateway } from '../support/scripted-gateway.ts';

/** Of our shape, with a checksum that cannot be right. */
const TOKEN = `rk_${'Canary7'.repeat(6)}x000000`;
const ID = '0b9c1c9e-5f0a-4a57-9d5e-2f4f6d0c4a11';

test('is live while it connects, ready once it has, and not ready as soon as it drains', async t => {
  const program = await openProgram(t);
  const gateway = await openScriptedGateway(t);
  const run = program.start(
    ['run', '--gateway-url', gateway.url, '--health-port', '0', '--log-level', 'debug'],
    env(),
  );
  const [, origin = ''] = await run.line(/health on (http:\S+)\/readyz/);
  const port = new URL(origin).port;
  const session = await gateway.session();
  await session.next('hello');
  assert.equal((await fetch(`${origin}/livez`)).status, 200);
  assert.equal((await fetch(`${origin}/readyz`)).status, 503);
  const before = await program.run(['ready', '--health-port', port]);
  assert.deepEqual([before.status, before.stdout], [1, '']);
  assert.match(before.stderr, /^error: the runner on port \d+ is not ready: connecting\n/);

  session.send({
    type: 'hello-ack',
    serverVersion: 1,
    assignedSources: [sourceOf(program)],
    features: ONE_BYTE,
  });
  await run.line(/connected, awaiting jobs/);
  assert.equal((await fetch(`${origin}/readyz`)).status, 200);
  const after = await program.run(['ready'], { env: { SEMILAYER_HEALTH_PORT: port } });
  assert.equal(after.status, 0, after.stderr);

  await hangingJob(program);
  const count = { kind: 'count', target: 'orders', options: {} };
  session.send({
    id: 'c',
    type: 'job',
    params: { source: sourceOf(program), job: count },
    deadlineMs: 60_000,
  });
  await session.ending('c');
  session.send(await hangingJob(program));
  await run.line(/hang query shop\/orders started/);
  const figures = await fetch(`${origin}/metrics`);
  assert.match(String(figures.headers.get('content-type')), /^text\/plain; version=0\.0\.4/);
  const text = await figures.text();
  for (const figure of [
    'semilayer_runner_connected 1',
    'semilayer_runner_jobs_active 1',
    'semilayer_runner_jobs_total{kind="count",source="shop",ending="done"} 1',
    'semilayer_runner_rows_total{kind="count",source="shop"} 0',
  ]) {
    assert.ok(text.split('\n').includes(figure), figure);
  }
  for (const figure of ['process_resident_memory_bytes', 'nodejs_eventloop_lag_seconds']) {
    assert.match(text, new RegExp(`^${figure} [0-9.e-]+$`, 'm'));
  }
  run.kill('SIGTERM');
  await run.line(/SIGTERM: draining up to 25s; again to cancel/);
  assert.equal((await fetch(`${origin}/readyz`)).status, 503);
  assert.equal((await fetch(`${origin}/livez`)).status, 200);
  run.kill('SIGTERM');
  await run.line(/SIGTERM: cancelling the jobs under way; again to leave at once/);
  assert.equal((await run.ended).status, 143);
});

test('signals: idle is 0, a drain in time is 0, the second is 130, grace over is 124', async t => {
  const program = await openProgram(t);
  const idle = await connected(t, program);
  idle.run.kill('SIGINT');
  assert.equal((await idle.run.ended).status, 0);
  assert.equal((await idle.session.closed).code, 1000);

  const over = await connected(t, program, ['--grace-period', '500ms']);
  over.session.send(await hangingJob(program));
  await over.run.line(/hang query shop\/orders started/);
  over.run.kill('SIGTERM');
  assert.equal((await over.run.ended).status, 124);
  assert.equal((await over.session.ending('hang')).code, 'CANCELLED');

  const twice = await connected(t, program);
  twice.session.send(await hangingJob(program));
  await twice.run.line(/hang query shop\/orders started/);
  twice.run.kill('SIGINT');
  await twice.run.line(/again to cancel/);
  twice.run.kill('SIGINT');
  assert.equal((await twice.run.ended).status, 130);
  assert.equal((await twice.session.ending('hang')).code, 'CANCELLED');

  const never = program.start(['run', '--gateway-url', 'ws://127.0.0.1:9/connect'], env());
  await never.line(/next attempt in/);
  never.kill('SIGTERM');
  assert.equal((await never.ended).status, 0);
});

test('one start line says who, with which token and where; JSON lines say the same; the token is in neither', async t => {
  const program = await openProgram(t);
  for (const format of ['pretty', 'json']) {
    const { run } = await connected(t, program, ['--log-format', format]);
    run.kill('SIGTERM');
    const { stdout, status } = await run.ended;
    assert.equal(status, 0);
    assert.ok(!(stdout + run.stderr).includes(TOKEN.slice(3)));
    assert.equal(run.stderr, '');
    const [first = '', second = ''] = stdout.split('\n');
    if (format === 'json') {
      const lines = stdout
        .trim()
        .split('\n')
        .map(line => JSON.parse(line) as Record<string, unknown>);
      for (const { time, level, msg } of lines) {
        assert.match(String(time), /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);
        assert.deepEqual([typeof level, typeof msg], ['string', 'string']);
      }
      assert.ok(lines.some(({ msg }) => msg === 'connected, awaiting jobs'));
    }
    assert.match(first, /runner 0b9c1c9e-\S+ with token rk_…0000:[0-9a-f]{8} to ws:\/\/127/);
    assert.match(first, /--gateway-url/);
    assert.match(second, /checksum/, 'a token with a wrong checksum is a warning');
  }
});

test('what is missing or contradicts itself ends with the status that names it', async t => {
  const program = await openProgram(t);
  await writeFile(join(program.cwd, 'token'), `${TOKEN}\n`);
  const cases: [string[], Record<string, string>, number, RegExp][] = [
    [[], {}, 2, /SEMILAYER_RUNNER_ID/],
    [[], { SEMILAYER_RUNNER_ID: ID }, 4, /SEMILAYER_RUNNER_TOKEN/],
    [[], { ...env(), SEMILAYER_RUNNER_TOKEN_FILE: 'token' }, 2, /both/],
    [[], { SEMILAYER_RUNNER_ID: ID, SEMILAYER_RUNNER_TOKEN: 'sk_not-a-runner-token' }, 77, /API key/],
    [['--gateway-url', 'ftp://127.0.0.1:1/connect'], env(), 2, /ws:/],
    [['--gateway-url', 'ws://runner.example.com/connect'], env(), 2, /insecure/],
    [['--concurrency', 'lots'], env(), 2, /concurrency/],
    [['--grace-period', '10'], env(), 2, /25s|10m/],
    [['--env-file', 'nowhere.env'], env(), 2, /nowhere\.env/],
    [['--health-port', '70000'], env(), 2, /--health-port/],
    [['--log-format', 'xml'], env(), 2, /pretty/],
  ];
  for (const [args, settings, status, said] of cases) {
    const result = await program.run(['run', ...args], { env: settings });
    assert.deepEqual([args, result.status], [args, status], result.stderr);
    assert.match(result.stdout + result.stderr, said);
    assert.match(result.stdout + result.stderr, /^error: .+\n(hint: .+\n)?$|ERROR stopped/);
    assert.ok(!result.stderr.includes(TOKEN.slice(3)));
  }
});

test('a refused token is 77 and a gateway with no common version 2, each with its reason', async t => {
  const program = await openProgram(t);
  const refusing = await openScriptedGateway(t, () => ({ status: 401 }));
  const refused = await program.run(['run', '--gateway-url', refusing.url], { env: env() });
  assert.equal(refused.status, 77);
  assert.match(refused.stderr, /^error: token refused .*\nhint: .*semilayer runners rotate 0b9c1c9e.*\n$/);
  const asJson = await program.run(['run', '--gateway-url', refusing.url, '--json', '--log-format', 'json'], {
    env: env(),
  });
  const { error } = JSON.parse(asJson.stderr) as { error: Record<string, string> };
  assert.equal(error.code, 'token_refused');
  assert.match(error.hint ?? '', /rotate/);
  for (const line of asJson.stdout.trim().split('\n')) assert.ok('msg' in JSON.parse(line));

  const endings: [code: number, reason: string, times: number, status: number, said: RegExp][] = [
    [
      4401,
      'token rotated or revoked',
      1,
      77,
      /^error: token refused, rotated or revoked \(4401\)\nhint: .*rotate/,
    ],
    [
      4403,
      'the token belongs to another runner',
      1,
      77,
      /^error: [^:]+ another runner \(4403\)\nhint: .*--id/,
    ],
    [
      4406,
      'gateway speaks 2, runner speaks 1',
      1,
      2,
      /speaks 1\) \(4406\): gateway speaks 2.*\nhint: upgrade/,
    ],
    [
      4400,
      'hello.version',
      5,
      1,
      /^error: .*\(4400\): hello.version \(5 times in a minute\)\nhint: .*doctor/,
    ],
  ];
  for (const [code, reason, times, status, said] of endings) {
    const gateway = await openScriptedGateway(t);
    const run = program.start(['run', '--gateway-url', gateway.url], env());
    for (let time = 0; time < times; time++) (await gateway.session()).socket.close(code, reason);
    assert.equal((await run.ended).status, status, String(code));
    assert.match(run.stderr, said);
  }
});

test('no token, on stdin or in a file that stays away, is 4, and no fingerprint of nothing is logged', async t => {
  const program = await openProgram(t);
  await writeFile(join(program.cwd, 'empty'), '\n');
  const cases: [string[], RegExp][] = [
    [['--token-file', '-'], /no token on stdin/],
    [['--token-file', 'nowhere', '--token-wait', '0ms'], /nowhere cannot be read/],
    [['--token-file', 'empty', '--token-wait', '0ms'], /empty is empty/],
  ];
  for (const [args, said] of cases) {
    const { status, stdout, stderr } = await program.run(['run', '--id', 'edge', ...args]);
    assert.deepEqual([args, status], [args, 4], stderr);
    assert.match(stderr, said);
    assert.match(stderr, /^error: /);
    assert.ok(!stdout.includes('rk_…'), stdout);
  }
});

test('--env-file gives what the environment does not, and its values win', async t => {
  const program = await openProgram(t);
  const gateway = await openScriptedGateway(t);
  const file = join(program.cwd, 'runner.env');
  await writeFile(
    file,
    `\uFEFFSEMILAYER_RUNNER_ID=${ID}\r\nSEMILAYER_RUNNER_TOKEN=${TOKEN}\r\nSEMILAYER_GATEWAY_URL=${gateway.url}\r\n`,
  );
  const run = program.start(['run', '--env-file', 'runner.env'], { SEMILAYER_RUNNER_ID: 'another' });
  const session = await gateway.greeted();
  assert.equal(session.frames[0]?.runnerId, ID);
  assert.equal(gateway.upgrades[0]?.authorization, `Bearer ${TOKEN}`);
  await run.line(/connected/);
});

/** With no further credit, a job of more rows than one chunk waits for ever. */
const ONE_BYTE = { credit: { windowBytes: 1 } };

function sourceOf(program: Program): Record<string, unknown> {
  const config = { url: `file:${join(program.cwd, 'shop.db')}` };
  return {
    id: 's1',
    name: 'shop',
    bridge: '@semilayer/bridge-sqlite',
    credentialsLocation: 'managed',
    config,
  };
}

async function hangingJob(program: Program): Promise<Record<string, unknown>> {
  const file = join(program.cwd, 'shop.db');
  if (!existsSync(file)) await writeSampleDatabase(file, { rows: 2_000 });
  const job = { kind: 'query', target: 'orders', options: {} };
  return { id: 'hang', type: 'job', params: { source: sourceOf(program), job }, deadlineMs: 60_000 };
}

function env(): Record<string, string> {
  return { SEMILAYER_RUNNER_ID: ID, SEMILAYER_RUNNER_TOKEN: TOKEN };
}

async function connected(t: TestContext, program: Program, args: string[] = []) {
  const gateway = await openScriptedGateway(t);
  const run = program.start(['run', '--gateway-url', gateway.url, '--log-level', 'debug', ...args], env());
  const session = await gateway.greeted([sourceOf(program)], { features: ONE_BYTE });
  await run.line(/connected, awaiting jobs/);
  return { run, session };
}
