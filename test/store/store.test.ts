/** The SQLite store by itself: who is found by which token, what is durable, what is refused with nothing changed. */
import assert from 'node:assert/strict';
import { createHash, randomUUID } from 'node:crypto';
import { copyFile, mkdir, readdir, readFile, rm, stat, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import fc from 'fast-check';
import { openSqlite } from '../../src/platform/sqlite.ts';
import { openDataDirectory } from '../../src/store/data-directory.ts';
import { openSqliteStore } from '../../src/store/sqlite-store.ts';
import type { Store } from '../../src/store/store.ts';
import { FakeClock } from '../support/fake-clock.ts';
import { temporaryDirectory } from '../support/temporary.ts';

const by = { keyId: null, name: 'test' };

test('every change has its audit entry, newest first, and no secret in it', async t => {
  const { store } = await openStore(t);
  const runner = await newRunner(store, 'edge', 'one');
  await store.rotateRunner('edge', secret('two'), 0, by);
  await newSource(store, 'shop', { url: 'postgresql://u:canary@db/x' });
  await store.changeAssignments('edge', 'add', ['shop'], by);
  await store.updateSource('shop', { credentialsLocation: 'runner-local' }, by);
  await store.revokeRunner('edge', by);
  await store.deleteSource('shop', true, by);
  await store.deleteRunner(runner.id, by);
  const audit = await store.listAudit({ limit: 100 });
  assert.deepEqual(
    audit.map(entry => entry.action),
    [
      'runner.delete',
      'source.remove',
      'runner.revoke',
      'source.update',
      'runner.sources',
      'source.create',
      'runner.rotate',
      'runner.create',
    ],
  );
  assert.ok(!JSON.stringify(audit).includes('canary'));
});

test('at most two tokens are valid, the older until its time, exclusively', async t => {
  const { store, clock } = await openStore(t);
  await newRunner(store, 'edge', 'one');
  await store.rotateRunner('edge', secret('two'), 10_000, by);
  await clock.advance(9_999);
  assert.deepEqual(await valid(store, ['one', 'two']), ['one', 'two']);
  await clock.advance(1);
  assert.deepEqual(await valid(store, ['one', 'two']), ['two']);
  await store.rotateRunner('edge', secret('three'), 10_000, by);
  await store.rotateRunner('edge', secret('four'), 10_000, by);
  assert.deepEqual(await valid(store, ['one', 'two', 'three', 'four']), ['three', 'four']);
  await store.rotateRunner('edge', secret('five'), 0, by);
  assert.deepEqual(await valid(store, ['three', 'four', 'five']), ['five']);
  await store.revokeRunner('edge', by);
  assert.deepEqual(await valid(store, ['three', 'four', 'five']), []);
  await assert.rejects(store.rotateRunner('edge', secret('six'), 0, by), { code: 'conflict' });
});

test('whatever is done in whatever order, the store agrees with a map', async t => {
  const name = fc.constantFrom('a', 'b', 'c');
  const command = fc.oneof(
    fc.record({ do: fc.constant('create' as const), name }),
    fc.record({ do: fc.constant('rename' as const), name, to: name }),
    fc.record({ do: fc.constant('rotate' as const), name, overlapMs: fc.constantFrom(0, 5, 50) }),
    fc.record({ do: fc.constant('revoke' as const), name }),
    fc.record({ do: fc.constant('delete' as const), name }),
    fc.record({ do: fc.constant('assign' as const), name, sources: fc.subarray(['x', 'y', 'nowhere']) }),
    fc.record({ do: fc.constant('unassign' as const), name, sources: fc.subarray(['x', 'y']) }),
    fc.record({ do: fc.constant('wait' as const), ms: fc.integer({ min: 1, max: 20 }) }),
    fc.record({ do: fc.constant('reopen' as const) }),
  );
  interface Model {
    token: string | null;
    previous: { token: string; expiresAt: number } | null;
    revoked: boolean;
    sources: Set<string>;
  }
  await fc.assert(
    fc.asyncProperty(fc.array(command, { maxLength: 30 }), async commands => {
      const opened = await openStore(t);
      const { clock } = opened;
      let { store } = opened;
      for (const source of ['x', 'y']) await newSource(store, source);
      const model = new Map<string, Model>();
      const issued: string[] = [];
      const issue = (): string => {
        issued.push(`token-${issued.length}`);
        return issued.at(-1) as string;
      };
      for (const step of commands) {
        if (step.do === 'wait') await clock.advance(step.ms);
        else if (step.do === 'reopen') store = await opened.reopen();
        else assert.equal(await attempt(() => real(step)), expected(step), JSON.stringify(step));
        for (const [runnerName, { sources, revoked }] of model) {
          const found = await store.findRunner(runnerName);
          assert.deepEqual(found.sources, [...sources].sort());
          assert.equal(found.revokedAt !== null, revoked);
        }
        const names = (await store.listRunners({ limit: 10 })).map(one => one.name);
        assert.deepEqual(names, [...model.keys()].sort());
        assert.deepEqual(await valid(store, issued), issued.filter(holds));
      }
      await opened.close();

      function holds(token: string): boolean {
        return [...model.values()].some(
          ({ token: current, previous }) =>
            current === token ||
            (previous !== null && previous.token === token && clock.now() < previous.expiresAt),
        );
      }

      function real(step: Exclude<typeof command extends fc.Arbitrary<infer C> ? C : never, { do: 'wait' }>) {
        switch (step.do) {
          case 'create':
            return newRunner(store, step.name, issue());
          case 'rename':
            return store.renameRunner(step.name, step.to, by);
          case 'rotate':
            return store.rotateRunner(step.name, secret(issue()), step.overlapMs, by);
          case 'revoke':
            return store.revokeRunner(step.name, by);
          case 'delete':
            return store.deleteRunner(step.name, by);
          case 'assign':
            return store.changeAssignments(step.name, 'add', step.sources, by);
          case 'unassign':
            return store.changeAssignments(step.name, 'remove', step.sources, by);
          case 'reopen':
            return Promise.resolve();
        }
      }

      /** What the call is to end with, and the model after it. */
      function expected(
        step: Exclude<typeof command extends fc.Arbitrary<infer C> ? C : never, { do: 'wait' }>,
      ) {
        if (step.do === 'reopen') return 'ok';
        const token = issued.at(-1) as string;
        const one = model.get(step.name);
        if (step.do === 'create') {
          if (one) return 'conflict';
          model.set(step.name, { token, previous: null, revoked: false, sources: new Set() });
          return 'ok';
        }
        if (!one) return 'not_found';
        switch (step.do) {
          case 'rename':
            if (step.to !== step.name && model.has(step.to)) return 'conflict';
            model.delete(step.name);
            model.set(step.to, one);
            return 'ok';
          case 'rotate':
            if (one.revoked) return 'conflict';
            one.previous =
              step.overlapMs > 0
                ? { token: one.token as string, expiresAt: clock.now() + step.overlapMs }
                : null;
            one.token = token;
            return 'ok';
          case 'revoke':
            Object.assign(one, { token: null, previous: null, revoked: true });
            return 'ok';
          case 'delete':
            model.delete(step.name);
            return 'ok';
          case 'assign':
            if (step.sources.includes('nowhere')) return 'not_found';
            for (const source of step.sources) one.sources.add(source);
            return 'ok';
          case 'unassign':
            for (const source of step.sources) one.sources.delete(source);
            return 'ok';
        }
      }
    }),
    { numRuns: 40 },
  );
});

test('a config is on the disk only encrypted, and wiped it is nowhere', async t => {
  const { store, dataDir, close } = await openStore(t);
  const source = await newSource(store, 'shop', { url: 'postgresql://u:canary-password@db/x' });
  assert.deepEqual(await store.sourceConfig(source.id), { url: 'postgresql://u:canary-password@db/x' });
  assert.ok(!(await everything(dataDir)).includes('canary-password'));
  const before = await sealedOf(dataDir);
  await store.updateSource('shop', { credentialsLocation: 'runner-local' }, by);
  assert.equal(await store.sourceConfig(source.id), null);
  assert.ok(before.length > 40);
  assert.ok(!(await everything(dataDir)).includes(before), 'the encrypted bytes are gone from file and log');
  // While it is open: what the driver removes of a closed store goes when it is collected, which may be in between.
  const files = await readdir(dataDir);
  for (const file of ['semilayer.db', 'semilayer.db-shm', 'semilayer.db-wal'])
    assert.ok(files.includes(file), file);
  for (const file of files) {
    assert.equal((await stat(join(dataDir, file))).mode & 0o077, 0, `${file} is its owner's alone`);
  }
  await close();
});

test('a lost or foreign key is said, and no other is made in its place', async t => {
  const { store, dataDir, close } = await openStore(t);
  await newSource(store, 'shop', { url: 'sqlite:x' });
  await close();
  await writeFile(join(dataDir, 'config.key'), Buffer.alloc(32, 7));
  const { store: again, close: closeAgain } = await openStore(t, dataDir);
  const { id } = await again.findSource('shop');
  await assert.rejects(again.sourceConfig(id), { code: 'store_corrupt' });
  await closeAgain();
  await writeFile(join(dataDir, 'config.key'), 'short');
  await assert.rejects(openStore(t, dataDir), { code: 'store_corrupt' });
});

test('a damaged or newer file is left byte for byte as it was', async t => {
  const { dataDir, close } = await openStore(t);
  await close();
  const file = join(dataDir, 'semilayer.db');
  const sound = await readFile(file);
  const cases: [string, () => Promise<void>, string][] = [
    [
      'text',
      () => writeFile(file, 'not a database, but long enough to have a header of its own'),
      'store_corrupt',
    ],
    ['cut', () => truncate(file, 5_000), 'store_corrupt'],
    ['short', () => writeFile(file, 'short'), 'store_corrupt'],
    [
      'another program’s',
      async () => {
        await rm(file);
        const database = await openSqlite(file, { readOnly: false });
        database.exec('CREATE TABLE theirs (x)');
        database.close();
      },
      'store_corrupt',
    ],
    [
      'newer',
      async () => {
        const database = await openSqlite(file, { readOnly: false });
        database.exec('PRAGMA user_version = 99');
        database.close();
      },
      'store_newer',
    ],
  ];
  for (const [name, damage, code] of cases) {
    await writeFile(file, sound);
    await damage();
    const damaged = await readFile(file);
    await assert.rejects(openStore(t, dataDir), { code }, name);
    assert.ok(damaged.equals(await readFile(file)), name);
  }
});

test('a store that was closed is whole in its one file', async t => {
  const { store, dataDir, close } = await openStore(t);
  await newRunner(store, 'edge', 'one');
  await close();
  const elsewhere = join(dataDir, '..', 'copied');
  await mkdir(elsewhere);
  await copyFile(join(dataDir, 'semilayer.db'), join(elsewhere, 'semilayer.db'));
  const { store: copied } = await openStore(t, elsewhere);
  assert.equal((await copied.findRunner('edge')).name, 'edge');
});

test('a directory is one gateway’s at a time, and free when it has gone', async t => {
  const { dataDir, close } = await openStore(t);
  await assert.rejects(openDataDirectory(dataDir, { create: true }), { code: 'data_dir_in_use' });
  await close();
  const again = await openDataDirectory(dataDir, { create: true });
  await again.close();
});

test('a backup is whole, opens elsewhere with its key, and never overwrites', async t => {
  const { store, dataDir } = await openStore(t);
  const source = await newSource(store, 'shop', { url: 'file:x' });
  const copy = join(dataDir, '..', 'copy.db');
  await store.backup(copy);
  await assert.rejects(store.backup(copy), { code: 'conflict' });
  const elsewhere = join(dataDir, '..', 'elsewhere');
  await mkdir(elsewhere, { recursive: true });
  await copyFile(copy, join(elsewhere, 'semilayer.db'));
  await copyFile(`${copy}.key`, join(elsewhere, 'config.key'));
  const { store: restored } = await openStore(t, elsewhere);
  assert.deepEqual(await restored.sourceConfig(source.id), { url: 'file:x' });
});

test('a sighting that is older than the one stored is ignored, and one of a stranger is nothing', async t => {
  const { store } = await openStore(t);
  const { id } = await newRunner(store, 'edge', 'one');
  await store.recordSeen([{ runnerId: id, at: 100, version: '1' }]);
  await store.recordSeen([
    { runnerId: id, at: 50, version: '0' },
    { runnerId: randomUUID(), at: 70, version: '9' },
  ]);
  const { lastSeenAt, lastVersion } = await store.findRunner(id.toUpperCase());
  assert.deepEqual({ lastSeenAt, lastVersion }, { lastSeenAt: 100, lastVersion: '1' });
});

interface OpenStore {
  store: Store;
  clock: FakeClock;
  dataDir: string;
  reopen(): Promise<Store>;
  close(): Promise<void>;
}

async function openStore(t: TestContext, at?: string): Promise<OpenStore> {
  const dataDir = at ?? join(await temporaryDirectory(t), 'data');
  const clock = new FakeClock();
  let directory = await openDataDirectory(dataDir, { create: true });
  let store: Store;
  try {
    store = await openSqliteStore({ directory, clock });
  } catch (error) {
    await directory.close();
    throw error;
  }
  let open = true;
  const close = async (): Promise<void> => {
    if (!open) return;
    open = false;
    await store.close();
    await directory.close();
  };
  t.after(close);
  return {
    store,
    clock,
    dataDir,
    close,
    async reopen() {
      await store.close();
      await directory.close();
      directory = await openDataDirectory(dataDir, { create: false });
      store = await openSqliteStore({ directory, clock });
      return store;
    },
  };
}

function secret(text: string): { hash: string; fingerprint: string } {
  const hash = createHash('sha256').update(text).digest('hex');
  return { hash, fingerprint: `rk_…:${hash.slice(0, 8)}` };
}

function newRunner(store: Store, name: string, token: string) {
  return store.createRunner({ id: randomUUID(), name, type: 'customer', token: secret(token) }, by);
}

function newSource(store: Store, name: string, config: Record<string, unknown> | null = null) {
  const credentialsLocation = config ? 'managed' : 'runner-local';
  return store.createSource({ id: randomUUID(), name, bridge: 'b', credentialsLocation, config }, by);
}

async function valid(store: Store, tokens: string[]): Promise<string[]> {
  const found: string[] = [];
  for (const token of tokens) if (await store.findTokenHolder(secret(token).hash)) found.push(token);
  return found;
}

async function attempt(call: () => Promise<unknown>): Promise<string> {
  try {
    await call();
    return 'ok';
  } catch (error) {
    return (error as { code: string }).code;
  }
}

async function everything(directory: string): Promise<Buffer> {
  const files = await readdir(directory);
  return Buffer.concat(await Promise.all(files.map(file => readFile(join(directory, file)))));
}

async function sealedOf(dataDir: string): Promise<Buffer> {
  const database = await openSqlite(join(dataDir, 'semilayer.db'), { readOnly: true });
  try {
    return database.prepare('SELECT config FROM sources').all([])[0]?.[0] as Buffer;
  } finally {
    database.close();
  }
}
