import assert from 'node:assert/strict';
import { chmod, mkdir, readFile, stat, writeFile } from 'node:fs/promises';
import type { ServerResponse } from 'node:http';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { CommandLine } from '../support/command-line.ts';
import { FakeClock } from '../support/fake-clock.ts';
import { FakeService } from '../support/fake-service.ts';

const KEY = 'sk_canaryKEY0123456789';
const TOKEN = 'rk_canaryTOKEN0123456789';
const ID = '11111111-2222-4333-8444-555555555555';
const RECORD = {
  id: ID,
  name: 'edge-1',
  type: 'customer',
  status: 'online',
  sources: ['orders', 'shop'],
  sessions: [
    {
      id: 's1',
      instance: 'host:1',
      version: '1.2.3',
      remoteAddress: '10.0.0.1',
      connectedAt: '2026-01-01T00:00:00.000Z',
      lastHeartbeatAt: '2026-01-01T00:00:10.000Z',
      activeJobs: 2,
      fingerprint: 'rk_…6789:1a2b3c4d',
    },
  ],
  version: '1.2.3',
  fingerprint: 'rk_…6789:1a2b3c4d',
  previousFingerprint: null,
  previousExpiresAt: null,
  createdAt: '2026-01-01T00:00:00.000Z',
  lastSeenAt: '2026-01-01T00:00:10.000Z',
  rotatedAt: null,
};
const WITH_TOKEN = { ...RECORD, token: TOKEN };
const BLOCK = `SEMILAYER_RUNNER_ID=${ID}\nSEMILAYER_RUNNER_TOKEN=${TOKEN}\n`;

test('create prints the env block and nothing else; words are on stderr, secrets are not', async t => {
  const { line, service } = await start(t);
  const { status, stdout, stderr } = await line.run(['runners', 'create', 'edge-1']);
  assert.equal(status, 0);
  assert.equal(stdout, BLOCK);
  assert.match(stderr, /rk_…6789:1a2b3c4d/);
  assert.match(stderr, /SEMILAYER_GATEWAY_URL=ws:\/\/gateway\.test\/connect/);
  noSecrets(stderr);
  assert.deepEqual(service.requests[0]?.body, { name: 'edge-1' });
});

test('create --json prints the record with its token', async t => {
  const { line } = await start(t);
  const { stdout } = await line.run(['runners', 'create', 'edge-1', '--type', 'customer', '--json']);
  assert.deepEqual(JSON.parse(stdout), WITH_TOKEN);
});

test('create --env-file keeps unrelated lines, closes the file to others, and prints no secret', async t => {
  const { line } = await start(t);
  const file = join(line.directory, '.env');
  await writeFile(file, '# mine\nOTHER=1\n');
  await chmod(file, 0o644);
  const { status, stdout, stderr } = await line.run([
    'runners',
    'create',
    'edge-1',
    '--env-file',
    file,
    '--json',
  ]);
  assert.equal(status, 0);
  assert.deepEqual(JSON.parse(stdout), { ...RECORD, token: null });
  assert.equal(await readFile(file, 'utf8'), `# mine\nOTHER=1\n${BLOCK}`);
  assert.equal((await stat(file)).mode & 0o777, 0o600);
  noSecrets(stdout + stderr);
});

test('create --env-file asks for nothing when the file cannot be written', async t => {
  const { line, service } = await start(t);
  const { status } = await line.run(['runners', 'create', 'edge-1', '--env-file', line.directory]);
  assert.equal(status, 2);
  assert.equal(service.requests.length, 0);
});

test('create says how to recover when the file could not be written after all', async t => {
  const { line, service } = await start(t);
  const directory = join(line.directory, 'there');
  await mkdir(directory);
  const file = join(directory, '.env');
  service.on('POST /v1/runners', async response => {
    // Between the check and the write, the name becomes a directory's.
    await mkdir(file);
    response.writeHead(201, { 'content-type': 'application/json' });
    response.end(JSON.stringify(WITH_TOKEN));
  });
  const { status, stderr } = await line.run(['runners', 'create', 'edge-1', '--env-file', file]);
  assert.equal(status, 1);
  assert.match(stderr, /was created, but its token is lost/);
  assert.match(stderr, /hint: .*semilayer runners rotate edge-1 --yes/);
  noSecrets(stderr);
});

test('a token that would add lines to an env file is not believed', async t => {
  const { line, service } = await start(t);
  service.on('POST /v1/runners', { status: 201, json: { ...RECORD, token: 'rk_x\nPATH=/evil' } });
  const { status, stdout } = await line.run(['runners', 'create', 'edge-1']);
  assert.equal(status, 6);
  assert.equal(stdout, '');
});

test('rotate asks nobody off a terminal: it needs --yes', async t => {
  const { line, service } = await start(t);
  const { status, stderr } = await line.run(['runners', 'rotate', 'edge-1']);
  assert.equal(status, 2);
  assert.match(stderr, /--yes/);
  assert.equal(service.requests.length, 0);
  const yes = await line.run(['runners', 'rotate', 'edge-1', '--yes', '--overlap', '10m']);
  assert.equal(yes.stdout, BLOCK);
  assert.deepEqual(service.requests[0]?.body, { overlapMs: 600_000 });
});

test('rotate asks at a terminal, and no is no', async t => {
  const { line, service } = await start(t);
  const terminal: ['stdin', 'stderr'] = ['stdin', 'stderr'];
  const no = await line.run(['runners', 'rotate', 'edge-1'], { stdin: '\n', terminal });
  assert.equal(no.status, 1);
  assert.match(no.stderr, /\[y\/N\]/);
  assert.equal(service.requests.length, 0);
  const yes = await line.run(['runners', 'rotate', 'edge-1'], { stdin: 'y\n', terminal });
  assert.equal(yes.stdout, BLOCK);
  const noInput = await line.run(['runners', 'rotate', 'edge-1', '--no-input'], { stdin: 'y\n', terminal });
  assert.equal(noInput.status, 2);
});

test('an overlap is a second to a week', async t => {
  const { line } = await start(t);
  for (const overlap of ['0s', '999ms', '8d', 'soon']) {
    assert.equal((await line.run(['runners', 'rotate', 'x', '--yes', '--overlap', overlap])).status, 2);
  }
});

test('list off a terminal is tab-separated, by name, without a header', async t => {
  const { line, service } = await start(t);
  const never = {
    ...RECORD,
    name: 'a',
    status: 'never connected',
    sources: [],
    sessions: [],
    version: null,
    lastSeenAt: null,
  };
  service.on('GET /v1/runners', { json: { items: [RECORD, never], nextCursor: null } });
  const { stdout, stderr } = await line.run(['runners', 'list']);
  assert.equal(
    stdout,
    `${ID}\ta\tcustomer\tnever connected\t\t\t\n` +
      `${ID}\tedge-1\tcustomer\tonline\torders,shop\t1.2.3\t2026-01-01T00:00:10.000Z\n`,
  );
  assert.equal(stderr, '');
  assert.deepEqual(JSON.parse((await line.run(['runners', 'list', '--json'])).stdout), [never, RECORD]);
});

test('list at a terminal is a table in which nothing from outside moves the cursor', async t => {
  const { line, service } = await start(t);
  const evil = { ...RECORD, name: 'a\u001b[2Jb\u202ec' };
  service.on('GET /v1/runners', { json: { items: [evil], nextCursor: null } });
  const clock = new FakeClock(Date.parse('2026-01-01T00:00:22.000Z'));
  const { stdout } = await line.run(['runners', 'list', '--no-color'], { terminal: ['stdout'], clock });
  assert.equal(
    stdout,
    'ID                                    NAME              TYPE      STATUS    SOURCES       VERSION  LAST SEEN\n' +
      `${ID}  a\\x1b[2Jb\\u202ec  customer  ● online  orders, shop  1.2.3    12 s ago\n`,
  );
  const coloured = await line.run(['runners', 'list', '--color'], { terminal: ['stdout'], clock });
  assert.match(coloured.stdout, /\u001b\[32monline/);
});

test('list --watch shows what the event stream tells of, at once', async t => {
  const { line, service } = await start(t);
  let status = 'offline';
  let stream: ServerResponse | undefined;
  service.on('GET /v1/runners', response => {
    response.writeHead(200, { 'content-type': 'application/json' });
    response.end(JSON.stringify({ items: [{ ...RECORD, status }], nextCursor: null }));
  });
  const opened = new Promise<void>(resolve => {
    service.on('GET /v1/events', response => {
      response.writeHead(200, { 'content-type': 'text/event-stream' });
      response.write('retry: 1000\n\n');
      stream = response;
      resolve();
    });
  });
  let seen: (text: string) => void = () => {};
  const shows = (text: string) =>
    new Promise<void>(resolve => {
      seen = all => all.includes(text) && resolve();
    });
  let all = '';
  const offline = shows('offline');
  // A clock that nobody turns: only the event can have told.
  const clock = new FakeClock();
  const watching = line.run(['runners', 'list', '--watch'], {
    clock,
    onStdout: text => {
      all += text;
      seen(all);
    },
  });
  await Promise.all([offline, opened]);
  const online = shows('online');
  status = 'online';
  stream?.write('id: 7\nevent: runner.changed\ndata: {"type":"runner.changed"}\n\n');
  await online;
  const asked = service.requests.filter(one => one.path.startsWith('/v1/runners')).length;
  assert.equal(asked, 2);
  line.signal('SIGTERM');
  assert.equal((await watching).status, 0);
});

test('list --watch shows changes alone, outlives a restart, and ends with 0 when interrupted', async t => {
  const { line, service } = await start(t);
  const clock = new FakeClock();
  let asked = 0;
  const states = ['online', 'online', 'gone', 'offline'];
  service.on('GET /v1/runners', response => {
    const state = states[Math.min(asked++, states.length - 1)];
    if (state === 'gone') return void response.socket?.destroy();
    response.writeHead(200, { 'content-type': 'application/json' });
    response.end(JSON.stringify({ items: [{ ...RECORD, status: state }], nextCursor: null }));
  });
  const watching = line.run(['runners', 'list', '--watch'], { clock });
  while (asked <= states.length) {
    await clock.advance(1_000);
    await new Promise(resolve => setImmediate(resolve));
  }
  line.signal('SIGINT');
  const { status, stdout, stderr } = await watching;
  assert.equal(status, 0);
  assert.deepEqual(
    stdout
      .trimEnd()
      .split('\n')
      .map(one => one.split('\t')[3]),
    ['online', 'offline'],
  );
  assert.match(stderr, /still trying/);
});

test('show prints the record, then its sessions', async t => {
  const { line, service } = await start(t);
  service.on('GET /v1/runners/edge-1', { json: RECORD });
  const { stdout } = await line.run(['runners', 'show', 'edge-1']);
  assert.match(stdout, /^id\t1111.*\nname\tedge-1\n/);
  assert.match(stdout, /\ns1\thost:1\t1\.2\.3\t10\.0\.0\.1\t/);
  assert.deepEqual(JSON.parse((await line.run(['runners', 'show', 'edge-1', '--json'])).stdout), RECORD);
});

test('a name that cannot be a part of a URL is not found, and one that can is encoded', async t => {
  const { line, service } = await start(t);
  for (const name of ['..', '.', '']) assert.equal((await line.run(['runners', 'show', name])).status, 3);
  assert.equal(service.requests.length, 0);
  assert.equal((await line.run(['runners', 'show', '../x y'])).status, 3);
  assert.equal(service.last().path, '/v1/runners/..%2Fx%20y');
});

test('what is far longer than any name names nothing, and is not shown whole', async t => {
  const { line, service } = await start(t);
  const { status, stderr } = await line.run(['runners', 'show', 'a'.repeat(20_000)]);
  assert.equal(status, 3);
  assert.match(stderr, /^error: "a{100}…" names none of the runners\n/);
  assert.equal(service.requests.length, 0);
});

test('assign and unassign name every source at once', async t => {
  const { line, service } = await start(t);
  service.on('POST /v1/runners/edge-1/sources', { json: RECORD });
  service.on('DELETE /v1/runners/edge-1/sources', { status: 204, json: null });
  service.on('GET /v1/runners/edge-1', { json: { ...RECORD, sources: [] } });
  assert.equal((await line.run(['runners', 'assign', 'edge-1', 'orders', 'shop'])).status, 0);
  assert.deepEqual(service.last().body, { sources: ['orders', 'shop'] });
  const { stderr } = await line.run(['runners', 'unassign', 'edge-1', 'orders', 'shop']);
  assert.match(stderr, /no source/);
});

const FAILURES: [status: number, code: string, exit: number][] = [
  [400, 'invalid_request', 2],
  [401, 'unauthorized', 77],
  [403, 'forbidden', 77],
  [404, 'not_found', 3],
  [409, 'conflict', 5],
  [429, 'too_many_jobs', 6],
  [500, 'internal', 1],
  [503, 'service_unavailable', 6],
  [502, 'code_of_a_newer_service', 1],
];

for (const [httpStatus, code, exit] of FAILURES) {
  test(`the service's ${httpStatus} ${code} is exit ${exit}`, async t => {
    const { line, service } = await start(t);
    service.problem('POST /v1/runners/edge-1/revoke', httpStatus, code);
    const { status, stdout, stderr } = await line.run(['runners', 'revoke', 'edge-1', '--yes', '--json']);
    assert.equal(status, exit);
    assert.equal(stdout, '');
    assert.equal(JSON.parse(stderr).error.code, code);
    noSecrets(stderr);
  });
}

test('without a key there is nothing to ask with', async t => {
  const { line } = await start(t);
  const { status, stderr } = await line.run(['runners', 'list'], { env: { SEMILAYER_API_KEY: '' } });
  assert.equal(status, 4);
  assert.match(stderr, /hint: semilayer login/);
});

async function start(t: TestContext): Promise<{ line: CommandLine; service: FakeService }> {
  const [line, service] = await Promise.all([CommandLine.create(t), FakeService.start(t)]);
  line.env = { ...line.env, SEMILAYER_SERVICE_URL: service.url, SEMILAYER_API_KEY: KEY };
  service.on('GET /v1/whoami', {
    json: { name: 'k', role: 'admin', gatewayUrl: 'ws://gateway.test/connect' },
  });
  service.on('POST /v1/runners', { status: 201, json: WITH_TOKEN });
  service.on('POST /v1/runners/edge-1/rotate', { json: WITH_TOKEN });
  return { line, service };
}

function noSecrets(text: string): void {
  assert.ok(!text.includes(TOKEN));
  assert.ok(!text.includes(KEY));
}
