/** The whole loop as a person has it: the built program, real processes, a real database. */
import assert from 'node:assert/strict';
import { mkdir, readdir, readFile, rename, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { test } from 'node:test';
import { writeSampleDatabase } from '../../src/bridges/sample-data.ts';
import { openProgram } from '../support/program.ts';

const TOKEN_LINE = /^SEMILAYER_RUNNER_TOKEN=(rk_[0-9A-Za-z]{49})$/m;

/** Files below `directory` that hold `secret`, as paths relative to it. */
async function filesHolding(directory: string, secret: string): Promise<string[]> {
  const entries = await readdir(directory, { recursive: true, withFileTypes: true });
  const paths = entries.filter(entry => entry.isFile()).map(entry => join(entry.parentPath, entry.name));
  const holding = await Promise.all(
    paths.map(async path => ((await readFile(path)).includes(secret) ? path : undefined)),
  );
  return holding.filter(path => path !== undefined).map(path => path.slice(directory.length + 1));
}

/** What other users of the machine can see of every process: its arguments. Empty where there is no /proc. */
async function commandLines(): Promise<string> {
  const ids = (await readdir('/proc').catch(() => [])).filter(name => /^\d+$/.test(name));
  return (await Promise.all(ids.map(id => readFile(`/proc/${id}/cmdline`, 'utf8').catch(() => '')))).join(
    '\n',
  );
}

interface Runner {
  name: string;
  status: string;
}

test('create into a file, run from it: connected, online, a query, offline; the token is in that file alone', async t => {
  const { cwd, run, start, json, gateway } = await openProgram(t);
  const served = await gateway();
  await writeSampleDatabase(join(cwd, 'shop.db'), { rows: 50 });
  const added = await run(['sources', 'add', 'shop', '--bridge', 'sqlite', '--url-stdin'], {
    stdin: 'file:shop.db',
  });
  assert.equal(added.status, 0, added.stderr);
  const created = await run(['runners', 'create', 'edge']);
  assert.match(created.stdout, /^SEMILAYER_RUNNER_ID=[0-9a-f-]{36}\nSEMILAYER_RUNNER_TOKEN=rk_\w{49}\n$/);
  await writeFile(join(cwd, '.env'), created.stdout);
  const token = TOKEN_LINE.exec(created.stdout)?.[1] as string;
  assert.equal((await run(['runners', 'assign', 'edge', 'shop'])).status, 0);
  const status = async () => (await json<Runner[]>(['runners', 'list']))[0]?.status;
  assert.equal(await status(), 'never connected');

  const runner = start(['run', '--env-file', '.env']);
  await runner.line(/connected, awaiting jobs/);
  assert.equal(await status(), 'online');
  const query = await run(['query', 'shop', 'orders', '--order-by', 'id', '--limit', '2', '--select', 'id']);
  assert.deepEqual([query.status, query.stdout], [0, '{"id":1}\n{"id":2}\n']);
  assert.equal((await run(['count', 'shop', 'orders'])).stdout, '50\n');
  const shown = await run(['runners', 'show', 'edge']);
  assert.ok((await commandLines()).includes('semilayer.js') || process.platform !== 'linux');
  assert.ok(!(await commandLines()).includes(token));

  runner.kill('SIGTERM');
  const stopped = await runner.ended;
  assert.equal(stopped.status, 0);
  assert.equal(await status(), 'offline');

  served.process.kill('SIGTERM');
  const served2 = await served.process.ended;
  assert.equal(served2.status, 0);
  assert.deepEqual(await filesHolding(cwd, token), ['.env']);
  assert.deepEqual(await filesHolding(join(cwd, 'data'), 'shop.db'), []);
  assert.deepEqual(await filesHolding(join(cwd, 'data'), served.key), []);
  const said = [
    stopped.stdout,
    runner.stderr,
    served2.stdout,
    served.process.stderr,
    shown.stdout,
    query.stderr,
  ];
  assert.ok(!said.join('\n').includes(token));
  assert.ok(!served.process.stderr.includes(served.key));
});

test('rotating while rows stream: an error and not one row more, the runner leaves with 77; from a token file it is back', async t => {
  const { cwd, run, start, gateway } = await openProgram(t);
  const { url, key } = await gateway();
  await writeSampleDatabase(join(cwd, 'shop.db'), { rows: 60_000 });
  await run(['sources', 'add', 'shop', '--bridge', 'sqlite', '--url-stdin'], { stdin: 'file:shop.db' });
  const [, token = ''] = TOKEN_LINE.exec((await run(['runners', 'create', 'edge'])).stdout) ?? [];
  await run(['runners', 'assign', 'edge', 'shop']);
  const fromEnvironment = start(['run'], {
    SEMILAYER_RUNNER_ID: 'edge',
    SEMILAYER_RUNNER_TOKEN: token,
    SEMILAYER_GATEWAY_URL: `${url.replace('http', 'ws')}/connect`,
  });
  await fromEnvironment.line(/connected, awaiting jobs/);

  /** Rows of a caller who reads the first, lets `meanwhile` happen, then reads on to the end. */
  const streamWhile = async (meanwhile: () => Promise<unknown>) => {
    const response = await fetch(`${url}/v1/sources/shop/query`, {
      method: 'POST',
      headers: {
        authorization: `Bearer ${key}`,
        'content-type': 'application/json',
        accept: 'application/x-ndjson',
      },
      body: JSON.stringify({ target: 'orders' }),
    });
    assert.equal(response.status, 200);
    const reader = (response.body as ReadableStream<Uint8Array>)
      .pipeThrough(new TextDecoderStream())
      .getReader();
    let text = (await reader.read()).value ?? '';
    await meanwhile();
    let cut = false;
    for (;;) {
      const step = await reader.read().catch(() => undefined);
      if (!step || step.done) {
        cut = step === undefined;
        break;
      }
      text += step.value;
    }
    const lines = text.split('\n').filter(line => line.endsWith('}'));
    const { $error: error } = JSON.parse(lines.at(-1) ?? '{}') as { $error?: { code: string; rows: number } };
    return { cut, error, rows: lines.length - (error ? 1 : 0) };
  };
  let rotated = { status: 0 as number | null, stdout: '', stderr: '' };
  const streamed = await streamWhile(async () => {
    rotated = await run(['runners', 'rotate', 'edge', '--yes']);
  });
  assert.equal(rotated.status, 0, rotated.stderr);
  assert.equal(streamed.cut, true);
  assert.ok(streamed.rows < 60_000);
  if (streamed.error) {
    assert.deepEqual(streamed.error.code, 'runner_failed');
    assert.equal(streamed.error.rows, streamed.rows);
  }
  const left = await fromEnvironment.ended;
  assert.equal(left.status, 77);
  assert.match(left.stdout, /rotated/);

  const file = join(cwd, 'token');
  const replace = async (stdout: string) => {
    await writeFile(`${file}.new`, `${TOKEN_LINE.exec(stdout)?.[1]}\n`);
    await rename(`${file}.new`, file);
  };
  await replace(rotated.stdout);
  const fromFile = start(['run', '--id', 'edge', '--token-file', file, '--log-format', 'json'], {
    SEMILAYER_GATEWAY_URL: `${url.replace('http', 'ws')}/connect`,
  });
  await fromFile.line(/connected, awaiting jobs/);
  const again = await run(['runners', 'rotate', 'edge', '--yes']);
  await fromFile.line(/"code":4401/);
  await replace(again.stdout);
  await fromFile.line(/connected, awaiting jobs/, 2);
  const answered = await run(['count', 'shop', 'orders']);
  assert.deepEqual([answered.status, answered.stdout], [0, '60000\n']);
});

test('what cannot be done says so, says what to do, and ends with the status that names it', async t => {
  const { cwd, run, gateway } = await openProgram(t);
  const { url } = await gateway();
  await run(['runners', 'create', 'taken']);
  const port = new URL(url).port;
  const other = createServer().listen(0, '127.0.0.1');
  t.after(() => other.close());
  await writeFile(join(cwd, 'not-a-directory'), '');
  await mkdir(join(cwd, 'corrupt'), { mode: 0o700 });
  await writeFile(join(cwd, 'corrupt', 'semilayer.db'), 'this is no database');
  const cases: [args: string[], status: number, says: RegExp, hint: boolean][] = [
    [['runners', 'create', 'Capital'], 2, /Capital/, false],
    [['runners', 'create', 'with space'], 2, /with space/, false],
    [['runners', 'create', '../up'], 2, /\.\.\/up/, false],
    [['runners', 'create', 'a'.repeat(64)], 2, /63/, false],
    [['runners', 'create', '01234567-89ab-4def-8123-456789abcdef'], 2, /UUID/, false],
    [['runners', 'create', 'taken'], 5, /taken/, true],
    [['runners', 'create', 'paid', '--type', 'saas'], 2, /saas/, true],
    [['runners', 'show', 'nobody'], 3, /nobody/, true],
    [['runners', 'assign', 'taken', 'nothing'], 3, /nothing/, true],
    [['query', 'nothing', 'orders'], 3, /nothing/, true],
    [['gateway', '--port', port, '--data-dir', 'second'], 5, new RegExp(port), true],
    [['gateway', '--port', '0', '--data-dir', 'data'], 5, /another gateway/, true],
    [['gateway', '--port', '0', '--data-dir', 'corrupt'], 1, /corrupt|not a database/, true],
    [['gateway', '--port', '0', '--host', '0.0.0.0', '--data-dir', 'open'], 2, /TLS/, true],
    [['gateway', '--port', '70000', '--data-dir', 'third'], 2, /65535/, false],
    [['gateway', '--port', '0', '--data-dir', 'not-a-directory'], 2, /not-a-directory/, true],
    [['run'], 2, /SEMILAYER_RUNNER_ID/, true],
    [['run', '--id', 'taken'], 4, /SEMILAYER_RUNNER_TOKEN/, true],
    [['runners', 'lsit'], 2, /lsit/, true],
  ];
  for (const [args, status, says, hint] of cases) {
    const result = await run(args);
    const what = `${args.join(' ')}: ${result.stderr}`;
    assert.equal(result.status, status, what);
    assert.equal(result.stdout, '', what);
    assert.match(result.stderr, says, what);
    assert.match(result.stderr, /^error: /m, what);
    if (hint) assert.match(result.stderr, /^hint: /m, what);
    assert.doesNotMatch(result.stderr, /\n\s+at /, what);
  }
  assert.equal(await readFile(join(cwd, 'corrupt', 'semilayer.db'), 'utf8'), 'this is no database');
});
