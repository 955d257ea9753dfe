/** kill -9 of the gateway at writes of its store and anywhere between: what was acknowledged is there, the rest is whole or not at all. */
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { systemClock } from '../../src/platform/clock.ts';
import { fingerprintOf } from '../../src/protocol/token.ts';
import { openDataDirectory } from '../../src/store/data-directory.ts';
import { openSqliteStore } from '../../src/store/sqlite-store.ts';
import { openProgram, type Program } from '../support/program.ts';
import { RecordChurn } from '../support/record-churn.ts';
import { seeded } from '../support/seeded.ts';

const HOOK = new URL('../support/children/kill-at-write.mjs', import.meta.url);
const KEY = `sk_${'k'.repeat(40)}`;
/** Gateways killed at a moment of chance; `npm run soak` kills for as long as one likes. */
const KILLS = 4;

/** One of each kind of change, in this order, and what of the records it changes. */
const SCRIPT: [change: Partial<Stored>, method: string, path: string, body?: unknown][] = [
  [{ runner: 'edge', runnerSources: [] }, 'POST', '/v1/runners', { name: 'edge' }],
  [
    { sources: ['shop'] },
    'POST',
    '/v1/sources',
    { name: 'shop', bridge: 'sqlite', credentialsLocation: 'runner-local' },
  ],
  [{ runnerSources: ['shop'] }, 'PUT', '/v1/runners/edge/sources', { sources: ['shop'] }],
  [{ rotated: true }, 'POST', '/v1/runners/edge/rotate', {}],
  [{ keys: ['admin', 'ci'] }, 'POST', '/v1/keys', { name: 'ci', role: 'operator' }],
  [{ runnerSources: [] }, 'DELETE', '/v1/runners/edge/sources', { sources: ['shop'] }],
  [{ revoked: true }, 'POST', '/v1/runners/edge/revoke', {}],
  [{ runner: undefined, runnerSources: [], rotated: false, revoked: false }, 'DELETE', '/v1/runners/edge'],
];

interface Stored {
  runner: string | undefined;
  runnerSources: readonly string[];
  rotated: boolean;
  revoked: boolean;
  sources: string[];
  keys: string[];
}

const EMPTY: Stored = {
  runner: undefined,
  runnerSources: [],
  rotated: false,
  revoked: false,
  sources: [],
  keys: ['admin'],
};

/** What is stored once so many changes of the script were. */
function after(changes: number): Stored {
  return Object.assign({}, EMPTY, ...SCRIPT.slice(0, changes).map(([change]) => change));
}

test('kill -9 at every database write: each change is whole or not at all, and there once it was acknowledged', async t => {
  const program = await openProgram(t);
  for (let write = 1; write <= SCRIPT.length; write++) {
    await Promise.all(
      (['before', 'after'] as const).map(async when => {
        const directory = `${when}-${write}`;
        // Two transactions before them: the schema, and the key of the start.
        const acknowledged = await runScript(program, directory, `${when}:${write + 2}`);
        assert.equal(acknowledged, write - 1, directory);
        const stored = await readStore(join(program.cwd, directory));
        assert.deepEqual(stored, after(when === 'before' ? write - 1 : write), directory);
      }),
    );
  }
});

test('kill -9 at any moment while records are created, rotated and assigned: nothing acknowledged is lost', async t => {
  const random = seeded(t);
  const program = await openProgram(t);
  const churn = new RecordChurn(random);
  for (let kill = 0; kill <= KILLS; kill++) {
    const process = program.start(['gateway', '--port', '0', '--data-dir', 'data'], {
      SEMILAYER_API_KEY: KEY,
    });
    const [, url = ''] = await process.line(/listening on (http:\S+)/);
    const service = { url, key: KEY };
    if (kill === 0) await churn.prepare(service);
    else await churn.verify(service, fingerprintOf);
    if (kill === KILLS) break;
    const target = churn.acknowledged + 20 + random.below(60);
    let dead = false;
    const watch = (): boolean => {
      if (!dead && churn.acknowledged >= target) {
        dead = true;
        process.kill('SIGKILL');
      }
      return false;
    };
    await Promise.all([0, 1, 2, 3].map(() => churn.until(service, watch)));
    await process.ended;
  }
  t.diagnostic(`${churn.acknowledged} changes acknowledged, ${KILLS} gateways killed`);
});

/** Starts a gateway that dies at a write, changes records until it has, and tells how many it acknowledged. */
async function runScript(program: Program, dataDir: string, killAt: string): Promise<number> {
  const process = program.start(['gateway', '--port', '0', '--data-dir', dataDir], {
    SEMILAYER_API_KEY: KEY,
    KILL_AT_WRITE: killAt,
    NODE_OPTIONS: `--import=${fileURLToPath(HOOK)}`,
  });
  const [, url = ''] = await process.line(/listening on (http:\S+)/);
  let acknowledged = 0;
  for (const [, method, path, body] of SCRIPT) {
    const answer = await fetch(url + path, {
      method,
      headers: {
        authorization: `Bearer ${KEY}`,
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    }).catch(() => undefined);
    if (!answer) break;
    assert.ok(answer.ok, `${method} ${path}: ${answer.status}`);
    acknowledged++;
  }
  process.kill('SIGTERM');
  const { status } = await process.ended;
  assert.equal(status, null, 'it was killed, and did not leave by itself');
  return acknowledged;
}

async function readStore(dataDir: string): Promise<Stored> {
  const directory = await openDataDirectory(dataDir, { create: false });
  const store = await openSqliteStore({ directory, clock: systemClock });
  try {
    const [runner] = await store.listRunners({ limit: 10 });
    const sources = await store.listSources({ limit: 10 });
    const keys = await store.listKeys({ limit: 10 });
    return {
      runner: runner?.name,
      runnerSources: runner?.sources ?? [],
      rotated: (runner?.rotatedAt ?? null) !== null,
      revoked: (runner?.revokedAt ?? null) !== null,
      sources: sources.map(one => one.name),
      keys: keys.map(one => one.name).sort(),
    };
  } finally {
    await store.close();
    await directory.close();
  }
}
