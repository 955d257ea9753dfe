/** Connections to one server: one for each question under way, a few kept open between them, one more to cancel. */
import { setTimeout as sleep } from 'node:timers/promises';
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
const CANCEL_PATIENCE_MS = 900;
/** The statement may be on its way to the server still. */
const CANCEL_ATTEMPTS = 3;
const CANCEL_PAUSE_MS = 50;

export class Connections {
  readonly #config: MysqlConfig;
  readonly #slots: Slots;
  readonly #idle: Session[] = [];
  readonly #busy = new Set<Session>();
  readonly #waiting = new Set<() => void>();
  #tls: boolean;
  #closed = false;

  constructor(config: MysqlConfig) {
    this.#config = config;
    this.#slots = new Slots(config.maxConnections);
    this.#tls = config.ssl !== undefined;
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
    if (session.lost || this.#closed || this.#idle.length >= MAX_IDLE) session.destroy();
    else {
      session.idleSince = performance.now();
      session.hold(false);
      this.#idle.push(session);
    }
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

  async #open(signal?: AbortSignal): Promise<Session> {
    const { ssl, plainWillDo } = this.#config;
    const encrypted = this.#tls;
    try {
      return await Session.open(this.#config, encrypted ? ssl : undefined, signal);
    } catch (error) {
      if (!encrypted || !plainWillDo || !hasNoTls(error)) throw error;
      // Said by a server that has no TLS at all: it is not asked again.
      this.#tls = false;
      return await Session.open(this.#config, undefined, signal);
    }
  }

  /** Never longer than a moment: without an answer, the end of the connection has to do. */
  async #kill(session: Session): Promise<void> {
    const patience = AbortSignal.timeout(CANCEL_PATIENCE_MS);
    let killer: Session | undefined;
    const giveUp = (): void => killer?.destroy();
    patience.addEventListener('abort', giveUp);
    try {
      killer = this.#idle.pop() ?? (await this.#open(patience));
      for (let attempt = 0; attempt < CANCEL_ATTEMPTS; attempt++) {
        if (!session.busy || session.lost || (await killer.kill(session))) break;
        await sleep(CANCEL_PAUSE_MS);
      }
      if (!this.#closed && !killer.lost && this.#idle.length < MAX_IDLE) {
        killer.idleSince = performance.now();
        killer.hold(false);
        this.#idle.push(killer);
        killer = undefined;
      }
    } catch {
      // The server is gone or full: it notices the end of the connection when it next writes to it.
    } finally {
      patience.removeEventListener('abort', giveUp);
      killer?.destroy();
    }
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
