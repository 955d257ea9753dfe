/**
 * All benchmarks, or some: `npm run bench -- [--only dispatch,point] [--short]` keeps what they find in bench/results,
 * or in `--results DIR`. `--compare REF` measures another commit in turns with this checkout, and ends with 1 where this one is more than a
 * quarter slower.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { CATALOGUE } from './catalogue.ts';
import { withCheckout } from './checkout.ts';
import { table } from './figures.ts';
import { changesBetween, LIMIT } from './regression.ts';
import type { Result } from './result.ts';

const RESULTS = fileURLToPath(new URL('results/', import.meta.url));
const ALL = CATALOGUE.map(({ name }) => name);
/** The paths that every user waits for; the others take longer, or measure what a commit seldom changes. */
const COMPARED = ['startup', 'dispatch', 'point', 'stream'];

const { values } = parseArgs({
  options: {
    only: { type: 'string' },
    short: { type: 'boolean', default: false },
    results: { type: 'string', default: RESULTS },
    compare: { type: 'string' },
    pairs: { type: 'string', default: '5' },
  },
});
const names = values.only?.split(',') ?? (values.compare ? COMPARED : ALL);
for (const name of names) {
  if (!ALL.includes(name)) throw new Error(`no benchmark ${name}: --only takes ${ALL.join(', ')}`);
}

if (values.compare) await compareWith(values.compare);
else await runAll();

async function runAll(): Promise<void> {
  await mkdir(values.results, { recursive: true });
  const failed: string[] = [];
  for (const name of names) {
    process.stdout.write(`\n# ${name}\n\n`);
    const args = ['--json', join(values.results, `${name}.json`), ...(values.short ? ['--short'] : [])];
    if ((await bench(name, args, {}, 'inherit')) !== 0) failed.push(name);
  }
  if (failed.length === 0) return;
  process.stdout.write(`\nfailed: ${failed.join(', ')}\n`);
  process.exitCode = 1;
}

/** Base and head in turns, so that what the machine does meanwhile falls on both. */
async function compareWith(ref: string): Promise<void> {
  const directory = await mkdtemp(join(tmpdir(), 'semilayer-compare-'));
  try {
    await withCheckout(ref, async base => {
      const pairs: [Result, Result][] = [];
      for (let pair = 0; pair < Number(values.pairs); pair++) {
        for (const name of names) {
          const before = await measure(name, join(directory, 'base.json'), { SEMILAYER_BENCH_PRODUCT: base });
          pairs.push([before, await measure(name, join(directory, 'head.json'), {})]);
        }
        process.stderr.write(`pair ${pair + 1} of ${values.pairs}\n`);
      }
      conclude(ref, pairs);
    });
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}

function conclude(ref: string, pairs: [Result, Result][]): void {
  const changes = changesBetween(pairs);
  if (changes.length === 0) throw new Error('nothing that can be compared was measured');
  const times = (value: number) => value.toFixed(2);
  const rows = changes.map(({ what, ratios, median, low, isRegression }) => [
    what,
    times(median),
    `${times(Math.min(...ratios))}–${times(Math.max(...ratios))}`,
    times(low),
    isRegression ? 'SLOWER' : median > LIMIT ? 'noise' : 'as before',
  ]);
  const head = [`beside ${ref}`, '× worse', 'least–most', 'three in four over', 'verdict'];
  process.stdout.write(`${table(head, rows)}\n`);
  if (changes.some(({ isRegression }) => isRegression)) process.exitCode = 1;
}

async function measure(name: string, file: string, env: NodeJS.ProcessEnv): Promise<Result> {
  const status = await bench(name, ['--short', '--json', file, ...withoutPeers(name)], env, 'ignore');
  if (status !== 0) throw new Error(`the benchmark ${name} failed`);
  return JSON.parse(await readFile(file, 'utf8'));
}

/** A comparison with ourselves needs nobody else. */
function withoutPeers(name: string): string[] {
  return ['startup', 'dispatch', 'stream'].includes(name) ? ['--no-peers'] : [];
}

async function bench(
  name: string,
  args: string[],
  env: NodeJS.ProcessEnv,
  stdout: 'inherit' | 'ignore',
): Promise<number> {
  const script = fileURLToPath(new URL(`${name}.mjs`, import.meta.url));
  const child = spawn(process.execPath, ['--import', 'tsx', script, ...args], {
    env: { ...process.env, ...env },
    stdio: ['ignore', stdout, 'inherit'],
  });
  const [status] = await once(child, 'exit');
  return status ?? 1;
}
