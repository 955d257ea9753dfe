/** What an operator sees of a runner from outside: health, logs, the service manager. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { rename } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { writeSampleDatabase } from '../../src/bridges/sample-data.ts';
import { openProgram, type Program } from '../support/program.ts';
import { openScriptedGateway } from '../support/scripted-gateway.ts';

const TOKEN = `rk_${'0'.repeat(49)}`;
const ENV = { SEMILAYER_RUNNER_ID: 'edge-1', SEMILAYER_RUNNER_TOKEN: TOKEN };

test('health is up before the first connection, and names the database that does not answer', async t => {
  const program = await openProgram(t);
  const gateway = await openScriptedGateway(t);
  await writeSampleDatabase(join(program.cwd, 'shop.db'), { rows: 5 });
  const run = program.start(['run', '--gateway-url', gateway.url, '--health-port', '0'], {
    ...ENV,
    SEMILAYER_SOURCE_SHOP_URL: 'file:shop.db',
    SEMILAYER_SOURCE_PG_MAIN_URL: 'postgresql://u:canary-password@127.0.0.1:9/main',
  });
  const [, port = ''] = await run.line(/health on http:\/\/127\.0\.0\.1:(\d+)/);
  const session = await gateway.session();
  await session.next('hello');
  assert.deepEqual(await readiness(port), [503, 'connecting', []]);
  assert.equal((await fetch(`http://127.0.0.1:${port}/livez`)).status, 200);
  const sources = [local('shop'), local('pg-main'), local('nowhere')];
  session.send({ type: 'hello-ack', serverVersion: 1, assignedSources: sources });
  const degraded = ['pg-main unreachable', 'nowhere misconfigured'];
  const readyz = async () => await (await fetch(`http://127.0.0.1:${port}/readyz`)).text();
  await until(async () => (await readiness(port))[2].length === 2 && !(await readyz()).includes('unknown'));
  const [status, state, problems] = await readiness(port);
  assert.deepEqual([status, state, problems], [200, 'degraded', degraded]);
  const body = await readyz();
  assert.deepEqual(JSON.parse(body).sourceStates, {
    shop: 'ok',
    'pg-main': 'unreachable',
    nowhere: 'misconfigured',
  });
  assert.ok(!body.includes('canary'));
  const ready = await program.run(['ready', '--health-port', port]);
  assert.deepEqual(
    [ready.status, ready.stderr],
    [0, 'ready: degraded: pg-main unreachable, nowhere misconfigured\n'],
  );

  // A job that fails tells at once; one that is answered tells as soon as it is.
  await rename(join(program.cwd, 'shop.db'), join(program.cwd, 'away.db'));
  session.send({ type: 'assignments-changed', assignedSources: [{ ...local('shop'), id: 'other' }] });
  const job = { kind: 'count', target: 'orders', options: {} };
  const ask = (id: string) =>
    session.send({
      type: 'job',
      id,
      params: { source: { ...local('shop'), id: 'other' }, job },
      deadlineMs: 9_000,
    });
  ask('one');
  assert.equal((await session.ending('one')).code, 'SOURCE_UNREACHABLE');
  assert.deepEqual((await readiness(port))[2], ['shop unreachable']);
  await rename(join(program.cwd, 'away.db'), join(program.cwd, 'shop.db'));
  ask('two');
  await session.ending('two');
  assert.deepEqual(await readiness(port), [200, 'connected', []]);
});

test('a job is one line, with the id its caller knows; SIGUSR2 shows more, and less again', async t => {
  const program = await openProgram(t);
  const gateway = await openScriptedGateway(t);
  await writeSampleDatabase(join(program.cwd, 'shop.db'), { rows: 5 });
  const run = program.start(['run', '--gateway-url', gateway.url, '--log-format', 'json'], {
    ...ENV,
    SEMILAYER_SOURCE_SHOP_URL: `file:${join(program.cwd, 'shop.db')}`,
  });
  const session = await gateway.greeted([local('shop')], { features: { caller: {} } });
  await run.line(/connected, awaiting jobs/);
  const ask = async (id: string, target = 'orders') => {
    const params = { source: local('shop'), job: { kind: 'query', target, options: {} } };
    session.send({
      type: 'job',
      id,
      params,
      deadlineMs: 9_000,
      caller: { name: 'ci', requestId: `request-${id}` },
    });
    await session.ending(id);
  };
  await ask('a');
  run.kill('SIGUSR2');
  await run.line(/log level debug/);
  // Whatever text comes from outside, a token or a password in it is not repeated.
  await ask('b', `${TOKEN} postgresql://u:canary-password@db/x`);
  run.kill('SIGUSR2');
  await run.line(/log level info/);
  await ask('c');
  run.kill('SIGTERM');
  const { stdout } = await run.ended;
  const lines = stdout
    .trim()
    .split('\n')
    .map(line => JSON.parse(line) as Record<string, unknown>);
  const of = (id: string) => lines.filter(line => line.jobId === id).map(line => line.level);
  assert.deepEqual([of('a'), of('b'), of('c')], [['info'], ['debug', 'warn'], ['info']]);
  const [first] = lines.filter(line => line.jobId === 'a');
  assert.deepEqual([first?.caller, first?.requestId, first?.rows], ['ci', 'request-a', 5]);
  assert.ok(!stdout.includes(TOKEN) && !stdout.includes('canary-password'), stdout);
  const quiet = program.start(['run', '--gateway-url', gateway.url, '--log-level', 'error'], ENV);
  await gateway.greeted([]);
  quiet.kill('SIGTERM');
  assert.equal((await quiet.ended).stdout, '');
});

test('systemd is told when the runner is connected, that it leaves, and that it lives', async t => {
  const program = await openProgram(t);
  const socket = join(program.cwd, 'notify');
  const told = await listenTo(program, socket);
  t.after(() => told.child.kill());
  const gateway = await openScriptedGateway(t);
  const run = program.start(['run', '--gateway-url', gateway.url], {
    ...ENV,
    NOTIFY_SOCKET: socket,
    WATCHDOG_USEC: '200000',
  });
  const session = await gateway.session();
  await session.next('hello');
  await told.line('WATCHDOG=1');
  assert.ok(!told.lines().includes('READY=1'), 'not connected yet');
  session.send({ type: 'hello-ack', serverVersion: 1, assignedSources: [] });
  await told.line('READY=1');
  await told.line('STATUS=connected');
  run.kill('SIGTERM');
  await told.line('STOPPING=1');
  assert.equal((await run.ended).status, 0);
  assert.ok(!told.lines().join().includes(TOKEN));
});

/** A datagram socket, which Node cannot open, by the Perl that every Debian has. */
async function listenTo(program: Program, path: string) {
  const script = `use Socket; socket(S, AF_UNIX, SOCK_DGRAM, 0) or die; bind(S, sockaddr_un($ARGV[0])) or die;
    $| = 1; print "bound\\n"; while (defined(recv(S, my $m, 65536, 0))) { print "$m\\n" }`;
  const child = spawn('perl', ['-e', script, path], {
    cwd: program.cwd,
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let text = '';
  child.stdout.setEncoding('utf8').on('data', chunk => {
    text += chunk;
  });
  const lines = () => text.split('\n');
  const line = async (wanted: string): Promise<void> => {
    while (!lines().includes(wanted)) await once(child.stdout, 'data');
  };
  await line('bound');
  return { child, lines, line };
}

function local(name: string): Record<string, unknown> {
  const bridge = name === 'shop' ? '@semilayer/bridge-sqlite' : '@semilayer/bridge-postgres';
  return { id: name, name, bridge, credentialsLocation: 'runner-local' };
}

async function readiness(port: string): Promise<[status: number, state: string, problems: string[]]> {
  const answer = await fetch(`http://127.0.0.1:${port}/readyz`);
  const { status, problems } = (await answer.json()) as { status: string; problems: string[] };
  return [answer.status, status, problems];
}

/** Waits for something that a real process will bring about. */
async function until(holds: () => Promise<boolean>): Promise<void> {
  while (!(await holds())) await new Promise(resolve => setTimeout(resolve, 5));
}
