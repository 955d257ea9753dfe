/** Homes that cannot be used: the environment alone is enough for every command that keeps nothing. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { chmod, mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { FakeService } from '../support/fake-service.ts';
import { temporaryDirectory } from '../support/temporary.ts';

const BIN = fileURLToPath(new URL('../../bin/semilayer.js', import.meta.url));
/**
 * Permissions bind everybody but root: where root runs the tests, the program runs without that exemption. It stays
 * root's in name, for Node or the checkout may be where nobody else gets at it.
 */
const BOUND =
  process.getuid?.() === 0 ? ['setpriv', '--bounding-set=-dac_override,-dac_read_search', '--'] : [];
const KEY = `sk_${'0'.repeat(32)}`;

const HOMES: [what: string, make: (path: string) => Promise<void>][] = [
  ['is missing', async () => {}],
  ['is a file', path => writeFile(path, '')],
  ['can be read and not written', path => mkdir(path, { mode: 0o555 })],
  ['is closed', path => mkdir(path, { mode: 0o000 })],
  [
    'has a config file that is closed',
    async path => {
      await mkdir(join(path, '.config/semilayer'), { recursive: true });
      await writeFile(join(path, '.config/semilayer/config.json'), '{}', { mode: 0o000 });
      await chmod(path, 0o555);
      await chmod(join(path, '.config/semilayer'), 0o555);
    },
  ],
];

for (const [what, make] of HOMES) {
  test(`a home that ${what}: the environment is enough, and what would be kept says why it is not`, async t => {
    if (process.platform === 'win32') return;
    const { run } = await setUp(t, make);
    const list = await run(['runners', 'list', '--json']);
    assert.equal(list.status, 0, list.stderr);
    assert.equal(list.stdout, '[]\n');
    assert.equal((await run(['config', 'explain'])).status, 0);
    const login = await run(['login', '--api-key-stdin'], KEY);
    assert.equal(login.status, 2, login.stderr);
    assert.match(login.stderr, /the config file .*cannot be (written|read) \(E\w+\)/);
    assert.match(login.stderr, /hint: .*SEMILAYER_CONFIG_DIR/);
    assert.doesNotMatch(login.stderr, new RegExp(KEY));
  });
}

async function setUp(t: TestContext, make: (path: string) => Promise<void>) {
  const closed: string[] = [];
  // Registered first, so that it comes before the removal of what only then can be removed.
  t.after(async () => {
    for (const path of closed) await chmod(path, 0o700).catch(() => {});
  });
  const [cwd, service] = await Promise.all([temporaryDirectory(t), FakeService.start(t)]);
  const home = join(cwd, 'home');
  await make(home);
  closed.push(cwd, home, join(home, '.config/semilayer'));
  await chmod(cwd, 0o555);
  service.on('GET /v1/runners', { json: { items: [], nextCursor: null } });
  service.on('GET /v1/whoami', { json: { name: 'ci', role: 'admin', gatewayUrl: null, version: '0' } });
  const env = {
    PATH: process.env.PATH,
    HOME: home,
    SEMILAYER_SERVICE_URL: service.url,
    SEMILAYER_API_KEY: KEY,
  };
  const run = async (args: string[], stdin = '') => {
    const [program, ...rest] = [...BOUND, process.execPath, '--', BIN, ...args] as [string, ...string[]];
    const child = spawn(program, rest, { cwd, env });
    const told = { stdout: '', stderr: '' };
    for (const name of ['stdout', 'stderr'] as const) {
      child[name].setEncoding('utf8').on('data', text => {
        told[name] += text;
      });
    }
    child.stdin.end(stdin);
    const status = await new Promise<number | null>(ended => child.once('close', ended));
    return { status, ...told };
  };
  return { run };
}
