/**
 * `npm run check`: everything that must hold, one line a step; the output of a step is shown when it fails.
 * `--without tests` leaves a step out that has just been seen to hold.
 */
import { parseArgs } from 'node:util';
import { build, readStamp, sourceHash } from './build.mjs';
import { findChromium } from './chromium.mjs';
import { dependencyFaults } from './dependencies.mjs';
import { noticesAreCurrent } from './notices.mjs';
import { repositoryFaults } from './repository.mjs';
import { binOf, run } from './run.mjs';

const tool =
  (packageName, command, ...args) =>
  async () =>
    run(process.execPath, [await binOf(packageName, command), ...args], { capture: true });
const script =
  (...args) =>
  () =>
    run(process.execPath, args, { capture: true });
const faultless = faults => ({ status: faults.length === 0 ? 0 : 1, output: faults.join('\n') });

/** Steps of one row run side by side. */
const ROWS = [
  {
    build: async () => {
      const [stamp, hash] = await Promise.all([readStamp(), sourceHash()]);
      if (stamp.code !== hash || stamp.types !== hash) await build({ types: true, clean: false });
      return { status: 0, output: '' };
    },
  },
  {
    types: tool('typescript', 'tsc', '-p', '.'),
    "the Console's types": tool('typescript', 'tsc', '-p', 'src/console'),
    'lint and format': tool('@biomejs/biome', 'biome', 'ci', '.'),
  },
  {
    'unused code and dependencies': tool('knip', 'knip'),
    'import direction': tool('dependency-cruiser', 'depcruise', 'src', 'bin', 'test'),
  },
  {
    'runtime dependencies': async () => faultless(await dependencyFaults()),
    'licence notices': async () =>
      faultless((await noticesAreCurrent()) ? [] : ['THIRD_PARTY_NOTICES is out of date: npm run notices']),
    'nothing foreign in the repository': async () => faultless(await repositoryFaults()),
  },
  { tests: script('scripts/test.mjs') },
  // Each keeps two processors busy.
  { 'packed tarball': script('scripts/test.mjs', 'test/package/') },
  { browser: browserTests },
];

const { values } = parseArgs({ options: { without: { type: 'string', multiple: true, default: [] } } });
const unknown = values.without.filter(name => !ROWS.some(row => name in row));
if (unknown.length > 0) {
  console.error(
    `error: there is no step ${unknown.join(', ')}; there are ${ROWS.flatMap(Object.keys).join(', ')}`,
  );
  process.exit(2);
}

const started = performance.now();
let failed = 0;
for (const row of ROWS) {
  const steps = Object.entries(row).filter(([name]) => !values.without.includes(name));
  await Promise.all(steps.map(([name, step]) => report(name, step)));
}
const seconds = Math.round((performance.now() - started) / 1000);
console.log(
  failed === 0 ? `\neverything holds, ${seconds} s` : `\n${failed} of the checks failed, ${seconds} s`,
);
process.exitCode = failed === 0 ? 0 : 1;

async function browserTests() {
  if (await findChromium()) return await script('scripts/test.mjs', 'test/browser/')();
  const output =
    'NOT RUN: the browser tests, for want of a Chromium (apt-get install chromium, or set CHROMIUM)';
  return { status: 0, output };
}

async function report(name, step) {
  const begun = performance.now();
  const { status, output } = await step().catch(error => ({ status: 1, output: error.stack }));
  console.log(`${status === 0 ? '✓' : '✗'} ${name} (${((performance.now() - begun) / 1000).toFixed(1)} s)`);
  // What could not be run is said even where nothing failed.
  const notRun = output.split('\n').filter(line => line.includes('NOT RUN'));
  if (status === 0) for (const line of notRun) console.log(`  ${line.trim()}`);
  if (status === 0) return;
  failed++;
  console.log(output.trimEnd());
}
