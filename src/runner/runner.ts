/** The runner: one loop that owns the connection. Everything else records what happened and wakes it. */
import type { PoolUse } from '../bridges/bridge.ts';
import { AppError, messageOf } from '../errors.ts';
import type { Clock } from '../platform/clock.ts';
import { Deadlines } from '../platform/deadlines.ts';
import type { Random } from '../platform/random.ts';
import { CLOSE } from '../protocol/close-codes.ts';
import type { AssignedSource } from '../protocol/frames.ts';
import { Connection, type ConnectionOptions } from './connection.ts';
import { backoffMs, causeOf, type Decision, decide, describe, type Ending } from './ending.ts';
import type { JobCount, RunnerEvent, RunnerStatus } from './events.ts';
import { JobSlots } from './job-slots.ts';
import { leave } from './leave.ts';
import { credentialProblems, type Environment } from './local-credentials.ts';
import { watchLoop } from './loop-watch.ts';
import type { SourceHealth } from './source-health.ts';
import type { SourcePool } from './source-pool.ts';
import type { TokenSource } from './token-source.ts';

/** A connection that held this long starts the backoff afresh; a shorter one is part of the same trouble. */
const HELD_MS = 5_000;
/** How often a changed token file is looked for. */
const TOKEN_POLL_MS = 250;
/** Longest wait for the gateway's answer to our close. */
const FAREWELL_MS = 2_000;

export interface RunnerOptions
  extends Omit<
    ConnectionOptions,
    'token' | 'onReady' | 'onAssigned' | 'onEvent' | 'pool' | 'dial' | 'slots' | 'deadlines'
  > {
  dial: ConnectionOptions['dial'];
  pool: SourcePool;
  token: TokenSource;
  /** How long a refused token is hoped to change in its file, in milliseconds. */
  tokenWaitMs: number;
  env: Environment;
  clock: Clock;
  random: Random;
  /** Milliseconds of processor time of this process, to tell a loop that was blocked from one that slept. */
  cpuMs: () => number;
  onEvent: (event: RunnerEvent) => void;
  sourceHealth: SourceHealth;
}

export interface Stopped {
  /** Close code of the protocol; 1000 after `stop`. */
  code: number;
  reason: string;
}

export class Runner {
  readonly #options: RunnerOptions;
  readonly #slots: JobSlots;
  readonly #deadlines: Deadlines;
  readonly #stopping = new AbortController();
  readonly closed: Promise<Stopped>;
  /** Those that have not ended: the one the loop holds, and those whose gateway is leaving. */
  readonly #connections = new Set<Connection>();
  #current: Connection | undefined;
  #draining = false;
  #sources: AssignedSource[] = [];
  #failures = 0;
  #malformedAt: number[] = [];
  #lastHeldAt: number;
  #interrupt: () => void = () => {};
  #awaitingReady: (() => void)[] = [];

  constructor(options: RunnerOptions) {
    this.#options = options;
    this.#slots = new JobSlots({
      concurrency: options.concurrency,
      concurrencyOf: source => options.policy?.concurrencyOf(source) ?? Number.POSITIVE_INFINITY,
    });
    this.#deadlines = new Deadlines(options.clock);
    this.#lastHeldAt = options.clock.monotonic();
    // The loop starts in a microtask: constructing a runner has no effect that its maker could miss.
    this.closed = Promise.resolve().then(() => this.#run());
  }

  /** The assigned sources, as last heard. */
  get assigned(): readonly AssignedSource[] {
    return this.#sources;
  }

  get status(): RunnerStatus {
    return {
      connected: this.#ready,
      draining: this.#draining,
      activeJobs: this.#activeJobs,
      sources: this.#sources.map(source => source.name),
      sourceStates: this.#options.sourceHealth.states,
      jobsBySource: this.#jobsBySource,
      pools: this.#pools,
      ...(this.#options.ledger ? { ledger: this.#options.ledger.failing ? 'failing' : 'ok' } : {}),
    };
  }

  get #ready(): boolean {
    return [...this.#connections].some(connection => connection.ready);
  }

  get #activeJobs(): number {
    let count = 0;
    for (const { jobs } of this.#connections) count += jobs?.activeJobs ?? 0;
    return count;
  }

  get #jobsBySource(): Record<string, JobCount> {
    const counts = Object.fromEntries(this.#sources.map(({ name }) => [name, { running: 0, waiting: 0 }]));
    for (const { jobs } of this.#connections) {
      for (const [source, { running, waiting }] of jobs?.jobsBySource ?? []) {
        const count = counts[source];
        if (!count) continue;
        count.running += running;
        count.waiting += waiting;
      }
    }
    return counts;
  }

  get #pools(): Record<string, PoolUse> {
    return Object.fromEntries(
      this.#sources.flatMap(({ id, name }) => {
        const use = this.#options.pool.use(id);
        return use ? [[name, use]] : [];
      }),
    );
  }

  /**
   * Takes no further job, waits for those under way up to the grace period, cancels the rest, leaves.
   *
   * @returns whether every job ended by itself.
   */
  async stop(gracePeriodMs: number): Promise<{ drained: boolean }> {
    const { onEvent } = this.#options;
    this.#draining = true;
    let drained = true;
    const connected = [...this.#connections].filter(connection => connection.jobs);
    if (connected.length > 0 && !this.#stopping.signal.aborted) {
      onEvent({ type: 'draining', activeJobs: this.#activeJobs, gracePeriodMs });
      const left = await Promise.all(connected.map(connection => this.#leave(connection, gracePeriodMs)));
      drained = left.every(one => one);
    }
    await this.#end(drained ? 'runner stopped' : 'grace period over');
    return { drained };
  }

  /** Cancels every job, tells the gateway, leaves; two seconds at most. */
  async cancel(): Promise<void> {
    this.#draining = true;
    await this.#end('runner stopped by its operator');
  }

  async #leave(connection: Connection, gracePeriodMs?: number): Promise<boolean> {
    const { clock, onEvent } = this.#options;
    const signal = this.#stopping.signal;
    const { drained, acknowledged } = await leave(connection, {
      clock,
      signal,
      ...(gracePeriodMs === undefined ? {} : { gracePeriodMs }),
    });
    if (!acknowledged && connection.ready && !signal.aborted) {
      onEvent({ type: 'warning', message: 'the gateway did not say that the last endings have arrived' });
    }
    return drained;
  }

  async #end(reason: string): Promise<void> {
    const { clock } = this.#options;
    this.#stopping.abort();
    this.#closeAll(reason);
    const farewell = new AbortController();
    await Promise.race([
      this.closed.then(() => farewell.abort()),
      clock.sleep(FAREWELL_MS, farewell.signal).then(() => {
        for (const connection of this.#connections) connection.abort();
      }),
    ]);
    farewell.abort();
    await this.closed;
  }

  #closeAll(reason: string): void {
    for (const connection of this.#connections) {
      connection.jobs?.cancelAll(reason);
      connection.close(CLOSE.normal, reason);
    }
  }

  async #run(): Promise<Stopped> {
    const { clock, cpuMs, onEvent, pool } = this.#options;
    const unwatch = watchLoop({
      clock,
      cpuMs,
      onEvent: event => {
        onEvent(event);
        if (event.type === 'woke') this.#woke();
      },
    });
    try {
      const { error, ...outcome } = await this.#loop();
      // Where the loop gave up while a gateway that leaves still had jobs here, they end with it.
      this.#closeAll(outcome.reason);
      await Promise.all([...this.#connections].map(connection => connection.ended));
      await pool.close();
      onEvent({
        type: 'stopped',
        ...outcome,
        ...(error ? { error: { code: error.code, message: error.message, hint: error.hint } } : {}),
      });
      return outcome;
    } finally {
      unwatch();
    }
  }

  /** Whatever was waited for may be over, and whoever was connected may be gone. */
  #woke(): void {
    this.#interrupt();
    for (const connection of this.#connections) connection.probe();
  }

  async #loop(): Promise<Stopped & { error?: AppError }> {
    const { random, onEvent, tokenWaitMs } = this.#options;
    const stopping = this.#stopping.signal;
    let refusedToken: string | undefined;
    while (!stopping.aborted) {
      const token = await this.#token(refusedToken);
      if (stopping.aborted) break;
      if (token instanceof AppError) return { code: CLOSE.unauthorized, reason: token.message, error: token };
      refusedToken = undefined;
      const ending = await this.#connect(token);
      if (stopping.aborted) break;
      if (ending === 'relieved') {
        await this.#pause(backoffMs({ failures: 0, outageMs: 0 }, random.fraction()));
        continue;
      }
      const decision = this.#decide(ending, random.fraction());
      if (decision.do === 'stop') return { code: decision.code, reason: decision.reason };
      if (decision.do === 'await-token') {
        refusedToken = token;
        onEvent({ type: 'waiting-for-token', reason: decision.reason, waitMs: tokenWaitMs });
        continue;
      }
      const { delayMs, reason } = decision;
      onEvent({ type: 'retrying', delayMs, reason, cause: causeOf(ending) });
      await this.#pause(delayMs);
    }
    return { code: CLOSE.normal, reason: 'stopped' };
  }

  /** Waits, unless stopped or woken. */
  async #pause(delayMs: number): Promise<void> {
    const over = new AbortController();
    const stopping = this.#stopping.signal;
    this.#interrupt = () => over.abort();
    stopping.addEventListener('abort', this.#interrupt, { once: true });
    if (stopping.aborted) over.abort();
    await this.#options.clock.sleep(delayMs, over.signal);
    stopping.removeEventListener('abort', this.#interrupt);
    this.#interrupt = () => {};
  }

  /** The token to dial with; after a refusal, one that differs from the refused, or the reason there is none. */
  async #token(refused: string | undefined): Promise<string | AppError> {
    const { clock, token, tokenWaitMs } = this.#options;
    const deadline = clock.monotonic() + tokenWaitMs;
    for (;;) {
      let problem: AppError;
      try {
        const value = await token.read();
        if (value !== refused) return value;
        problem = new AppError('token_refused', {
          message: 'token refused, and its file still holds the same one',
        });
      } catch (error) {
        if (!(error instanceof AppError)) throw error;
        problem = error;
      }
      if (!token.mayChange || clock.monotonic() >= deadline || this.#stopping.signal.aborted) return problem;
      await clock.sleep(TOKEN_POLL_MS, this.#stopping.signal);
    }
  }

  /** Holds one connection: until it ends, or its gateway asks for another in its place. */
  async #connect(token: string): Promise<Ending | 'relieved'> {
    const { clock, onEvent, url } = this.#options;
    onEvent({ type: 'connecting', url, attempt: this.#failures + 1 });
    let readyAt: number | undefined;
    const connection: Connection = new Connection({
      ...this.#options,
      token,
      slots: this.#slots,
      deadlines: this.#deadlines,
      onReady: () => {
        readyAt = clock.monotonic();
        onEvent({ type: 'connected', sources: this.status.sources });
        for (const resolve of this.#awaitingReady.splice(0)) resolve();
      },
      onAssigned: (sources, changed) => {
        // A gateway that leaves does not hear of changes any more.
        if (connection === this.#current) this.#assigned(sources, changed);
      },
    });
    this.#current = connection;
    this.#connections.add(connection);
    const ended = connection.ended.then(ending => {
      this.#connections.delete(connection);
      if (readyAt !== undefined) this.#lost(ending);
      return ending;
    });
    connection.start();
    if (this.#stopping.signal.aborted) connection.close(CLOSE.normal, 'runner stopped');
    const ending = await Promise.race([ended, connection.relieved.then(() => 'relieved' as const)]);
    if (ending === 'relieved' && !this.#draining) {
      onEvent({ type: 'gateway-leaving', activeJobs: connection.jobs?.activeJobs ?? 0 });
      this.#failures = 0;
      void this.#retire(connection);
      return ending;
    }
    const last = ending === 'relieved' ? await ended : ending;
    const held = readyAt !== undefined && clock.monotonic() - readyAt >= HELD_MS;
    this.#failures = held ? 0 : this.#failures + 1;
    return last;
  }

  /** A connection that had been ready is gone; where another stands, nobody misses it. */
  #lost(ending: Ending): void {
    this.#lastHeldAt = this.#options.clock.monotonic();
    if (this.#ready) return;
    this.#options.onEvent({
      type: 'disconnected',
      code: ending.kind === 'closed' ? ending.code : CLOSE.abnormal,
      reason: describe(ending),
    });
  }

  /** Lets a connection go whose gateway is leaving: first another must stand, then its jobs must have ended. */
  async #retire(connection: Connection): Promise<void> {
    const successor = new Promise<void>(resolve => this.#awaitingReady.push(resolve));
    await Promise.race([successor, connection.ended]);
    await this.#leave(connection);
    connection.close(CLOSE.normal, 'moved to another connection');
  }

  #assigned(sources: AssignedSource[], changed: boolean): void {
    const { onEvent, pool, env } = this.#options;
    this.#sources = sources;
    this.#options.sourceHealth.assigned(sources);
    pool.keepOnly(new Set(sources.map(source => source.id)));
    if (changed) onEvent({ type: 'assignments-changed', sources: this.status.sources });
    for (const message of new Set(credentialProblems(sources, env).values()))
      onEvent({ type: 'warning', message });
  }

  #decide(ending: Ending, fraction: number): Decision {
    const now = this.#options.clock.monotonic();
    this.#malformedAt = this.#malformedAt.filter(at => now - at < 60_000);
    if (ending.kind === 'closed' && ending.code === CLOSE.malformed) this.#malformedAt.push(now);
    return decide(
      ending,
      {
        failures: Math.max(0, this.#failures - 1),
        outageMs: now - this.#lastHeldAt,
        malformedInLastMinute: this.#malformedAt.length,
        tokenMayChange: this.#options.token.mayChange,
      },
      fraction,
    );
  }
}

/** What `closed` says when the loop itself fails: a defect, reported rather than thrown at nobody. */
export function stoppedByDefect(error: unknown): Stopped {
  return { code: 1011, reason: `internal error: ${messageOf(error)}` };
}
