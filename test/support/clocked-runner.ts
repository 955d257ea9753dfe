/** Our own runtime on a clock that the test turns; everything else about it is real. */
import type { TestContext } from 'node:test';
import type { BridgeClass } from '../../src/bridges/bridge.ts';
import { resolveBridge } from '../../src/bridges/registry.ts';
import type { Clock } from '../../src/platform/clock.ts';
import { type Random, systemRandom } from '../../src/platform/random.ts';
import { dialWebSocket } from '../../src/runner/dial.ts';
import type { RunnerEvent } from '../../src/runner/events.ts';
import { Runner } from '../../src/runner/runner.ts';
import { SourceHealth } from '../../src/runner/source-health.ts';
import { SourcePool } from '../../src/runner/source-pool.ts';
import { fixedToken } from '../../src/runner/token-source.ts';

export interface ClockedRunner {
  runner: Runner;
  events: RunnerEvent[];
  /** Resolves at the next event of that type, one that has come already included. */
  event<T extends RunnerEvent['type']>(type: T): Promise<Extract<RunnerEvent, { type: T }>>;
}

export function clockedRunner(
  t: Pick<TestContext, 'after'>,
  clock: Clock,
  options: {
    url: string;
    token: string;
    runnerId?: string;
    resolveBridge?: (name: string) => BridgeClass | Promise<BridgeClass>;
    random?: Random;
  },
): ClockedRunner {
  const events: RunnerEvent[] = [];
  let wake: (() => void)[] = [];
  const pool = new SourcePool({
    clock,
    resolveBridge: options.resolveBridge ?? resolveBridge,
    localConfig: () => Promise.reject(new Error('no runner-local sources here')),
  });
  const runner = new Runner({
    url: options.url,
    runnerId: options.runnerId ?? 'edge',
    token: fixedToken(options.token),
    tokenWaitMs: 0,
    capabilities: [],
    runtimeVersion: '0.0.0-test',
    instance: 'test',
    concurrency: 16,
    env: {},
    clock,
    cpuMs: () => 0,
    random: options.random ?? systemRandom,
    dial: dialWebSocket,
    pool,
    sourceHealth: new SourceHealth({ clock, pool, policy: undefined, probe: false }),
    onEvent: event => {
      events.push(event);
      for (const resolve of wake.splice(0)) resolve();
    },
  });
  t.after(() => runner.cancel());
  return {
    runner,
    events,
    async event(type) {
      for (;;) {
        const found = events.find(event => event.type === type);
        if (found) return found as Extract<RunnerEvent, { type: typeof type }>;
        await new Promise<void>(resolve => {
          wake = [...wake, resolve];
        });
      }
    },
  };
}
