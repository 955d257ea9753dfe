/** Questions put to the server: on which connection, with what known of the schema, and once more where that may help. */
import type { PoolUse, RowLines } from '../bridge.ts';
import type { MysqlConfig } from './config.ts';
import { Connections } from './connections.ts';
import { isConnectionLoss, isStaleSchema, unreachable } from './failures.ts';
import { RowFeed } from './row-feed.ts';
import { type Catalog, Schema, type TableInfo } from './schema.ts';
import type { Session } from './session.ts';

export interface Plan {
  statement: string;
  /** Values behind those of the columns: the row's key. */
  keyLength?: number;
  /** Rows past so many are counted, not sent. */
  maxRows?: number;
}

export interface Question {
  target: string;
  plan: (table: TableInfo) => Plan;
  signal: AbortSignal;
  /** Milliseconds left to the job. */
  timeoutMs: number | undefined;
}

export interface Answer {
  table: TableInfo;
  /** Rows the server sent. */
  seen: number;
  lastKey: Buffer[] | undefined;
}

/** The job's own deadline comes first, and its error says so. */
const GRACE_MS = 1_000;

export class Questions {
  readonly #config: MysqlConfig;
  readonly #connections: Connections;
  readonly #schema = new Schema();

  constructor(config: MysqlConfig) {
    this.#config = config;
    this.#connections = new Connections(config);
  }

  /**
   * The rows of an answer. A connection that turns out to be gone, and a table that is no longer what it was, are
   * each met with one more attempt, as long as no row has reached the caller.
   */
  async *rows(question: Question): AsyncGenerator<RowLines, Answer, undefined> {
    const retries = new Retries(this.#schema);
    for (;;) {
      const progress = { begun: false };
      try {
        return yield* this.#attempt(question, retries.lost, progress);
      } catch (error) {
        if (progress.begun || question.signal.aborted || !retries.allows(error)) throw this.#told(error);
      }
    }
  }

  /** A short question of the bridge's own. */
  async withCatalog<T>(
    ask: (catalog: Catalog, schema: Schema) => Promise<T>,
    signal: AbortSignal,
  ): Promise<T> {
    const retries = new Retries(this.#schema);
    for (;;) {
      const session = await this.#connections.acquire(signal, retries.lost);
      const abort = (): void => session.destroy();
      signal.addEventListener('abort', abort, { once: true });
      try {
        return await ask(catalogOf(session), this.#schema);
      } catch (error) {
        if (signal.aborted) throw signal.reason;
        if (!isConnectionLoss(error) || !retries.allows(error)) throw this.#told(error);
      } finally {
        signal.removeEventListener('abort', abort);
        this.#connections.release(session);
      }
    }
  }

  get poolUse(): PoolUse {
    return this.#connections.use;
  }

  async connect(signal: AbortSignal): Promise<void> {
    this.#connections.open();
    await this.withCatalog(async () => {}, signal);
  }

  async close(): Promise<void> {
    await this.#connections.close();
  }

  async *#attempt(
    question: Question,
    fresh: boolean,
    progress: { begun: boolean },
  ): AsyncGenerator<RowLines, Answer, undefined> {
    const { target, plan, signal, timeoutMs } = question;
    const session = await this.#connections.acquire(signal, fresh);
    let feed: RowFeed | undefined;
    let discarded: Promise<void> | undefined;
    let finished = false;
    const stop = (): void => {
      discarded ??= this.#connections.discard(session);
      feed?.fail(signal.reason);
    };
    signal.addEventListener('abort', stop, { once: true });
    try {
      signal.throwIfAborted();
      const table = await this.#schema.table(target, catalogOf(session));
      // A cancel that met a look at the schema ended that alone: nothing may begin behind it.
      signal.throwIfAborted();
      const { statement, keyLength = 0, maxRows = Number.POSITIVE_INFINITY } = plan(table);
      const floats = new Set(table.columns.filter(one => one.kind.is === 'float').map(one => one.name));
      feed = new RowFeed(session, { floats, keyLength, maxRows });
      session.start(statement, feed, timeoutMs === undefined ? undefined : timeoutMs + GRACE_MS);
      for (let batch = await feed.next(); batch; batch = await feed.next()) {
        progress.begun = true;
        yield batch;
        signal.throwIfAborted();
      }
      finished = true;
      return { table, seen: feed.seen, lastKey: feed.lastKey };
    } catch (error) {
      signal.throwIfAborted();
      // The server's refusal of a question leaves the connection as good as it was.
      finished = !session.busy && !isConnectionLoss(error);
      throw error;
    } finally {
      signal.removeEventListener('abort', stop);
      if (finished && !discarded) this.#connections.release(session);
      else await (discarded ?? this.#connections.discard(session));
    }
  }

  #told(error: unknown): unknown {
    return isConnectionLoss(error) ? unreachable(error, this.#config) : error;
  }
}

/** Each thing that may have changed behind our back is forgiven once. */
class Retries {
  readonly #schema: Schema;
  lost = false;
  #stale = false;

  constructor(schema: Schema) {
    this.#schema = schema;
  }

  allows(error: unknown): boolean {
    if (isConnectionLoss(error) && !this.lost) {
      this.lost = true;
      return true;
    }
    if (isStaleSchema(error) && !this.#stale) {
      this.#stale = true;
      this.#schema.invalidate();
      return true;
    }
    return false;
  }
}

function catalogOf(session: Session): Catalog {
  return {
    ask: statement => session.ask(statement),
    describe: statement => session.describe(statement),
    database: session.database,
    foldsNames: session.foldsNames,
  };
}
