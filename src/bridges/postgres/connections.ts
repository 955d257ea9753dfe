/** Connections to one server: a pool, what makes each ready, and the cancelling of what runs on them. */
import pg from 'pg';
import { type PoolUse, SourceUnreachableError } from '../bridge.ts';
import { Slots } from '../slots.ts';
import type { PostgresConfig, Ssl } from './config.ts';
import { unreachable } from './failures.ts';
import { Session } from './session.ts';

/** An idle connection is given back to the server after this long. */
const IDLE_MS = 60_000;
/** A cancel request that takes longer than this is given up, and the connection with it. */
const CANCEL_PATIENCE_MS = 1_000;

/** What the driver's types leave out. */
interface DriverConnection extends NodeJS.EventEmitter {
  connect(port: number | string, host?: string): void;
  requestSsl(): void;
  cancel(processID: number, secretKey: number): void;
  end(): void;
  readonly stream: { destroy(): void };
}

export class Connections {
  readonly #config: PostgresConfig;
  readonly #sessions = new WeakMap<pg.PoolClient, Session>();
  /** The pool's own waiting has one time limit for a free place and for a slow server; places are waited for here. */
  readonly #slots: Slots;
  #pool: pg.Pool | undefined;
  #ssl: Ssl = false;

  constructor(config: PostgresConfig) {
    this.#config = config;
    this.#slots = new Slots(config.maxConnections);
  }

  /** Tries what `sslmode` allows, in its order, and keeps to what worked. @throws SourceUnreachableError */
  async connect(): Promise<void> {
    const { ssl, host, port } = this.#config;
    let failure: unknown;
    for (const attempt of ssl) {
      const pool = this.#newPool(attempt);
      try {
        const client = await pool.connect();
        client.release();
        this.#pool = pool;
        this.#ssl = attempt;
        return;
      } catch (error) {
        failure = error;
        await pool.end();
        if (!mayDoOtherwise(error)) break;
      }
    }
    throw unreachable(failure, host, port);
  }

  get use(): PoolUse {
    return this.#slots.use;
  }

  /**
   * A connection for the caller alone, which gives it back with `release`.
   *
   * @throws SourceUnreachableError, or the signal's reason when it is aborted while all are in use.
   */
  async acquire(signal?: AbortSignal): Promise<Session> {
    const pool = this.#pool;
    if (!pool) throw new SourceUnreachableError('this bridge is not connected');
    await this.#slots.take(signal);
    try {
      return this.#sessionOf(await pool.connect());
    } catch (error) {
      this.#slots.give();
      throw unreachable(error, this.#config.host, this.#config.port);
    }
  }

  /** @param broken ends the connection instead of keeping it. */
  release(session: Session, broken = false): void {
    session.client.release(broken);
    this.#slots.give();
  }

  /** Asks the server to stop what this connection is doing; resolves when it has taken note. */
  async cancel(session: Session): Promise<void> {
    const { host, port } = this.#config;
    const connection = new pg.Connection({ ssl: this.#ssl } as object) as unknown as DriverConnection;
    const { processID, secretKey } = session.cancelKey;
    await new Promise<void>(resolve => {
      const giveUp = setTimeout(() => connection.stream.destroy(), CANCEL_PATIENCE_MS);
      const done = (): void => {
        clearTimeout(giveUp);
        resolve();
      };
      connection.on('error', done);
      // The server answers a cancel request by closing.
      connection.on('end', done);
      const send = (): void => connection.cancel(processID, secretKey);
      connection.on('connect', () => (this.#ssl ? connection.requestSsl() : send()));
      connection.on('sslconnect', send);
      if (host.startsWith('/')) connection.connect(`${host}/.s.PGSQL.${port}`);
      else connection.connect(port, host);
    });
  }

  async close(): Promise<void> {
    const pool = this.#pool;
    this.#pool = undefined;
    await pool?.end();
  }

  #newPool(ssl: Ssl): pg.Pool {
    const {
      host,
      port,
      user,
      password,
      database,
      options,
      applicationName,
      maxConnections,
      connectTimeoutMs,
    } = this.#config;
    const pool = new pg.Pool({
      host,
      port,
      user,
      // A function, so that the driver looks neither into the environment nor into a password file.
      password: () => password,
      database,
      ...(options === undefined ? {} : { options }),
      application_name: applicationName,
      ssl,
      max: maxConnections,
      connectionTimeoutMillis: connectTimeoutMs,
      idleTimeoutMillis: IDLE_MS,
      keepAlive: true,
      allowExitOnIdle: true,
      verify: (client, done) => {
        this.#sessionOf(client)
          .prepare()
          .then(() => done(), done);
      },
    });
    // An idle connection that the server ends: the pool has dropped it already.
    pool.on('error', () => {});
    return pool;
  }

  #sessionOf(client: pg.PoolClient): Session {
    let session = this.#sessions.get(client);
    if (!session) {
      session = new Session(client);
      this.#sessions.set(client, session);
      // A connection in use that breaks tells its question; without a listener the event would end the process.
      client.on('error', () => {});
    }
    return session;
  }
}

/** Whether the server may answer otherwise with, or without, TLS. */
function mayDoOtherwise(error: unknown): boolean {
  const { code, message = '' } = error as { code?: string; message?: string };
  return code === '28000' || /SSL/.test(message) || /^(?:ERR_(?:SSL|TLS)|EPROTO)/.test(code ?? '');
}
