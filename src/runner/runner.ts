/** The runner: one loop that owns the connection. Everything else records what happened and wakes it. */
import type { PoolUse } from '../bridges/bridge.ts';
import { AppError, messageOf } from '../errors.ts';
import type { Clock } from '../platform/clock.ts';
import type { Random } from '../platform/random.ts';
import { CLOSE } from '../protocol/close-codes.ts';
import type { AssignedSource } from '../protocol/frames.ts';
import { Connection, type ConnectionOptions } from './connection.ts';
import { causeOf, type Decision, decide, describe, type Ending } from './ending.ts';
import type { JobCount, RunnerEvent, RunnerStatus } from './events.ts';
import { credentialProblems, type Environment } from './local-credentials.ts';
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
  extends Omit<ConnectionOptions, 'token' | 'onReady' | 'onAssigned' | 'onEvent' | 'pool' | 'dial'> {
  dial: ConnectionOptions['dial'];
  pool: SourcePool;
  token: TokenSource;
  /** How long a refused token is hoped to change in its file, in milliseconds. */
  tokenWaitMs: number;
  env: Environment;
  clock: Clock;
  random: Random;
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
  readonly #stopping = new AbortController();
  readonly closed: Promise<Stopped>;
  #connection: Connection | undefined;
  #ready = false;
  #draining = false;
  #sources: AssignedSource[] = [];
  #failures = 0;
  #malformedAt: number[] = [];
  #lastHeldAt: number;

  constructor(options: RunnerOptions) {
    this.#options = options;
    this.#lastHeldAt = options.clock.monotonic();
    // The loop starts in a microtask: constructing a runner has no effect that its maker could miss.
    this.closed = Promise.resolve().then(() => this.#loop());
  }

  /** The assigned sources, as last heard. */
  get assigned(): readonly AssignedSource[] {
    return this.#sources;
  }

  get status(): RunnerStatus {
    return {
      connected: this.#ready,
      draining: this.#draining,
      activeJobs: this.#connection?.jobs?.activeJobs ?? 0,
      sources: this.#sources.map(source => source.name),
      sourceStates: this.#options.sourceHealth.states,
      jobsBySource: this.#jobsBySource,
      pools: this.#pools,
      ...(this.#options.ledger ? { ledger: this.#options.ledger.failing ? 'failing' : 'ok' } : {}),
    };
  }

  get #jobsBySource(): Record<string, JobCount> {
    const counts = this.#connection?.jobs?.jobsBySource;
    return Object.fromEntries(
      this.#sources.map(({ name }) => [name, counts?.get(name) ?? { running: 0, waiting: 0 }]),
    );
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
    const { clock, onEvent } = this.#options;
    this.#draining = true;
    const connection = this.#connection;
    const jobs = connection?.jobs;
    let drained = true;
    if (connection && jobs && !this.#stopping.signal.aborted) {
      connection.announceDrain();
      onEvent({ type: 'draining', activeJobs: jobs.activeJobs, gracePeriodMs });
      const graceOver = new AbortController();
      const stopped = AbortSignal.any([graceOver.signal, this.#stopping.signal]);
      await Promise.race([
        jobs.idle().then(() => graceOver.abort()),
        connection.ended.then(() => graceOver.abort()),
        clock.sleep(gracePeriodMs, stopped),
      ]);
      graceOver.abort();
      drained = jobs.activeJobs === 0;
    }
    await this.#leave(drained ? 'runner stopped' : 'grace period over');
    return { drained };
  }

  /** Cancels every job, tells the gateway, leaves; two seconds at most. */
  async cancel(): Promise<void> {
    this.#draining = true;
    await this.#leave('runner stopped by its operator');
  }

  async #leave(reason: string): Promise<void> {
    const { clock } = this.#options;
    const connection = this.#connection;
    connection?.jobs?.cancelAll(reason);
    this.#stopping.abort();
    connection?.close(CLOSE.normal, reason);
    const farewell = new AbortController();
    await Promise.race([
      this.closed.then(() => farewell.abort()),
      clock.sleep(FAREWELL_MS, farewell.signal).then(() => connection?.abort()),
    ]);
    farewell.abort();
    await this.closed;
  }

  async #loop(): Promise<Stopped> {
    const { clock, random, onEvent, pool } = this.#options;
    const stopping = this.#stopping.signal;
    let outcome: Stopped = { code: CLOSE.normal, reason: 'stopped' };
    let error: AppError | undefined;
    let refusedToken: string | undefined;
    while (!stopping.aborted) {
      const token = await this.#token(refusedToken);
      if (stopping.aborted) break;
      if (token instanceof AppError) {
        error = token;
        outcome = { code: CLOSE.unauthorized, reason: token.message };
        break;
      }
      refusedToken = undefined;
      const ending = await this.#connect(token);
      if (stopping.aborted) break;
      const decision = this.#decide(ending, random.fraction());
      if (decision.do === 'stop') {
        outcome = { code: decision.code, reason: decision.reason };
        break;
      }
      if (decision.do === 'await-token') {
        refusedToken = token;
        onEvent({ type: 'waiting-for-token', reason: decision.reason, waitMs: this.#options.tokenWaitMs });
        continue;
      }
      const { delayMs, reason } = decision;
      onEvent({ type: 'retrying', delayMs, reason, cause: causeOf(ending) });
      await clock.sleep(decision.delayMs, stopping);
    }
    await pool.close();
    onEvent({
      type: 'stopped',
      ...outcome,
      ...(error ? { error: { code: error.code, message: error.message, hint: error.hint } } : {}),
    });
    return outcome;
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

  async #connect(token: string): Promise<Ending> {
    const { clock, onEvent, url } = this.#options;
    onEvent({ type: 'connecting', url, attempt: this.#failures + 1 });
    let readyAt: number | undefined;
    const connection = new Connection({
      ...this.#options,
      token,
      onReady: () => {
        readyAt = clock.monotonic();
        this.#ready = true;
        onEvent({ type: 'connected', sources: this.status.sources });
      },
      onAssigned: (sources, changed) => this.#assigned(sources, changed),
    });
    this.#connection = connection;
    connection.start();
    if (this.#stopping.signal.aborted) connection.close(CLOSE.normal, 'runner stopped');
    const ending = await connection.ended;
    this.#ready = false;
    const now = clock.monotonic();
    if (readyAt !== undefined) {
      this.#lastHeldAt = now;
      onEvent({
        type: 'disconnected',
        code: ending.kind === 'closed' ? ending.code : CLOSE.abnormal,
        reason: describe(ending),
      });
    }
    this.#failures = readyAt !== undefined && now - readyAt >= HELD_MS ? 0 : this.#failures + 1;
    return ending;
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
