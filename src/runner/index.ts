/** `semilayer/runner`: the runner runtime for embedding programs, the container and `semilayer run` alike. */
import { hostname } from 'node:os';
import type { BridgeClass } from '../bridges/bridge.ts';
import { resolveBridge } from '../bridges/registry.ts';
import { AppError, messageOf } from '../errors.ts';
import { proxyAgent } from '../platform/agent.ts';
import { systemClock } from '../platform/clock.ts';
import { proxyOf } from '../platform/proxy.ts';
import { systemRandom } from '../platform/random.ts';
import { DEFAULT_CONCURRENCY, MAX_CONCURRENCY } from '../protocol/features.ts';
import { VERSION } from '../version.ts';
import { dialThrough } from './dial.ts';
import type { RunnerEvent, RunnerStatus } from './events.ts';
import type { Ledger } from './ledger/ledger.ts';
import { readLocalConfig } from './local-credentials.ts';
import { processCpuMs } from './loop-watch.ts';
import type { Policy } from './policy/policy.ts';
import { Runner, type Stopped, stoppedByDefect } from './runner.ts';
import { SourceHealth } from './source-health.ts';
import { SourcePool } from './source-pool.ts';
import { fixedToken, tokenFile } from './token-source.ts';

export type { Bridge, BridgeClass, BridgeManifest } from '../bridges/bridge.ts';
export { SourceUnreachableError, UnsupportedOperatorError } from '../bridges/bridge.ts';
export { listBridges, registerBridge, resolveBridge } from '../bridges/registry.ts';
export type { JobIdentity, RunnerEvent, RunnerStatus } from './events.ts';
export { Ledger, type LedgerOptions } from './ledger/ledger.ts';
export { Policy } from './policy/policy.ts';
export type { Stopped } from './runner.ts';

/** What a container's orchestrator allows by default, less a few seconds to leave in. */
export const DEFAULT_GRACE_PERIOD_MS = 25_000;
const DEFAULT_TOKEN_WAIT_MS = 10_000;

export interface StartRunnerOptions {
  /** `wss://…/connect`. */
  gatewayUrl: string;
  /** UUID or name of the runner. */
  runnerId: string;
  /** The runner's token; or give `tokenFile`. */
  authToken?: string;
  /** A file that holds the token; read again when the gateway refuses what it held. */
  tokenFile?: string;
  /** How long a refused token is hoped to change in its file, in milliseconds. Default 10,000. */
  tokenWaitMs?: number;
  /** Finds the class of a bridge by its package name. Default: ours, then installed packages. */
  resolveBridge?: (name: string) => BridgeClass | Promise<BridgeClass>;
  /** Bridge packages this runner can load. Empty, the default, means any. */
  capabilities?: string[];
  runtimeVersion?: string;
  /** Jobs worked on at once, 1 to 1,024. Default 16. */
  concurrency?: number;
  /** What jobs may see, whatever the gateway asks: `Policy.parse(text)`. Default: everything. */
  policy?: Policy;
  /** Where every job is recorded: `await Ledger.open({ … })`. The caller closes it once the runner has. */
  ledger?: Ledger;
  /** PEM certificates to trust beside the system's. */
  ca?: string[];
  /** Where runner-local credentials and the proxy (`HTTPS_PROXY` …) are looked up. Default `process.env`. */
  env?: Readonly<Record<string, string | undefined>>;
  /** Whether to connect to sources that no job has asked yet, so that `status.sourceStates` is known. Default false. */
  probeSources?: boolean;
  onConnected?: () => void;
  onDisconnected?: (reason: string) => void;
  /** A copy of each frame, with the config of sources redacted. */
  onFrame?: (direction: 'in' | 'out', frame: unknown) => void;
  /** Everything the runtime reports; the two callbacks above are the short form. */
  onEvent?: (event: RunnerEvent) => void;
}

export interface RunnerHandle {
  /** Drains up to the grace period (default 25,000 ms), then cancels what is left and leaves. */
  stop(options?: { gracePeriodMs?: number }): Promise<{ drained: boolean }>;
  /** Cancels every job and leaves, in two seconds at most. */
  cancel(): Promise<void>;
  /** Resolves when the runner has stopped for good; never rejects. */
  readonly closed: Promise<Stopped>;
  readonly status: RunnerStatus;
}

/**
 * Starts a runner and returns at once; it connects, and reconnects for ever, until stopped or told to go away.
 *
 * @throws AppError `usage` when an option is missing or impossible.
 * @example
 * const runner = startRunner({ gatewayUrl, runnerId, authToken });
 * process.once('SIGTERM', () => runner.stop());
 * const { code, reason } = await runner.closed;
 */
export function startRunner(options: StartRunnerOptions): RunnerHandle {
  const concurrency = options.concurrency ?? DEFAULT_CONCURRENCY;
  must(
    'gatewayUrl',
    URL.canParse(options.gatewayUrl) && /^wss?:/.test(options.gatewayUrl),
    'a ws:// or wss:// URL',
  );
  must(
    'runnerId',
    typeof options.runnerId === 'string' && options.runnerId !== '',
    'the ID or name of a runner',
  );
  must(
    'authToken',
    (options.authToken === undefined) !== (options.tokenFile === undefined),
    'given, or tokenFile, not both',
  );
  must(
    'concurrency',
    Number.isInteger(concurrency) && concurrency >= 1 && concurrency <= MAX_CONCURRENCY,
    `1 to ${MAX_CONCURRENCY}`,
  );

  const env = options.env ?? process.env;
  // A proxy that cannot be is the caller's to learn of now, not at the first attempt.
  proxyOf(options.gatewayUrl, env);
  let runner: Runner | undefined;
  const report = (event: RunnerEvent): void => {
    // A callback that throws is its owner's defect and must not end the runner.
    guarded(() => options.onEvent?.(event));
    if (event.type === 'connected') guarded(() => options.onConnected?.());
    if (event.type === 'disconnected') guarded(() => options.onDisconnected?.(event.reason));
  };
  const { onFrame } = options;
  const pool: SourcePool = new SourcePool({
    clock: systemClock,
    resolveBridge: options.resolveBridge ?? resolveBridge,
    localConfig: source => readLocalConfig(source, runner?.assigned ?? [], env),
  });
  const sourceHealth = new SourceHealth({
    clock: systemClock,
    pool,
    policy: options.policy,
    probe: options.probeSources ?? false,
  });
  runner = new Runner({
    url: options.gatewayUrl,
    runnerId: options.runnerId,
    token:
      options.tokenFile === undefined ? fixedToken(options.authToken ?? '') : tokenFile(options.tokenFile),
    tokenWaitMs: options.tokenWaitMs ?? DEFAULT_TOKEN_WAIT_MS,
    capabilities: options.capabilities ?? [],
    runtimeVersion: options.runtimeVersion ?? VERSION,
    instance: `${hostname()}:${process.pid}`,
    concurrency,
    ca: options.ca,
    env,
    clock: systemClock,
    random: systemRandom,
    cpuMs: processCpuMs,
    dial: dialThrough(({ url, ca }) => (proxyOf(url, env) ? proxyAgent(url, { env, ca }) : undefined)),
    pool,
    policy: options.policy,
    ledger: options.ledger,
    onEvent: event => {
      sourceHealth.event(event);
      if (event.type === 'stopped') sourceHealth.stop();
      report(event);
    },
    sourceHealth,
    onFrame: onFrame && ((direction, frame) => guarded(() => onFrame(direction, frame))),
  });
  const started = runner;
  return {
    stop: ({ gracePeriodMs = DEFAULT_GRACE_PERIOD_MS } = {}) => started.stop(gracePeriodMs),
    cancel: () => started.cancel(),
    closed: started.closed.catch(stoppedByDefect),
    get status() {
      return started.status;
    },
  };
}

function must(name: string, holds: boolean, what: string): void {
  if (!holds) throw new AppError('usage', { message: `startRunner: ${name} must be ${what}` });
}

function guarded(call: () => void): void {
  try {
    call();
  } catch (error) {
    process.emitWarning(`a runner callback threw: ${messageOf(error)}`, 'SemilayerCallbackWarning');
  }
}
