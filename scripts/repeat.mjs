/**
 * `npm run test:repeat -- faults --times 50`: runs the test files whose path holds that so many times, each with a seed
 * of its own, and stops at the first failure with what was said and the seed that brings it again.
 */
import { parseArgs } from 'node:util';
import { run } from './run.mjs';

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    times: { type: 'string', default: '50' },
    /** Seed of the first time; each further time takes the next. */
    seed: { type: 'string', default: String(Math.floor(Math.random() * 2 ** 31)) },
  },
});
const times = Number(values.times);
if (positionals.length === 0 || !Number.isInteger(times) || times < 1) {
  console.error('error: npm run test:repeat -- PART-OF-A-PATH … [--times 50] [--seed N]');
  process.exit(2);
}

const started = performance.now();
for (let time = 1; time <= times; time++) {
  const seed = String(Number(values.seed) + time - 1);
  const { status, output } = await run(process.execPath, ['scripts/test.mjs', ...positionals], {
    capture: true,
    env: { ...process.env, SEMILAYER_TEST_SEED: seed },
  });
  if (status !== 0) {
    console.log(output.trimEnd());
    console.log(
      `\nfailed the ${time}. time of ${times}; again: SEMILAYER_TEST_SEED=${seed} npm test -- ${positionals.join(' ')}`,
    );
    process.exit(1);
  }
  const [, passed = '?'] = /^ℹ pass (\d+)$/m.exec(output) ?? [];
  console.log(
    `${time} of ${times}: ${passed} passed, ${Math.round((performance.now() - started) / 1000)} s so far`,
  );
}
console.log(`\n${positionals.join(' ')}: ${times} of ${times}`);
