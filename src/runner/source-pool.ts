/** Connected bridges, one a source and config, shared by the jobs that need them. */
import type { Bridge, BridgeClass, PoolUse } from '../bridges/bridge.ts';
import { messageOf } from '../errors.ts';
import type { CancelTimer, Clock } from '../platform/clock.ts';
import type { AssignedSource } from '../protocol/frames.ts';
import type { JobAbort } from './job-abort.ts';
import { JobError, secretsOf } from './job-error.ts';

/** A connection nobody has used for five minutes is given back to the database. */
const IDLE_MS = 300_000;
/** Longest wait for the bridges when the runner leaves. */
const CLOSE_TIMEOUT_MS = 2_000;

export interface Lease {
  bridge: Bridge;
  /** Strings that must not appear in a message. */
  secrets: readonly string[];
  release(): void;
  /** Releases, and has no other job given this bridge. */
  abandon(): void;
}

export interface SourcePoolOptions {
  clock: Clock;
  resolveBridge: (name: string) => BridgeClass | Promise<BridgeClass>;
  /** The config of a runner-local source, read afresh. */
  localConfig: (source: AssignedSource) => Promise<Record<string, unknown>>;
}

interface Opened {
  bridge: Bridge;
  secrets: readonly string[];
}

interface Entry {
  key: string;
  opening: Promise<Opened>;
  /** Once it has: most jobs find it so, and wait for nothing. */
  opened: Opened | undefined;
  users: number;
  retired: boolean;
  cancelIdle: CancelTimer | undefined;
}

export class SourcePool {
  readonly #options: SourcePoolOptions;
  readonly #entries = new Map<string, Entry>();

  constructor(options: SourcePoolOptions) {
    this.#options = options;
  }

  /**
   * The shared bridge of a source, connected: at once where it is already. Released leases let it be closed when idle.
   *
   * @throws the reason when the job is aborted first: what has not opened by then is left to itself, and the next
   * lease tries anew.
   */
  lease(source: AssignedSource, abort: JobAbort): Lease | Promise<Lease> {
    const key = keyOf(source);
    let entry = this.#entries.get(source.id);
    if (entry && entry.key !== key) {
      this.#retire(source.id, entry);
      entry = undefined;
    }
    if (!entry) {
      entry = {
        key,
        opening: this.open(source),
        opened: undefined,
        users: 0,
        retired: false,
        cancelIdle: undefined,
      };
      this.#entries.set(source.id, entry);
    }
    const held = entry;
    held.users++;
    held.cancelIdle?.();
    let released = false;
    const release = (): void => {
      if (released) return;
      released = true;
      held.users--;
      if (held.users > 0) return;
      if (held.retired) void close(held);
      else held.cancelIdle = this.#options.clock.after(IDLE_MS, () => this.#retire(source.id, held));
    };
    const abandon = (): void => {
      this.#retire(source.id, held);
      release();
    };
    const opened = ({ bridge, secrets }: Opened): Lease => ({ bridge, secrets, release, abandon });
    if (held.opened && !abort.aborted) return opened(held.opened);
    return unlessAborted(held.opening, abort).then(
      one => {
        held.opened = one;
        return opened(one);
      },
      error => {
        // The next job tries again, with files read again: a failed opening is never cached.
        abandon();
        throw error;
      },
    );
  }

  /** How far the connections of a source are taken up; undefined where it is not open, or its bridge does not say. */
  use(sourceId: string): PoolUse | undefined {
    return this.#entries.get(sourceId)?.opened?.bridge.poolUse;
  }

  /** A bridge of its own, connected, that the caller disconnects: `test` proves a fresh connection. */
  async open(source: AssignedSource): Promise<Opened> {
    const BridgeOf = await this.#options.resolveBridge(source.bridge);
    if (typeof BridgeOf !== 'function') {
      throw new JobError('BRIDGE_NOT_FOUND', `what was resolved for the bridge ${source.bridge} is no class`);
    }
    const config =
      source.credentialsLocation === 'managed'
        ? (source.config ?? {})
        : await this.#options.localConfig(source);
    const secrets = secretsOf(config);
    let bridge: Bridge | undefined;
    try {
      bridge = new BridgeOf(config);
      await bridge.connect();
      return { bridge, secrets };
    } catch (error) {
      // What it may have opened halfway is its own to close.
      if (bridge) void disconnect(bridge);
      const message = messageOf(error);
      const safe = secrets.reduce((text, secret) => text.replaceAll(secret, '[redacted]'), message);
      throw new JobError('SOURCE_UNREACHABLE', safe === '' ? 'the bridge could not connect' : safe);
    }
  }

  /** Drops the connection of a source, so that the next job makes a new one. */
  forget(sourceId: string): void {
    const entry = this.#entries.get(sourceId);
    if (entry) this.#retire(sourceId, entry);
  }

  /** Drops what is no longer assigned. */
  keepOnly(sourceIds: ReadonlySet<string>): void {
    for (const [id, entry] of this.#entries) if (!sourceIds.has(id)) this.#retire(id, entry);
  }

  /** Closes every connection, those in use included; a bridge that does not come back is not waited for long. */
  async close(): Promise<void> {
    const entries = [...this.#entries.values()];
    this.#entries.clear();
    const closing = entries.map(entry => {
      entry.cancelIdle?.();
      // A job that still holds it gives it back later: not to the pool, which is gone.
      entry.retired = true;
      return close(entry);
    });
    const closed = new AbortController();
    await Promise.race([
      Promise.all(closing).then(() => closed.abort()),
      this.#options.clock.sleep(CLOSE_TIMEOUT_MS, closed.signal),
    ]);
  }

  #retire(id: string, entry: Entry): void {
    if (this.#entries.get(id) === entry) this.#entries.delete(id);
    entry.cancelIdle?.();
    entry.retired = true;
    if (entry.users === 0) void close(entry);
  }
}

async function close(entry: Entry): Promise<void> {
  try {
    const { bridge } = await entry.opening;
    await disconnect(bridge);
  } catch {
    // It never opened: there is nothing to give back.
  }
}

async function disconnect(bridge: Bridge): Promise<void> {
  try {
    await bridge.disconnect();
  } catch {
    // It cannot close: there is nothing left to try.
  }
}

async function unlessAborted<T>(work: Promise<T>, abort: JobAbort): Promise<T> {
  return await new Promise<T>((resolve, reject) => {
    const forget = abort.onAbort(() => reject(abort.reason));
    work.then(resolve, reject).finally(forget);
  });
}

function keyOf(source: AssignedSource): string {
  // A runner-local source is found by its name: under another name it is another database.
  const config = source.credentialsLocation === 'managed' ? JSON.stringify(source.config ?? {}) : source.name;
  return `${source.bridge}\0${source.credentialsLocation}\0${config}`;
}
