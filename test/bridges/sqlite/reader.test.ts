/** What a reader process is for: long steps that hold nothing up, can be cancelled, and take nobody down with them. */
import assert from 'node:assert/strict';
import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { type TestContext, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import type { RowLines } from '../../../src/bridges/bridge.ts';
import { type ReaderProgram, readerProgram } from '../../../src/bridges/sqlite/reader/program.ts';
import { SqliteBridge } from '../../../src/bridges/sqlite/sqlite-bridge.ts';
import { rowsOf } from '../../../src/bridges/stream-rows.ts';
import { bufferGarbage } from '../../../src/platform/buffer-garbage.ts';
import { FakeClock } from '../../support/fake-clock.ts';
import { databaseWith, numbers } from './database.ts';

/** A view is never read in the runner's own thread; one of these never ends, and has no row. */
const VIEWS = `${numbers(20_000)} create view every_number as select * from numbers;
  create view forever as with recursive c (n) as (select 1 union all select n + 1 from c) select n from c where n < 0;`;
const source = readerProgram() as ReaderProgram;
/** The bundle, which `npm test` has made: it starts faster than its sources. */
const real = { ...source, args: [fileURLToPath(new URL('../../../dist/sqlite-reader.js', import.meta.url))] };

/** A bridge on views, and how many readers it has started. */
async function views(t: TestContext, sql = VIEWS, clock = new FakeClock()) {
  const { file, writer } = await databaseWith(t, sql);
  const started = { count: 0 };
  const program = (): ReaderProgram => ({
    ...real,
    get args() {
      started.count++;
      return real.args;
    },
  });
  const bridge = new SqliteBridge({ url: file }, { program, clock });
  t.after(() => bridge.disconnect());
  return { bridge, writer, started, clock, file };
}

/** A bridge whose readers are the scripted one. */
async function scripted(t: TestContext, manner: string) {
  const { file } = await databaseWith(t, VIEWS);
  const entry = fileURLToPath(new URL('./scripted-reader.mjs', import.meta.url));
  const bridge = new SqliteBridge({ url: file }, { program: () => ({ ...real, args: [entry, manner] }) });
  t.after(() => bridge.disconnect());
  return bridge;
}

const run = promisify(execFile);
async function childrenOf(pid: number): Promise<number[]> {
  const { stdout } = await run('ps', ['-A', '-o', 'pid=,ppid=,args=']);
  return stdout
    .split('\n')
    .map(line => line.trim().split(/\s+/))
    .filter(
      ([, parent, , ...args]) =>
        Number(parent) === pid && /reader\/main\.ts|sqlite-reader\.js/.test(args.join(' ')),
    )
    .map(([child]) => Number(child));
}

/** A bridge on a view of its own, with the process id of its one reader. */
async function withReader(t: TestContext) {
  const context = await views(t);
  const before = await childrenOf(process.pid);
  assert.equal(await context.bridge.count('every_number'), 20_000);
  const [pid] = (await childrenOf(process.pid)).filter(one => !before.includes(one));
  return { ...context, pid: pid as number };
}

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}

async function until(holds: () => boolean): Promise<void> {
  while (!holds()) await new Promise(resolve => setTimeout(resolve, 2));
}

test('a reader answers every kind of question as this thread does', async t => {
  const { bridge, started } = await views(t);
  const options = {
    where: { id: { $gt: 19_990 } },
    orderBy: { field: 'id', dir: 'desc' as const },
    limit: 2,
  };
  for (const target of ['numbers', 'every_number']) {
    const rows = [
      { id: 20_000, label: 'row 20000' },
      { id: 19_999, label: 'row 19999' },
    ];
    assert.deepEqual(await bridge.query(target, { ...options, orderBy: [options.orderBy] }), { rows });
    assert.deepEqual(await bridge.batchRead(target, { ...options, orderBy: [options.orderBy] }), rows);
    assert.equal(await bridge.count(target, { where: options.where }), 10);
    const first = await bridge.read(target, { limit: 3, fields: ['id'] });
    assert.deepEqual(first.rows, [{ id: 1 }, { id: 2 }, { id: 3 }]);
    const second = await bridge.read(target, {
      limit: 3,
      fields: ['id'],
      cursor: first.nextCursor as string,
    });
    assert.deepEqual(second.rows, [{ id: 4 }, { id: 5 }, { id: 6 }]);
    assert.equal((await bridge.read(target, { limit: 20_000 })).nextCursor, undefined);
    await assert.rejects(bridge.count(target, { where: { nothing: 1 } }), /no column "nothing"/);
    assert.equal(started.count, target === 'numbers' ? 0 : 1);
  }
});

test('a step that never ends holds nothing up, and is gone within a second of its cancel', async t => {
  const { bridge, started, clock } = await views(t);
  // A reader is ready: it is at its step when it is asked for it.
  assert.equal(await bridge.count('every_number'), 20_000);
  const cancel = new AbortController();
  const reason = new Error('cancelled by the caller');
  const counting = assert.rejects(bridge.count('forever', {}, cancel.signal), error => error === reason);
  // Were it this thread that steps, the loop would not turn once.
  for (let turn = 0; turn < 100; turn++) await new Promise(resolve => setImmediate(resolve));
  assert.equal(await bridge.count('every_number'), 20_000);
  const cancelledAt = performance.now();
  cancel.abort(reason);
  await until(() => clock.pending > 1);
  await clock.advance(150);
  await counting;
  assert.ok(performance.now() - cancelledAt < 1_000);
  assert.equal(started.count, 2);
});

test('a stream that is left early stops its reader gently: the next question has the same one', async t => {
  const { bridge, started } = await views(t);
  for (let round = 0; round < 3; round++) {
    const stream = bridge.stream('query', 'every_number');
    assert.ok(rowsOf((await stream.next()).value as RowLines).length > 0);
    await stream.return(undefined);
    const cancel = new AbortController();
    const cancelled = bridge.stream('query', 'every_number', {}, cancel.signal);
    await cancelled.next();
    cancel.abort(new Error('enough'));
    await assert.rejects(cancelled.next(), /enough/);
  }
  assert.equal(await bridge.count('every_number'), 20_000);
  assert.equal(started.count, 1);
});

test('the collector is told of every byte that a reader sends', async t => {
  const { bridge } = await views(t);
  const told = t.mock.method(bufferGarbage, 'passedOn');
  let bytes = 0;
  for await (const batch of bridge.stream('query', 'every_number')) bytes += (batch as RowLines).lines.length;
  const toldOf = told.mock.calls.reduce((sum, { arguments: [count] }) => sum + (count as number), 0);
  assert.ok(bytes > 500_000 && toldOf > bytes, `${toldOf} of ${bytes}`);
});

test('however a read by a reader ends, the customer can write at once', async t => {
  const { bridge, writer } = await views(t);
  const write = (): void => writer.exec("update numbers set label = 'changed' where id = 1");
  const left = bridge.stream('query', 'every_number');
  await left.next();
  assert.throws(write, { code: 'SQLITE_BUSY' });
  await left.return(undefined);
  write();
});

test('readers work beside each other, eight at most; more questions wait, and may leave while they do', async t => {
  const { bridge, started } = await views(t);
  const streams = Array.from({ length: 8 }, () => bridge.stream('query', 'every_number'));
  for (const stream of streams) await stream.next();
  const leaving = new AbortController();
  const left = assert.rejects(bridge.count('every_number', {}, leaving.signal), /left/);
  const waiting = bridge.count('every_number');
  leaving.abort(new Error('left'));
  await left;
  await streams[0]?.return(undefined);
  assert.equal(await waiting, 20_000);
  for (const stream of streams) await stream.return(undefined);
  assert.equal(started.count, 8);
});

test('a reader that has had nothing to do for ten seconds is ended', async t => {
  const { bridge, pid, clock, started } = await withReader(t);
  await clock.advance(9_999);
  assert.equal(isAlive(pid), true);
  await clock.advance(1);
  await until(() => !isAlive(pid));
  assert.equal(await bridge.count('every_number'), 20_000);
  assert.equal(started.count, 2);
});

test('the signals of a terminal end no reader', async t => {
  const { bridge, pid, started } = await withReader(t);
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.kill(pid, signal);
  assert.equal(await bridge.count('every_number'), 20_000);
  assert.equal(started.count, 1);
});

test('a reader that was killed fails its own question, and the next has another', async t => {
  const { bridge, pid } = await withReader(t);
  const stream = bridge.stream('query', 'every_number');
  await stream.next();
  process.kill(pid, 'SIGKILL');
  await assert.rejects(async () => {
    for await (const _ of stream);
  }, /ended unexpectedly \(SIGKILL\)/);
  assert.equal(await bridge.count('every_number'), 20_000);
});

test('a reader in the middle of a step ends when its parent is gone, however that went', async t => {
  const { file } = await views(t);
  const module = new URL('../../../src/bridges/sqlite/sqlite-bridge.ts', import.meta.url).href;
  const program = `
    const { SqliteBridge } = await import(${JSON.stringify(module)});
    const bridge = new SqliteBridge({ url: ${JSON.stringify(file)} });
    await bridge.count('every_number');
    void bridge.count('forever');
    console.log('counting');`;
  const parent = spawn(process.execPath, ['--import', 'tsx', '--input-type=module', '-e', program], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const [line] = await once(createInterface({ input: parent.stdout }), 'line');
  assert.equal(line, 'counting');
  const [pid] = await childrenOf(parent.pid as number);
  assert.ok(pid && isAlive(pid));
  parent.kill('SIGKILL');
  await until(() => !isAlive(pid));
});

test('a reader knows neither the environment of the runner nor, by its arguments, the file', async t => {
  process.env.SEMILAYER_RUNNER_TOKEN = 'rk_canary';
  process.env.DATABASE_URL = 'canary';
  t.after(() => {
    delete process.env.SEMILAYER_RUNNER_TOKEN;
    delete process.env.DATABASE_URL;
  });
  const entry = fileURLToPath(new URL('./scripted-reader.mjs', import.meta.url));
  const { file } = await databaseWith(t, VIEWS);
  const program = { ...(readerProgram() as ReaderProgram), args: [entry, 'shows-itself'] };
  const bridge = new SqliteBridge({ url: file }, { program: () => program });
  t.after(() => bridge.disconnect());
  const seen = JSON.stringify(await bridge.count('every_number'));
  assert.match(seen, /shows-itself/);
  for (const secret of ['canary', 'SEMILAYER', 'source.db']) assert.ok(!seen.includes(secret), secret);
});

test('a reader that dies fails its question; one that cannot start, or is of another version, is done without', async t => {
  const dying = await scripted(t, 'dies-after-rows');
  const stream = dying.stream('query', 'every_number');
  assert.deepEqual(rowsOf((await stream.next()).value as RowLines), [{ n: 1 }]);
  await assert.rejects(stream.next(), /ended unexpectedly \(SIGABRT\)/);
  const warned: string[] = [];
  const listen = (warning: Error): void => void warned.push(warning.message);
  process.on('warning', listen);
  t.after(() => process.off('warning', listen));
  for (const manner of ['dies-at-once', 'another-version']) {
    const bridge = await scripted(t, manner);
    assert.equal(await bridge.count('every_number'), 20_000, manner);
    assert.equal(await bridge.count('every_number'), 20_000, manner);
  }
  const { file } = await databaseWith(t, VIEWS);
  const bundled = new SqliteBridge({ url: file }, { program: () => undefined });
  assert.equal(await bundled.count('every_number'), 20_000);
  await new Promise(resolve => setImmediate(resolve));
  assert.deepEqual(
    warned.map(message => message.split(':')[0]),
    [
      'the reader did not start',
      'the reader is of another version',
      'the reader of SQLite files is not installed here',
    ],
  );
});

test('a writer that holds the database is waited for by a reader, not by this thread', async t => {
  const { bridge, writer, started } = await views(t);
  writer.exec('begin exclusive');
  const counting = bridge.count('numbers');
  await until(() => started.count > 0);
  writer.exec('delete from numbers where id = 1; commit');
  assert.equal(await counting, 19_999);
});

test('a filter that takes long on a small file is left to a reader', async t => {
  const { bridge, writer, started } = await views(t, numbers(3_000));
  writer.exec("update numbers set label = replace(hex(zeroblob(1000)), '0', 'a')");
  assert.equal(await bridge.count('numbers', { where: { label: { $contains: 'b' } } }), 0);
  assert.equal(started.count, 0);
  assert.equal(await bridge.count('numbers', { where: { label: { $contains: `${'a'.repeat(100)}b` } } }), 0);
  assert.equal(started.count, 1);
});
