/** One connection to the server, made ready for reading: read-only, in UTC, its texts UTF-8. */
import { randomBytes } from 'node:crypto';
import type { Socket } from 'node:net';
import { type Connection, createConnection, type FieldPacket } from 'mysql2';
import type { MysqlConfig, Ssl } from './config.ts';

/** How the rows of a question are taken, as they come. */
export interface Receiver {
  fields(fields: FieldPacket[]): void;
  row(values: (Buffer | null)[]): void;
  end(): void;
  fail(error: unknown): void;
}

/** What the driver's types leave out. */
interface DriverConnection {
  readonly stream: Socket;
}

/** A day, which no job exceeds. */
const MAX_SECONDS = 86_400;
const ALL_ROWS = '18446744073709551615';

/** What must be, for values and filters to mean what docs/bridges.md says. */
const MODES = `set names utf8mb4, time_zone = '+00:00', sql_mode = '', autocommit = 1`;
/** What a server may lack: each keeps a default of somebody's from changing an answer, or from ending a slow read. */
const OPTIONS = [
  'sql_big_selects = 1',
  `sql_select_limit = ${ALL_ROWS}`,
  `net_write_timeout = ${MAX_SECONDS}`,
];

export class Session {
  readonly #connection: Connection;
  /** Stands in every statement of this connection, so that it is found again among the server's. */
  readonly #mark = `semilayer ${randomBytes(8).toString('hex')}`;
  #receiver: Receiver | undefined;
  #lost: unknown;
  #busy = false;
  #isMariaDb = false;
  /** The server's own limit of a statement; none is a day. */
  #limitMs = MAX_SECONDS * 1000;
  id = '';
  database: string | null = null;
  foldsNames = false;
  /** When it was last given back, by the monotonic clock. */
  idleSince = 0;

  private constructor(connection: Connection) {
    this.#connection = connection;
    connection.on('error', error => this.#fail(error));
    connection.on('end', () => this.#fail(closed()));
  }

  /**
   * @param bare leaves the session as the server makes it, ready in a fraction of the time: for `kill` alone.
   * @throws the driver's error, or the signal's reason.
   */
  static async open(
    config: MysqlConfig,
    ssl: Ssl | undefined,
    signal?: AbortSignal,
    bare = false,
  ): Promise<Session> {
    signal?.throwIfAborted();
    const { host, port, socketPath, user, password, database, connectTimeoutMs } = config;
    const session = new Session(
      createConnection({
        ...(socketPath === undefined ? { host, port } : { socketPath }),
        user,
        password,
        ...(database === undefined ? {} : { database }),
        ...(ssl === undefined ? {} : { ssl }),
        charset: 'utf8mb4',
        connectTimeout: connectTimeoutMs,
        enableKeepAlive: true,
        keepAliveInitialDelay: 30_000,
        // A server must not be able to ask for this machine's files.
        flags: ['-LOCAL_FILES'],
        connectAttributes: { program_name: 'semilayer' },
      }),
    );
    const abort = (): void => session.#fail(signal?.reason);
    signal?.addEventListener('abort', abort, { once: true });
    try {
      if (!bare) await session.#prepare();
      return session;
    } catch (error) {
      session.destroy();
      throw signal?.aborted ? signal.reason : error;
    } finally {
      signal?.removeEventListener('abort', abort);
    }
  }

  get lost(): boolean {
    return this.#lost !== undefined;
  }

  /** Whether the server is at a question of ours. */
  get busy(): boolean {
    return this.#busy;
  }

  /**
   * Puts a question; one at a time.
   *
   * @param timeoutMs the server gives up after this long, whoever may still be there to cancel.
   */
  start(statement: string, receiver: Receiver, timeoutMs?: number): void {
    if (this.#lost !== undefined) return receiver.fail(this.#lost);
    this.#receiver = receiver;
    this.#busy = true;
    const over = (tell: () => void): void => {
      this.#busy = false;
      if (this.#receiver !== receiver) return;
      this.#receiver = undefined;
      tell();
    };
    this.#connection
      .query({ sql: this.#marked(statement, timeoutMs), rowsAsArray: true, typeCast: false })
      .on('error', error => over(() => receiver.fail(error)))
      .on('fields', (fields: FieldPacket[] | undefined) => {
        if (!fields) return;
        receiver.fields(fields);
        // Rows come as lists, for which the driver needs no names; some, such as `__proto__`, it refuses.
        for (const [index, field] of fields.entries()) field.name = String(index);
      })
      .on('result', row => Array.isArray(row) && receiver.row(row as (Buffer | null)[]))
      .on('end', () => over(() => receiver.end()));
  }

  /** A short answer at once, as texts. */
  async ask(statement: string): Promise<(string | null)[][]> {
    const rows: (string | null)[][] = [];
    await new Promise<void>((resolve, reject) => {
      this.start(statement, {
        fields: () => {},
        row: values => rows.push(values.map(value => value?.toString() ?? null)),
        end: resolve,
        fail: reject,
      });
    });
    return rows;
  }

  /** What the server says of the columns of an answer. */
  async describe(statement: string): Promise<string> {
    let columns = '';
    await new Promise<void>((resolve, reject) => {
      this.start(statement, {
        fields: fields => {
          columns = JSON.stringify(fields.map(looksOf));
        },
        row: () => {},
        end: resolve,
        fail: reject,
      });
    });
    return columns;
  }

  pause(): void {
    this.#connection.pause();
  }

  resume(): void {
    this.#connection.resume();
  }

  /** Whether this connection keeps the process alive. */
  hold(held: boolean): void {
    const { stream } = this.#connection as unknown as DriverConnection;
    if (held) stream.ref();
    else stream.unref();
  }

  /**
   * Ends what another connection to the same server is doing.
   *
   * The number of a connection alone could be somebody else's: behind one address there may be several servers.
   */
  async kill(other: Session): Promise<boolean> {
    const rows = await this.ask(
      `select 1 from information_schema.processlist where id = ${other.id} and info like '%${other.#mark}%'`,
    );
    if (rows.length === 0) return false;
    await this.ask(`kill query ${other.id}`);
    return true;
  }

  /** Says goodbye. */
  end(): void {
    this.#connection.end(() => this.destroy());
  }

  /** Ends the connection at once, with what is under way on it and what has not been read. */
  destroy(): void {
    this.#fail(closed());
    this.#connection.destroy();
    (this.#connection as unknown as DriverConnection).stream.destroy();
  }

  async #prepare(): Promise<void> {
    const [facts] = await this.ask('select version(), connection_id(), database(), @@lower_case_table_names');
    const [version, id, database, folds] = facts ?? [];
    this.#isMariaDb = /mariadb/i.test(version ?? '');
    this.id = /^\d+$/.test(id ?? '') ? String(id) : '0';
    this.database = database ?? null;
    this.foldsNames = folds !== '0';
    await this.ask(MODES);
    await this.ask('set session transaction read only');
    await this.ask(`set ${OPTIONS.join(', ')}`).catch(async error => {
      if (this.lost) throw error;
      for (const option of OPTIONS) await this.ask(`set ${option}`).catch(() => undefined);
    });
    await this.#limit();
  }

  /** A statement that nobody waits for any more ends after a day, or when the server's own limit says. */
  async #limit(): Promise<void> {
    const limit = this.#isMariaDb ? '@@max_statement_time * 1000' : '@@max_execution_time';
    const own = await this.ask(`select ${limit}`).catch(() => undefined);
    if (!own) return;
    const ms = Math.round(Number(own[0]?.[0]));
    if (ms > 0) this.#limitMs = Math.min(ms, this.#limitMs);
    await this.ask(
      this.#isMariaDb
        ? `set max_statement_time = ${this.#limitMs / 1000}`
        : `set max_execution_time = ${this.#limitMs}`,
    );
  }

  #marked(statement: string, timeoutMs = Number.POSITIVE_INFINITY): string {
    const mark = `/* ${this.#mark} */ `;
    if (!(timeoutMs < this.#limitMs) || !statement.startsWith('select ')) return mark + statement;
    const ms = Math.max(1, Math.ceil(timeoutMs));
    if (this.#isMariaDb) return `${mark}set statement max_statement_time = ${ms / 1000} for ${statement}`;
    return `${mark}select /*+ MAX_EXECUTION_TIME(${ms}) */ ${statement.slice('select '.length)}`;
  }

  #fail(error: unknown): void {
    this.#lost ??= error ?? closed();
    const receiver = this.#receiver;
    this.#receiver = undefined;
    receiver?.fail(this.#lost);
  }
}

function looksOf(field: FieldPacket): unknown[] {
  const { name, columnType, flags, columnLength, characterSet, decimals, extendedTypeName, extendedFormat } =
    field;
  return [name, columnType, flags, columnLength, characterSet, decimals, extendedTypeName, extendedFormat];
}

function closed(): Error {
  return Object.assign(new Error('the connection to the server was closed'), {
    code: 'PROTOCOL_CONNECTION_LOST',
    fatal: true,
  });
}
