/** `npm test`: builds if need be, then runs the test files with node:test. Arguments are parts of paths to run alone. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, mkdtemp, readdir, rm } from 'node:fs/promises';
import { availableParallelism, tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { ROOT } from './build.mjs';
import { findChromium } from './chromium.mjs';
import { installPacked } from './packed.mjs';
import { run } from './run.mjs';

/**
 * The first two have steps of their own in `npm run check`, because they need the network, a browser or more time; the
 * image, which is built from nothing as a registry would, has one in CI.
 */
const OWN_STEP = ['test/package/', 'test/browser/', 'test/image/'];

const filters = process.argv.slice(2).map(argument => argument.replaceAll('\\', '/').replace(/^\.\//, ''));
const files = (await testFiles()).filter(file =>
  filters.length === 0
    ? !OWN_STEP.some(path => file.startsWith(path))
    : filters.some(part => file.includes(part)),
);
if (files.length === 0) {
  process.stderr.write(
    `error: no test file ${filters.length === 0 ? 'found' : `matches ${filters.join(' ')}`}\n`,
  );
  process.exit(1);
}

/** A browser takes its time on a slow machine. */
const inBrowser = files.every(file => file.startsWith('test/browser/'));
/** What is installed from a registry, and an image that is built, take theirs. */
const installing = files.every(file => /^test\/(package|image)\//.test(file));
/** Two files at once keep two processors busy, three where a page is waited for; more would wait for each other. */
const several = Math.max(2, Math.min(4, availableParallelism()));
const [concurrency, oneMs] = inBrowser ? [3, 300_000] : installing ? [2, 900_000] : [several, 120_000];
/** A hundred passes of the canaries take a hundred times as long. */
const timeoutMs = oneMs * Number(process.env.CANARY_PASSES ?? 1);

const built = await run(process.execPath, ['scripts/ensure-build.mjs']);
if (built.status !== 0) process.exit(built.status);

const directory = await mkdtemp(join(tmpdir(), 'semilayer-test-'));
const configDir = join(directory, 'config');
let servers;
const packedDir = files.some(file => file.startsWith('test/package/'))
  ? join(directory, 'packed')
  : undefined;
try {
  await mkdir(configDir);
  if (packedDir) {
    await mkdir(packedDir);
    await installPacked(packedDir);
  }
  servers = await startServerKeeper();
  const args = [
    '--import',
    'tsx',
    '--test',
    '--test-reporter=spec',
    `--test-concurrency=${concurrency}`,
    `--test-timeout=${timeoutMs}`,
    ...files,
  ];
  const env = { ...(await testEnvironment()), ...(servers && { SEMILAYER_TEST_SERVERS: servers.url }) };
  process.exitCode = (await run(process.execPath, args, { env })).status;
} finally {
  await servers?.end();
  await rm(directory, { recursive: true, force: true });
}

/** It starts a server only when a file first asks; by itself it costs little. */
async function startServerKeeper() {
  const args = ['--import', 'tsx', 'test/support/children/server-keeper.ts'];
  const keeper = spawn(process.execPath, args, { cwd: ROOT, stdio: ['pipe', 'pipe', 'inherit'] });
  const ended = once(keeper, 'exit');
  const [url] = await Promise.race([
    once(keeper.stdout.setEncoding('utf8'), 'data'),
    ended.then(([status]) => Promise.reject(new Error(`the keeper of the servers ended with ${status}`))),
  ]);
  return {
    url: url.trim(),
    end: async () => {
      keeper.stdin.end();
      await ended;
    },
  };
}

async function testFiles() {
  const entries = await readdir(join(ROOT, 'test'), { recursive: true, withFileTypes: true });
  return entries
    .filter(entry => entry.isFile() && entry.name.endsWith('.test.ts'))
    .map(entry => relative(ROOT, join(entry.parentPath, entry.name)).replaceAll('\\', '/'))
    .sort();
}

/** The environment as a fresh machine has it: nothing of the user's own settings reaches a test. */
async function testEnvironment() {
  const env = Object.fromEntries(
    Object.entries(process.env).filter(
      ([name]) => !/^(SEMILAYER_(?!TEST_).*|FORCE_COLOR|NO_COLOR|PORT|NODE_TEST_CONTEXT)$/.test(name),
    ),
  );
  // Authorities are for the way to a registry; on loopback, reading them costs each process several times its start.
  if (!installing) delete env.NODE_EXTRA_CA_CERTS;
  const chromium = await findChromium();
  return {
    ...env,
    ...(chromium ? { CHROMIUM: chromium } : {}),
    ...(packedDir ? { SEMILAYER_TEST_PACKED: packedDir } : {}),
    SEMILAYER_CONFIG_DIR: configDir,
  };
}
