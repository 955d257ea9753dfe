/** Connections to one server: one for each question under way, a few kept open between them, one more to cancel. */
import { setTimeout as sleep } from 'node:timers/promises';
import { type PoolUse, SourceUnreachableError } from '../bridge.ts';
import { Slots } from '../slots.ts';
import type { MysqlConfig } from './config.ts';
import { hasNoTls, isFull, unreachable } from './failures.ts';
import { Session } from './session.ts';

/** Opening costs a few round trips: a few idle ones spare them to a steady load. */
const MAX_IDLE = 4;
/** What stood between may have forgotten a connection that was idle for longer: it is asked before it is used. */
const TRUSTED_IDLE_MS = 15_000;
const PING_PATIENCE_MS = 2_000;
/** A cancel that takes longer is given up, and the connection with it. */
const CANCEL_PATIENCE_MS = 5_000;
/** The statement may be on its way to the server still. */
const CANCEL_ATTEMPTS = 20;
const CANCEL_PAUSE_MS = 50;

export class Connections {
  readonly #config: MysqlConfig;
  readonly #cancelPatienceMs: number;
  readonly #slots: Slots;
  readonly #idle: Session[] = [];
  readonly #busy = new Set<Session>();
  readonly #waiting = new Set<() => void>();
  #tls: boolean;
  #closed = false;

  constructor(config: MysqlConfig, cancelPatienceMs = CANCEL_PATIENCE_MS) {
    this.#config = config;
    this.#cancelPatienceMs = cancelPatienceMs;
    this.#slots = new Slots(config.maxConnections);
    this.#tls = config.ssl !== undefined;
  }

  get use(): PoolUse {
    return this.#slots.use;
  }

  /**
   * A connection for the caller alone, which gives it back with `release` or `discard`.
   *
   * @param fresh leaves the idle ones alone.
   * @throws SourceUnreachableError, or the signal's reason when it is aborted first.
   */
  async acquire(signal?: AbortSignal, fresh = false): Promise<Session> {
    await this.#slots.take(signal);
    try {
      if (this.#closed) throw new SourceUnreachableError('this bridge is not connected any more');
      const session = (fresh ? undefined : await this.#takeIdle()) ?? (await this.#openOrWait(signal));
      session.hold(true);
      this.#busy.add(session);
      return session;
    } catch (error) {
      this.#slots.give();
      if (signal?.aborted) throw signal.reason;
      throw unreachable(error, this.#config);
    }
  }

  release(session: Session): void {
    this.#busy.delete(session);
    this.#keep(session);
    this.#free();
  }

  /** Ends the connection, and first what the server is doing for it. */
  async discard(session: Session): Promise<void> {
    this.#busy.delete(session);
    try {
      if (session.busy && !session.lost) await this.#kill(session);
    } finally {
      session.destroy();
      this.#free();
    }
  }

  /** Takes questions again after `close`. */
  open(): void {
    this.#closed = false;
  }

  async close(): Promise<void> {
    this.#closed = true;
    for (const session of this.#idle.splice(0)) session.end();
    await Promise.all([...this.#busy].map(session => this.#kill(session).finally(() => session.destroy())));
  }

  #free(): void {
    this.#slots.give();
    const [next] = this.#waiting;
    next?.();
  }

  async #takeIdle(): Promise<Session | undefined> {
    for (let session = this.#idle.pop(); session; session = this.#idle.pop()) {
      if (!session.lost && (await answers(session))) return session;
      session.destroy();
    }
    return undefined;
  }

  /** A server that is full gives no connection, but one of ours that is given back will do. */
  async #openOrWait(signal: AbortSignal | undefined): Promise<Session> {
    for (;;) {
      try {
        return await this.#open(signal);
      } catch (error) {
        if (!isFull(error) || this.#busy.size === 0) throw error;
      }
      await this.#givenBack(signal);
      const session = await this.#takeIdle();
      if (session) return session;
    }
  }

  async #givenBack(signal: AbortSignal | undefined): Promise<void> {
    await new Promise<void>((resolve, reject) => {
      const done = (settle: () => void): void => {
        this.#waiting.delete(wake);
        signal?.removeEventListener('abort', leave);
        settle();
      };
      const wake = (): void => done(resolve);
      const leave = (): void => done(() => reject(signal?.reason));
      signal?.addEventListener('abort', leave, { once: true });
      this.#waiting.add(wake);
    });
  }

  async #open(signal?: AbortSignal, bare = false): Promise<Session> {
    const { ssl, plainWillDo } = this.#config;
    const encrypted = this.#tls;
    try {
      return await Session.open(this.#config, encrypted ? ssl : undefined, signal, bare);
    } catch (error) {
      if (!encrypted || !plainWillDo || !hasNoTls(error)) throw error;
      // Said by a server that has no TLS at all: it is not asked again.
      this.#tls = false;
      return await Session.open(this.#config, undefined, signal, bare);
    }
  }

  /** By an idle connection where there is one that works, else by a new one, however full the pool is. */
  async #kill(session: Session): Promise<void> {
    const patience = AbortSignal.timeout(this.#cancelPatienceMs);
    // A server that stands still for one stands still for all: together they have the patience of one.
    while (!patience.aborted) {
      const idle = this.#idle.pop();
      if (!idle) break;
      if (await killed(session, idle, patience)) return this.#keep(idle);
      idle.destroy();
    }
    const killer = await this.#open(patience, true).catch(() => undefined);
    // Without one the server is gone or full: it notices the end of the connection when it next writes to it.
    if (killer) await killed(session, killer, patience);
    killer?.destroy();
  }

  #keep(session: Session): void {
    if (session.lost || this.#closed || this.#idle.length >= MAX_IDLE) return session.destroy();
    session.idleSince = performance.now();
    session.hold(false);
    this.#idle.push(session);
  }
}

/**
 * Whether the killer got as far as it goes: the statement is gone from the server, or never came there. It looks again
 * after it has killed, for a kill can arrive between two statements, and then the second runs on.
 */
async function killed(session: Session, killer: Session, patience: AbortSignal): Promise<boolean> {
  const giveUp = (): void => killer.destroy();
  patience.addEventListener('abort', giveUp);
  try {
    let found = false;
    for (let attempt = 0; attempt < CANCEL_ATTEMPTS; attempt++) {
      if (!found && (session.lost || !session.busy)) break;
      if (attempt > 0) await sleep(CANCEL_PAUSE_MS);
      found = await killer.kill(session);
      // What it still writes has nowhere to go, and nothing more is asked of it.
      if (found) session.destroy();
    }
    return true;
  } catch {
    return false;
  } finally {
    patience.removeEventListener('abort', giveUp);
  }
}

/** Whether an idle connection still has a server at its other end. */
async function answers(session: Session): Promise<boolean> {
  if (performance.now() - session.idleSince < TRUSTED_IDLE_MS) return true;
  const patience = setTimeout(() => session.destroy(), PING_PATIENCE_MS);
  try {
    await session.ask('select 1');
    return true;
  } catch {
    return false;
  } finally {
    clearTimeout(patience);
  }
}
