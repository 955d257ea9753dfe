/**
 * `npm run mutations`: takes out each defence of the catalogue of faults, in a copy of the checkout, and expects the
 * test of that fault to fail; before that, that it passes. Arguments are parts of the names of faults to take alone.
 */
import { cp, mkdir, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { CATALOGUE } from '../test/faults/catalogue/index.ts';
import { ROOT } from './build.mjs';
import { run } from './run.mjs';

/** A defence that is missing may well mean a test that waits: then this is what turns it red. */
const TIMEOUT_MS = 30_000;
/** A test as it is takes its time on a busy machine. */
const CONTROL_TIMEOUT_MS = 120_000;

const filters = process.argv.slice(2);
const faults = CATALOGUE.flatMap(([, of]) => of).filter(
  ({ fault }) => filters.length === 0 || filters.some(part => fault.includes(part)),
);
const copy = await mkdtemp(join(tmpdir(), 'semilayer-mutations-'));
const green = new Set();
let wrong = 0;
process.once('SIGINT', () => process.exit(130));
try {
  await copyCheckout();
  await build();
  for (const fault of faults) await take(fault);
} finally {
  await rm(copy, { recursive: true, force: true });
}
console.log(
  wrong === 0
    ? `\n${faults.length} defences taken out, each seen by its test`
    : `\n${wrong} of ${faults.length} went wrong`,
);
process.exitCode = wrong === 0 ? 0 : 1;

async function take({ fault, test, mutation }) {
  const started = performance.now();
  const key = `${test.file}: ${test.name}`;
  if (!green.has(key)) {
    const control = await runTest(test, CONTROL_TIMEOUT_MS);
    if (control.status !== 0) return complain(fault, `its test fails as it is\n${control.output}`);
    green.add(key);
  }
  const originals = new Map();
  try {
    for (const edit of mutation.edits) await make(edit, originals);
    if (mutation.built) await build();
    const { status, output } = await runTest(test, TIMEOUT_MS);
    if (status === 0) return complain(fault, `its test does not notice: ${mutation.says}\n${output}`);
    console.log(`✓ ${fault}: ${mutation.says} (${((performance.now() - started) / 1000).toFixed(1)} s)`);
  } finally {
    for (const [file, text] of originals) await writeFile(join(copy, file), text);
    if (mutation.built) await build();
  }
}

async function make({ file, from, to }, originals) {
  const path = join(copy, file);
  const text = await readFile(path, 'utf8');
  if (!originals.has(file)) originals.set(file, text);
  if (text.split(from).length !== 2) throw new Error(`${file} does not hold this once: ${from}`);
  await writeFile(
    path,
    text.replace(from, () => to),
  );
}

async function runTest({ file, name }, timeoutMs) {
  const pattern = `^${name.replace(/[.*+?^${}()|[\]\\/]/g, '\\$&')}$`;
  const args = ['--import', 'tsx', '--test', '--test-reporter=tap', `--test-timeout=${timeoutMs}`];
  const { status, output } = await run(process.execPath, [...args, `--test-name-pattern=${pattern}`, file], {
    capture: true,
    cwd: copy,
    env: { ...process.env, NODE_TEST_CONTEXT: undefined },
  });
  // A name that matches nothing passes, too.
  const ran = /^# pass ([1-9]\d*)$/m.test(output);
  return { status: status === 0 && !ran ? 1 : status, output };
}

async function build() {
  const { status, output } = await run(process.execPath, ['scripts/ensure-build.mjs'], {
    capture: true,
    cwd: copy,
  });
  if (status !== 0) throw new Error(output);
}

async function copyCheckout() {
  const { output } = await run('git', ['ls-files', '-z', '--cached', '--others', '--exclude-standard'], {
    capture: true,
  });
  for (const path of output.split('\0').filter(Boolean)) {
    await mkdir(dirname(join(copy, path)), { recursive: true });
    await cp(join(ROOT, path), join(copy, path)).catch(error => {
      // Deleted, and not yet said so to git.
      if (error.code !== 'ENOENT') throw error;
    });
  }
  await symlink(join(ROOT, 'node_modules'), join(copy, 'node_modules'));
}

function complain(fault, what) {
  wrong++;
  console.log(`✗ ${fault}: ${what}`);
}
