/** One connection to the server, made ready for reading: read-only, its times in UTC, its forms ours. */
import type pg from 'pg';
import { type AnswerField, Exchange, type ExchangeOptions, type Statement } from './exchange.ts';
import { isLostStatement } from './failures.ts';
import { RowTap } from './row-tap.ts';

/** Statements kept parsed on one connection. */
const MAX_STATEMENTS = 128;

/** Settings under which the server's text of a value is the one that `decodeText` reads. */
const FORMS: Readonly<Record<string, string>> = {
  TimeZone: 'UTC',
  DateStyle: 'ISO, YMD',
  IntervalStyle: 'iso_8601',
  bytea_output: 'hex',
  extra_float_digits: '1',
};
/** So that a server lets go of a runner that has vanished without a word. */
const KEEPALIVE: Readonly<Record<string, string>> = {
  tcp_keepalives_idle: '30',
  tcp_keepalives_interval: '10',
  tcp_keepalives_count: '3',
};
/** The server looks whether its client is still there, in the middle of a long query too; from 14 on. */
const CLIENT_CHECK = { client_connection_check_interval: '10s' };
const CLIENT_CHECK_SINCE = 140_000;

/** A database that checks no bytes: asked for UTF-8 it would refuse to show those that are none. */
const NO_ENCODING = 'SQL_ASCII';

interface Greeting {
  pid: number;
  version: number;
  encoding: string;
}

/** What the driver's types leave out. */
interface DriverClient {
  processID: number;
  secretKey: number;
}

/** How many of these a question may be answered with at once, in one round trip. */
export type Question = Pick<ExchangeOptions, 'text' | 'values' | 'short' | 'encoderFor'>;

export class Session {
  readonly client: pg.PoolClient;
  readonly #tap: RowTap | undefined;
  readonly #statements = new Map<string, { name: string; fields: readonly AnswerField[] }>();
  readonly #forms: Record<string, string> = { ...FORMS };
  #closing: string[] = [];
  #named = 0;
  #timeoutMs = 0;
  /** Whether each question may be answered by another server connection: a pooler stands between. */
  pooled = false;
  /** Questions asked on this connection so far. */
  uses = 0;

  constructor(client: pg.PoolClient) {
    this.client = client;
    this.#tap = RowTap.on(client.connection.stream);
  }

  /** The first questions on a new connection: what stands there, and then how it is to speak. */
  async prepare(): Promise<void> {
    const { rows } = await this.client.query<Greeting>(
      `select pg_catalog.pg_backend_pid() as pid, pg_catalog.current_setting('server_version_num')::int as version,
              pg_catalog.current_setting('server_encoding') as encoding`,
    );
    const { pid, version, encoding } = rows[0] as Greeting;
    if (encoding === NO_ENCODING) this.#forms.client_encoding = NO_ENCODING;
    // A pooler hands out cancel keys of its own, so the process behind it has another number than ours.
    this.pooled = pid !== (this.client as unknown as DriverClient).processID;
    if (this.pooled) return;
    const settings = { ...this.#forms, ...KEEPALIVE, ...(version >= CLIENT_CHECK_SINCE ? CLIENT_CHECK : {}) };
    await this.client.query(
      [['default_transaction_read_only', 'on'], ...Object.entries(settings)]
        .map(([key, value]) => `set ${key} = '${value}'`)
        .join('; '),
    );
  }

  /**
   * Puts a question; its rows are read from the exchange.
   *
   * @param timeoutMs the server gives up after about this long, whoever may still be there to cancel.
   * @param generation of the schema: a statement parsed under another is parsed again.
   */
  async ask(question: Question, timeoutMs: number, generation: number): Promise<Exchange> {
    this.uses++;
    const limitMs = roundedUp(timeoutMs);
    if (this.pooled) {
      const settings = Object.entries({ ...this.#forms, statement_timeout: String(limitMs) });
      await this.client.query(
        [
          'begin transaction read only',
          ...settings.map(([key, value]) => `set local ${key} = '${value}'`),
        ].join('; '),
      );
    } else if (limitMs !== this.#timeoutMs) {
      await this.client.query(
        `set statement_timeout = ${limitMs}; set idle_in_transaction_session_timeout = ${limitMs}`,
      );
      this.#timeoutMs = limitMs;
    }
    const key = `${generation}:${question.text}`;
    const statement = this.pooled ? { name: '', fields: undefined } : this.#statement(key);
    const exchange = new Exchange({
      ...question,
      statement,
      closing: this.#closing.splice(0),
      tap: this.#tap,
      onDescribed: fields => {
        if (statement.name !== '') this.#remember(key, { name: statement.name, fields });
      },
    });
    this.client.query(exchange);
    return exchange;
  }

  /** Ends the question's transaction; resolves when the connection can be given back. */
  async finish(exchange: Exchange): Promise<void> {
    await exchange.over;
    if (this.pooled) await this.client.query('rollback');
  }

  /** The key of this connection's current question, for a cancel request. */
  get cancelKey(): { processID: number; secretKey: number } {
    const { processID, secretKey } = this.client as unknown as DriverClient;
    return { processID, secretKey };
  }

  /** Forgets the statement of a question that failed because of it. */
  forget(error: unknown): void {
    if (isLostStatement(error)) this.#statements.clear();
  }

  #statement(key: string): Statement {
    const known = this.#statements.get(key);
    if (!known) return { name: `semilayer_${++this.#named}`, fields: undefined };
    // Behind the others again: the one in front is the longest unused.
    this.#statements.delete(key);
    this.#statements.set(key, known);
    return known;
  }

  #remember(key: string, statement: { name: string; fields: readonly AnswerField[] }): void {
    this.#statements.set(key, statement);
    if (this.#statements.size <= MAX_STATEMENTS) return;
    const [oldest] = this.#statements;
    if (!oldest) return;
    this.#statements.delete(oldest[0]);
    this.#closing.push(oldest[1].name);
  }
}

/** To a power of two of seconds: deadlines differ by what was spent on the way here, and a setting costs a round trip. */
function roundedUp(timeoutMs: number): number {
  return 2 ** Math.ceil(Math.log2(Math.max(1, timeoutMs / 1000))) * 1000;
}
