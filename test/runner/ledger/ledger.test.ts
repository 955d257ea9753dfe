/** The ledger on real files: what is done to them shows, what a crash or a full disk does to them is survived. */
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { appendFile, open, readdir, readFile, rm, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import fc from 'fast-check';
import type { Bridge, BridgeClass } from '../../../src/bridges/bridge.ts';
import { systemClock } from '../../../src/platform/clock.ts';
import { startRunner } from '../../../src/runner/index.ts';
import { parsePosition } from '../../../src/runner/ledger/chain.ts';
import { Ledger, type LedgerFile, type LedgerOptions } from '../../../src/runner/ledger/ledger.ts';
import { ledgerLines, verifyLedger } from '../../../src/runner/ledger/verify-ledger.ts';
import { openScriptedGateway } from '../../support/scripted-gateway.ts';
import { temporaryDirectory } from '../../support/temporary.ts';

const SOURCE = { id: 's1', name: 'shop', bridge: 'fake', credentialsLocation: 'managed', config: {} };
const JOB = { id: 'j', kind: 'count' as const, source: 'shop', target: 'orders' };

async function ledgerIn(directory: string, options: Partial<LedgerOptions> = {}) {
  const warnings: string[] = [];
  const ledger = await Ledger.open({
    directory,
    fsync: false,
    onFailure: 'stop',
    clock: systemClock,
    onWarning: message => warnings.push(message),
    ...options,
  });
  return { ledger, warnings };
}

/** A ledger of so many jobs in several files, closed. */
async function written(directory: string, jobs: number): Promise<string> {
  const { ledger } = await ledgerIn(directory, { maxFileBytes: 2_000 });
  for (let job = 0; job < jobs; job++) {
    const started = await ledger.append({
      type: 'started',
      job: JOB,
      caller: null,
      options: 'x',
      columns: null,
    });
    const ending = { columns: ['id'], rows: job, bytes: 9, durationMs: 1, ending: 'done' };
    await ledger.append({ type: 'ended', started, job: JOB, ...ending });
  }
  await ledger.close();
  return ledger.position;
}

const filesOf = async (directory: string): Promise<string[]> =>
  (await readdir(directory)).filter(name => name.endsWith('.jsonl')).sort();

/** Every line with its file. */
async function linesIn(directory: string): Promise<{ file: string; line: string }[]> {
  const files = await filesOf(directory);
  const texts = await Promise.all(files.map(file => readFile(join(directory, file), 'utf8')));
  return texts.flatMap((text, index) =>
    text
      .split('\n')
      .slice(0, -1)
      .map(line => ({ file: files[index] as string, line })),
  );
}

async function write(directory: string, lines: { file: string; line: string }[]): Promise<void> {
  for (const file of await filesOf(directory)) {
    const own = lines.filter(one => one.file === file).map(one => `${one.line}\n`);
    await writeFile(join(directory, file), own.join(''));
  }
}

test('a line that is changed, removed, repeated or moved, and an end that is cut off, are found wherever they are', async t => {
  const directory = join(await temporaryDirectory(t), 'ledger');
  const end = await written(directory, 12);
  const untouched = await linesIn(directory);
  assert.ok((await filesOf(directory)).length >= 3);
  const verdict = await verifyLedger(directory, parsePosition(end));
  assert.deepEqual([verdict.faults, verdict.notes, verdict.lines], [[], [], untouched.length]);

  const at = fc.nat({ max: untouched.length - 1 });
  const tampering = fc.oneof(
    fc.tuple(fc.constant('change' as const), at, fc.nat(), fc.integer({ min: 1, max: 9 })),
    fc.tuple(fc.constant('forge' as const), at, fc.constant(0), fc.constant(0)),
    fc.tuple(fc.constant('remove' as const), at, fc.constant(0), fc.integer({ min: 1, max: 5 })),
    fc.tuple(fc.constant('swap' as const), at, at, fc.constant(0)),
    fc.tuple(fc.constant('repeat' as const), at, fc.constant(0), fc.constant(0)),
    fc.tuple(fc.constant('cut' as const), at, fc.constant(0), fc.constant(0)),
    fc.tuple(
      fc.constant('cut within' as const),
      fc.integer({ min: 1, max: 200 }),
      fc.constant(0),
      fc.constant(0),
    ),
  );
  await fc.assert(
    fc.asyncProperty(tampering, async ([what, first, second, amount]) => {
      const lines = untouched.map(one => ({ ...one }));
      const line = lines[first] ?? { file: '', line: ' ' };
      const place = second % line.line.length;
      if (what === 'change') {
        const other = String.fromCharCode(33 + ((line.line.charCodeAt(place) - 33 + amount) % 90));
        line.line = line.line.slice(0, place) + other + line.line.slice(place + 1);
      }
      // Another line with a hash that is right for it: only the next line, or the end, can tell.
      if (what === 'forge') {
        const { hash: _, ...entry } = JSON.parse(line.line) as Record<string, unknown>;
        const body = JSON.stringify({ ...entry, at: '1999-12-31T00:00:00.000Z' });
        line.line = `${body.slice(0, -1)},"hash":"${createHash('sha256').update(body).digest('hex')}"}`;
      }
      if (what === 'remove') {
        fc.pre(first > 0);
        lines.splice(first, amount);
      }
      if (what === 'swap') {
        fc.pre(first !== second);
        [lines[first]!.line, lines[second]!.line] = [lines[second]!.line, lines[first]!.line];
      }
      if (what === 'repeat') lines.splice(first, 0, { ...line });
      if (what === 'cut') lines.splice(first);
      await write(directory, lines);
      if (what === 'cut within') {
        const last = join(directory, (await filesOf(directory)).at(-1) as string);
        await truncate(last, Math.max(0, (await readFile(last)).length - first));
      }
      const { faults } = await verifyLedger(directory);
      assert.ok(faults.length > 0);
      assert.ok((await verifyLedger(directory, parsePosition(end))).faults.length > 0);
      await write(directory, untouched);
    }),
    { numRuns: 300 },
  );
});

test('with the file that tells the end rewritten too, the position that was logged elsewhere still tells', async t => {
  const directory = join(await temporaryDirectory(t), 'ledger');
  const end = await written(directory, 5);
  const kept = (await linesIn(directory)).slice(0, -2);
  await write(directory, kept);
  const { seq, hash } = JSON.parse(kept.at(-1)!.line) as { seq: number; hash: string };
  await writeFile(join(directory, 'ledger.head'), `${seq}:${hash}\n`);
  assert.deepEqual((await verifyLedger(directory)).faults, []);
  const [fault] = (await verifyLedger(directory, parsePosition(end))).faults;
  assert.match(String(fault), /its end was cut off/);
});

test('a crash in the middle of a line loses that line alone; lines that vanished are a fault for ever', async t => {
  const directory = join(await temporaryDirectory(t), 'ledger');
  await written(directory, 3);
  const last = join(directory, (await filesOf(directory)).at(-1) as string);
  await appendFile(last, '{"seq":8,"at":"2026');
  const first = await ledgerIn(directory);
  assert.deepEqual(first.warnings, []);
  await first.ledger.close();
  const recovered = await verifyLedger(directory);
  assert.deepEqual(recovered.faults, []);
  assert.match(recovered.notes.join(), /a crash that cut a line short/);

  await write(directory, (await linesIn(directory)).slice(0, -2));
  const second = await ledgerIn(directory);
  assert.match(second.warnings.join(), /lines were lost or changed/);
  await second.ledger.close();
  const third = await ledgerIn(directory);
  assert.deepEqual(third.warnings, []);
  await third.ledger.close();
  assert.match((await verifyLedger(directory)).faults.join(), /records that lines were lost/);
});

test('one process writes a ledger; the next has it once that one is gone', async t => {
  const directory = join(await temporaryDirectory(t), 'ledger');
  const { ledger } = await ledgerIn(directory);
  await assert.rejects(ledgerIn(directory), { code: 'conflict' });
  await ledger.close();
  await (await ledgerIn(directory)).ledger.close();
  await assert.rejects(ledgerIn('/dev/null/ledger'), { code: 'usage' });
});

/** A disk that is full while told to be, and takes half of a write before it says so. */
function disk(): { full: boolean; openFile: NonNullable<LedgerOptions['openFile']>; synced: number } {
  const state = {
    full: false,
    synced: 0,
    async openFile(path: string, flags: string): Promise<LedgerFile> {
      const handle = await open(path, flags, 0o600);
      return {
        async appendFile(text) {
          const { full } = state;
          await handle.appendFile(full ? text.slice(0, text.length / 2) : text);
          if (full) throw Object.assign(new Error('no space left on device'), { code: 'ENOSPC' });
        },
        truncate: size => handle.truncate(size),
        async datasync() {
          state.synced++;
          await handle.datasync();
        },
        close: () => handle.close(),
      };
    },
  };
  return state;
}

for (const onFailure of ['stop', 'continue'] as const) {
  test(`a full disk: jobs ${onFailure}, it is said once, and the ledger holds when there is room again`, async t => {
    const directory = join(await temporaryDirectory(t), 'ledger');
    const full = disk();
    const { ledger, warnings } = await ledgerIn(directory, {
      onFailure,
      openFile: full.openFile,
      fsync: true,
    });
    let asked = 0;
    const { ask } = await connect(t, ledger, { count: async () => ++asked });
    assert.equal((await ask('count')).type, 'done');
    full.full = true;
    for (let job = 0; job < 3; job++) {
      const ending = await ask('count');
      if (onFailure === 'continue') assert.equal(ending.type, 'done');
      else {
        assert.equal(ending.code, 'INTERNAL');
        assert.match(
          String(ending.message),
          /cannot record what it answers \(ENOSPC\), so it answers nothing/,
        );
      }
    }
    assert.equal(asked, onFailure === 'stop' ? 1 : 4);
    assert.equal(warnings.length, 1);
    assert.match(String(warnings[0]), /cannot be written \(ENOSPC\): jobs (are refused|go on unrecorded)/);
    assert.ok(ledger.failing);
    full.full = false;
    assert.equal((await ask('count')).type, 'done');
    assert.deepEqual(
      [warnings.length, warnings.at(-1), ledger.failing],
      [2, 'the ledger can be written again', false],
    );
    await ledger.close();
    const verdict = await verifyLedger(directory, parsePosition(ledger.position));
    assert.deepEqual(verdict.faults, []);
    assert.match(verdict.notes.join(), /lines could not be written/);
    assert.ok(full.synced >= 4);
  });
}

test('a job is two lines: who asked what before its first row leaves, what left when it has ended', async t => {
  const directory = join(await temporaryDirectory(t), 'ledger');
  const { ledger } = await ledgerIn(directory);
  let startedFirst = false;
  const query: Bridge['query'] = async () => {
    startedFirst = (await readFile(join(directory, 'ledger-00000001.jsonl'), 'utf8')).includes('"started"');
    return {
      rows: [
        { id: 1, name: 'canary-value' },
        { id: 2, name: 'x' },
      ],
    };
  };
  const caller = { name: 'ci', requestId: 'r-1', traceparent: `00-${'a'.repeat(32)}-${'b'.repeat(16)}-01` };
  const { ask, session } = await connect(t, ledger, { query });
  const hello = session.frames.find(frame => frame.type === 'hello');
  assert.deepEqual((hello!.features as Record<string, unknown>).caller, {});
  await ask('query', { where: { email: 'canary-value' }, select: ['id', 'name'] }, { caller });
  await ask('query');
  await ask('count');
  await ledger.close();
  const lines: Record<string, unknown>[] = [];
  for await (const { entry } of ledgerLines(directory)) lines.push(entry as never);
  const [started, ended, , , , refused] = lines;
  assert.ok(startedFirst);
  assert.deepEqual([started?.type, started?.caller, started?.columns], ['started', caller, ['id', 'name']]);
  assert.match(String(started?.options), /^[0-9a-f]{64}$/);
  assert.deepEqual(
    [ended?.type, ended?.started, ended?.rows, ended?.columns, ended?.ending],
    ['ended', 1, 2, ['id', 'name'], 'done'],
  );
  assert.ok(Number(ended?.bytes) > 40);
  assert.deepEqual([lines[2]?.caller, refused?.ending], [null, 'SOURCE_QUERY_FAILED']);
  assert.ok(!(await readFile(join(directory, 'ledger-00000001.jsonl'), 'utf8')).includes('canary-value'));
});

test('files before the first that is there are said to be elsewhere; one in the middle is missed', async t => {
  const directory = join(await temporaryDirectory(t), 'ledger');
  await written(directory, 12);
  const files = await filesOf(directory);
  await rm(join(directory, files[0] as string));
  const archived = await verifyLedger(directory);
  assert.deepEqual(archived.faults, []);
  assert.match(archived.notes.join(), /the files before it are not here/);
  await rm(join(directory, files[2] as string));
  assert.match((await verifyLedger(directory)).faults.join(), /removed or reordered/);
});

async function connect(t: TestContext, ledger: Ledger, methods: Partial<Bridge>) {
  class Fake {
    async connect(): Promise<void> {}
    async disconnect(): Promise<void> {}
    async count(): Promise<number> {
      throw new Error('no table');
    }
  }
  Object.assign(Fake.prototype, methods);
  const gateway = await openScriptedGateway(t);
  const runner = startRunner({
    gatewayUrl: gateway.url,
    runnerId: 'edge',
    authToken: 'rk_ledger-test-token-0123456789',
    env: {},
    ledger,
    resolveBridge: () => Fake as unknown as BridgeClass,
  });
  t.after(() => runner.cancel());
  const session = await gateway.greeted([SOURCE], { features: { caller: {} } });
  let jobs = 0;
  const ask = (kind: string, options = {}, extra = {}) => {
    const id = `job-${++jobs}`;
    const params = { source: SOURCE, job: { kind, target: 'orders', options } };
    session.send({ type: 'job', id, params, deadlineMs: 30_000, ...extra });
    return session.ending(id);
  };
  return { session, ask };
}
