import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { CommandLine } from '../support/command-line.ts';
import { FakeClock } from '../support/fake-clock.ts';
import { FakeService, ndjson } from '../support/fake-service.ts';

const QUERY = 'POST /v1/sources/shop/query';
const KEY = 'sk_canaryKEY0123456789';
const ROWS = [
  { id: 1, name: 'a,"b"', note: null },
  { id: 2, name: 'c\nd', note: '' },
];

test('off a terminal rows are NDJSON', async t => {
  const { line, service } = await start(t);
  service.on(QUERY, ndjson(ROWS));
  const { status, stdout, stderr } = await line.run(['query', 'shop', 'orders']);
  assert.equal(status, 0);
  assert.equal(stdout, ROWS.map(row => `${JSON.stringify(row)}\n`).join(''));
  assert.equal(stderr, '');
  assert.deepEqual(service.last().body, { target: 'orders' });
});

test('flags become the question', async t => {
  const { line, service } = await start(t);
  service.on(QUERY, ndjson([]));
  const { status } = await line.run([
    ...[
      'query',
      'shop',
      'orders',
      '--where',
      '{"a":{"$gte":1},"b":9007199254740993}',
      '--order-by',
      'b:desc,a, c:asc',
    ],
    ...['--select', 'a,b', '--limit', '0', '--offset', '7', '--timeout', '1m30s'],
  ]);
  assert.equal(status, 0);
  assert.deepEqual(service.last().body, {
    target: 'orders',
    where: { a: { $gte: 1 }, b: '9007199254740993' },
    orderBy: [
      { field: 'b', dir: 'desc' },
      { field: 'a', dir: 'asc' },
      { field: 'c', dir: 'asc' },
    ],
    select: ['a', 'b'],
    limit: 0,
    offset: 7,
    deadlineMs: 90_000,
  });
});

test('CSV of no rows has the header of the table, where that can be had', async t => {
  const { line, service } = await start(t);
  service.on(QUERY, ndjson([]));
  const columns = [{ name: 'id' }, { name: 'a,b' }];
  service.on('GET /v1/sources/shop/targets/orders', { json: { name: 'orders', columns } });
  const csv = ['query', 'shop', 'orders', '--csv'];
  const { status, stdout } = await line.run(csv);
  assert.deepEqual([status, stdout], [0, 'id,"a,b"\r\n']);
  service.problem('GET /v1/sources/shop/targets/orders', 502, 'SOURCE_UNREACHABLE');
  const without = await line.run(csv);
  assert.deepEqual([without.status, without.stdout, without.stderr], [0, '', '']);
  service.problem(QUERY, 422, 'SOURCE_QUERY_FAILED');
  const asked = service.requests.length;
  assert.equal((await line.run(csv)).status, 7);
  assert.equal(service.requests.length, asked + 1);
});

const WRONG = [
  ['--where', '{a:1}'],
  ['--where', '[]'],
  ['--where', 'null'],
  ['--order-by', 'a:down'],
  ['--order-by', 'a,,b'],
  ['--limit', '-1'],
  ['--limit', '1.5'],
  ['--limit', 'many'],
  ['--timeout', '0s'],
  ['--timeout', '2d'],
  ['--timeout', '30'],
  ['--csv', '--json'],
];

for (const flags of WRONG) {
  test(`wrong usage asks nothing: ${flags.join(' ')}`, async t => {
    const { line, service } = await start(t);
    const { status, stdout, stderr } = await line.run(['query', 'shop', 'orders', ...flags]);
    assert.equal(status, 2);
    assert.equal(stdout, '');
    assert.match(stderr, new RegExp(flags[0] as string));
    assert.equal(service.requests.length, 0);
  });
}

test('the first rows are out while later ones are still being read', async t => {
  const { line, service } = await start(t);
  let finish = (): void => {};
  service.on(QUERY, response => {
    response.writeHead(200, { 'content-type': 'application/x-ndjson' });
    response.write('{"id":1}\n');
    finish = () => response.end('{"id":2}\n');
  });
  // The service sends the second row only after the first has come out at the other end.
  const { stdout } = await line.run(['query', 'shop', 'orders'], { onStdout: () => finish() });
  assert.equal(stdout, '{"id":1}\n{"id":2}\n');
});

test('a failure after the first rows is on stderr, and the exit is its own', async t => {
  const { line, service } = await start(t);
  const failure = { $error: { code: 'QUERY_TIMEOUT', message: 'past the deadline', rows: 2 } };
  for (const flags of [[], ['--csv']]) {
    service.on(QUERY, ndjson([...ROWS, failure], 'cut'));
    const { status, stdout, stderr } = await line.run(['query', 'shop', 'orders', ...flags]);
    assert.equal(status, 7);
    assert.doesNotMatch(stdout, /error/);
    assert.match(stderr, /^error: past the deadline\n/);
  }
});

test('--csv has a header from the first row, or from --select', async t => {
  const { line, service } = await start(t);
  service.on(QUERY, ndjson(ROWS));
  const plain = await line.run(['query', 'shop', 'orders', '--csv']);
  assert.equal(plain.stdout, 'id,name,note\r\n1,"a,""b""",\r\n2,"c\nd",""\r\n');
  const selected = await line.run(['query', 'shop', 'orders', '--csv', '--select', 'note,toString']);
  assert.equal(selected.stdout, 'note,toString\r\n,\r\n"",\r\n');
  service.on(QUERY, ndjson([]));
  assert.equal((await line.run(['query', 'shop', 'orders', '--csv', '--select', 'a,b'])).stdout, 'a,b\r\n');
});

test('--json prints rows and meta once complete, and nothing on failure', async t => {
  const { line, service } = await start(t);
  const answer = { rows: ROWS, meta: { count: 2, durationMs: 3, runnerId: 'r' } };
  service.on(QUERY, { json: answer });
  assert.deepEqual(JSON.parse((await line.run(['query', 'shop', 'orders', '--json'])).stdout), answer);
  assert.equal(service.last().accept, 'application/json');
  service.problem(QUERY, 502, 'runner_failed');
  const { status, stdout, stderr } = await line.run(['query', 'shop', 'orders', '--json']);
  assert.equal(status, 6);
  assert.equal(stdout, '');
  assert.equal(JSON.parse(stderr).error.code, 'runner_failed');
});

test('at a terminal rows are a table, and what is in them stays in its cell', async t => {
  const { line, service } = await start(t);
  service.on(
    QUERY,
    ndjson([
      { id: 1, name: 'a\u001b[2Jb', more: { x: [1] } },
      { id: 20, name: null },
    ]),
  );
  const { stdout, stderr } = await line.run(['query', 'shop', 'orders', '--no-color'], {
    terminal: ['stdout'],
  });
  assert.equal(stdout, 'id  name       more\n 1  a\\x1b[2Jb  {"x":[1]}\n20  null       null\n');
  assert.equal(stderr, '2 rows\n');
});

test('at a terminal slow rows are shown as they are after a second', async t => {
  const { line, service } = await start(t);
  const clock = new FakeClock();
  let finish = (): void => {};
  const sent = new Promise<void>(resolve => {
    service.on(QUERY, response => {
      response.writeHead(200, { 'content-type': 'application/x-ndjson' });
      response.write('{"id":1}\n', () => resolve());
      finish = () => response.end('{"id":2}\n');
    });
  });
  const running = line.run(['query', 'shop', 'orders', '--no-color'], {
    terminal: ['stdout'],
    clock,
    onStdout: () => finish(),
  });
  await sent;
  const turning = setInterval(() => void clock.advance(1_000), 5);
  t.after(() => clearInterval(turning));
  assert.equal((await running).stdout, 'id\n 1\nid\n 2\n');
});

test('NDJSON at a terminal is the same rows with nothing in them that a terminal obeys', async t => {
  const { line, service } = await start(t);
  service.on(QUERY, ndjson([{ name: '\u009b2J\u202e' }]));
  const { stdout } = await line.run(['query', 'shop', 'orders', '--ndjson'], { terminal: ['stdout'] });
  assert.equal(stdout, '{"name":"\\u009b2J\\u202e"}\n');
});

test('count prints a number', async t => {
  const { line, service } = await start(t);
  service.on('POST /v1/sources/shop/count', { json: { total: 4000 } });
  assert.equal((await line.run(['count', 'shop', 'orders', '--where', '{"a":1}'])).stdout, '4000\n');
  assert.deepEqual(service.last().body, { target: 'orders', where: { a: 1 } });
  const json = await line.run(['count', 'shop', 'orders', '--json']);
  assert.deepEqual(JSON.parse(json.stdout), { total: 4000, approximate: false });
});

async function start(t: TestContext): Promise<{ line: CommandLine; service: FakeService }> {
  const [line, service] = await Promise.all([CommandLine.create(t), FakeService.start(t)]);
  line.env = { ...line.env, SEMILAYER_SERVICE_URL: service.url, SEMILAYER_API_KEY: KEY };
  return { line, service };
}
