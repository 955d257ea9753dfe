/**
 * `npm run soak -- --minutes 20`: callers ask while runners and gateways are killed, stopped and cut off at random;
 * every history is checked. Ends with what was done, or with the history that cannot be and the seed that led to it.
 */
import { parseArgs } from 'node:util';
import { type Counts, soak } from '../test/support/soak.ts';

const { values } = parseArgs({
  options: {
    minutes: { type: 'string', default: '1' },
    seed: { type: 'string', default: String(Math.floor(Math.random() * 2 ** 31)) },
    processes: { type: 'string', default: '4' },
    'runners-each': { type: 'string', default: '4' },
    'pause-ms': { type: 'string', default: '200' },
  },
});
const cleanups: (() => unknown)[] = [];
const started = performance.now();
const say = (counts: Counts): void =>
  console.log(`${((performance.now() - started) / 60_000).toFixed(1)} min ${JSON.stringify(counts)}`);
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => void end(130));

console.log(`seed ${values.seed}`);
try {
  const counts = await soak(
    { after: cleanup => void cleanups.push(cleanup as () => unknown) },
    {
      seed: Number(values.seed),
      durationMs: Number(values.minutes) * 60_000,
      processes: Number(values.processes),
      runnersEach: Number(values['runners-each']),
      pauseMs: Number(values['pause-ms']),
      onProgress: say,
    },
  );
  say(counts);
  console.log('every history is clean');
  await end(0);
} catch (error) {
  console.error(error, `\nseed ${values.seed}`);
  await end(1);
}

async function end(status: number): Promise<never> {
  for (const cleanup of cleanups.reverse()) await cleanup();
  process.exit(status);
}
