/** Questions put to the server: on which connection, with what known of the schema, and once more where that may help. */
import type { CompiledQuery } from 'kysely';
import type { PoolUse, RowLines } from '../bridge.ts';
import type { PostgresConfig } from './config.ts';
import { Connections } from './connections.ts';
import type { AnswerField, Exchange } from './exchange.ts';
import {
  isConnectionLoss,
  isLostStatement,
  isStaleSchema,
  StaleSchemaError,
  unreachable,
} from './failures.ts';
import { RowEncoder } from './row-encoder.ts';
import { type Ask, type ColumnInfo, Schema, type TableInfo, UnknownColumnError } from './schema.ts';
import type { Session } from './session.ts';

/** Rows that are asked for at once, in one round trip with the rest of the question. */
const SHORT_ROWS = 1_000;
/** A day, which no job exceeds. */
const MAX_TIMEOUT_MS = 86_400_000;
/** The protocol counts them in two bytes. */
const MAX_PARAMETERS = 65_535;
/** A cancelled query that has not ended by then takes its connection with it. */
const ENDING_PATIENCE_MS = 1_000;
/** The first may meet a connection that died idle and a schema that has changed. */
const MAX_ATTEMPTS = 3;

export interface Plan {
  query: CompiledQuery;
  /** The columns that the answer must have; undefined where it has others than the table's. */
  columns?: readonly ColumnInfo[];
  /** How many of them become keys of the row; all, unless told. */
  shown?: number;
  keyFields?: readonly number[];
  /** Rows the query itself stops at. */
  limit?: number | undefined;
  /** Rows that are handed over. */
  maxRows?: number;
  /** One row, or a few. */
  short?: boolean;
}

export interface Reading {
  target: string;
  plan: (table: TableInfo) => Plan;
  signal: AbortSignal;
  timeoutMs: number | undefined;
}

export interface ReadEnd {
  /** Rows the server sent, those beyond `maxRows` included. */
  seen: number;
  lastKey: (string | null)[] | undefined;
}

export class Questions {
  readonly schema = new Schema();
  readonly #config: PostgresConfig;
  readonly #connections: Connections;

  constructor(config: PostgresConfig) {
    this.#config = config;
    this.#connections = new Connections(config);
  }

  get poolUse(): PoolUse {
    return this.#connections.use;
  }

  async connect(): Promise<void> {
    await this.#connections.connect();
  }

  async close(): Promise<void> {
    await this.#connections.close();
  }

  /** Small questions of ours, to the catalog; asked again on a new connection when an idle one had died. */
  async withConnection<T>(work: (ask: Ask) => Promise<T>, signal: AbortSignal): Promise<T> {
    for (let attempt = 1; ; attempt++) {
      const session = await this.#connections.acquire(signal);
      const fresh = session.uses++ === 0;
      try {
        const answer = await work(askOn(session));
        this.#connections.release(session);
        return answer;
      } catch (error) {
        const lost = isConnectionLoss(error);
        this.#connections.release(session, lost);
        if (!lost) throw error;
        if (fresh || attempt === MAX_ATTEMPTS) throw this.#unreachable(error);
      }
    }
  }

  /**
   * The rows of one SELECT, and what `end` makes of having read them. Before the first row, a dead connection or a stale
   * schema is made good; after it, never.
   */
  async *rows<End>(
    prepare: () => Reading,
    end: (read: ReadEnd) => End,
  ): AsyncGenerator<RowLines, End, undefined> {
    const reading = prepare();
    const { target, signal } = reading;
    for (let attempt = 1; ; attempt++) {
      const session = await this.#connections.acquire(signal);
      const freshConnection = session.uses === 0;
      const knewTable = this.schema.known(target) !== undefined;
      const put: { exchange?: Exchange } = {};
      let delivered = false;
      let failure: unknown;
      try {
        const exchange = await this.#put(session, reading);
        put.exchange = exchange;
        const abort = (): void => exchange.abandon(signal.reason);
        signal.addEventListener('abort', abort, { once: true });
        if (signal.aborted) abort();
        try {
          for (let batch = await exchange.next(); batch; batch = await exchange.next()) {
            delivered = true;
            yield batch;
          }
        } finally {
          signal.removeEventListener('abort', abort);
        }
        return end({ seen: exchange.rowsSeen, lastKey: exchange.lastKey });
      } catch (error) {
        failure = error;
        if (signal.aborted) throw signal.reason;
        session.forget(error);
        if (delivered || attempt === MAX_ATTEMPTS) throw this.#said(error);
        if (isStaleSchema(error) || error instanceof UnknownColumnError) {
          if (!knewTable) throw error;
          this.schema.invalidate();
        } else if (!(isConnectionLoss(error) && !freshConnection) && !isLostStatement(error)) {
          throw this.#said(error);
        }
      } finally {
        void this.#giveBack(session, put.exchange, isConnectionLoss(failure));
      }
    }
  }

  async #put(session: Session, { target, plan, timeoutMs }: Reading): Promise<Exchange> {
    const table = await this.schema.table(target, askOn(session));
    const { query, columns, shown, keyFields = [], limit, maxRows, short } = plan(table);
    if (query.parameters.length > MAX_PARAMETERS) {
      throw new Error(
        `the filter has ${query.parameters.length} values, and Postgres takes ${MAX_PARAMETERS}: use $in`,
      );
    }
    return await session.ask(
      {
        text: query.sql,
        values: query.parameters as readonly (string | null)[],
        short: short === true || (limit !== undefined && limit <= SHORT_ROWS),
        encoderFor: fields =>
          new RowEncoder({
            columns: this.#typed(fields, columns).slice(0, shown),
            maxRows: maxRows ?? Number.POSITIVE_INFINITY,
            keyFields,
          }),
      },
      Math.min(timeoutMs ?? MAX_TIMEOUT_MS, MAX_TIMEOUT_MS),
      this.schema.generation,
    );
  }

  /** @throws StaleSchemaError when the answer's fields are not the expected columns. */
  #typed(fields: readonly AnswerField[], columns: readonly ColumnInfo[] | undefined) {
    if (
      columns &&
      !(fields.length === columns.length && fields.every((field, at) => field.name === columns[at]?.name))
    ) {
      throw new StaleSchemaError('the columns of the table have changed');
    }
    return fields.map(({ name, dataTypeID }) => {
      const type = this.schema.type(dataTypeID);
      if (columns && !type) throw new StaleSchemaError('the types of the table have changed');
      return { name, type: type ?? { oid: dataTypeID } };
    });
  }

  /** The connection goes back to the pool once the server is done with the question, or is ended. */
  async #giveBack(session: Session, exchange: Exchange | undefined, lost: boolean): Promise<void> {
    let broken = lost;
    if (exchange && !lost) {
      exchange.abandon();
      // Most are by now: nothing is left to wait for.
      if (exchange.isOver && !session.pooled) return this.#connections.release(session);
      // Asked only while it runs, and waited for: a late request must not meet the next question on this connection.
      if (exchange.running) await this.#connections.cancel(session);
      broken = !(await within(ENDING_PATIENCE_MS, session.finish(exchange)));
    }
    this.#connections.release(session, broken);
  }

  #said(error: unknown): unknown {
    return isConnectionLoss(error) ? this.#unreachable(error) : error;
  }

  #unreachable(error: unknown): Error {
    return unreachable(error, this.#config.host, this.#config.port);
  }
}

function askOn(session: Session): Ask {
  return async (text, values) => (await session.client.query(text, values)).rows;
}

/** Whether the promise was kept in that time. */
async function within(ms: number, promise: Promise<unknown>): Promise<boolean> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<boolean>(resolve => {
    timer = setTimeout(() => resolve(false), ms);
  });
  try {
    return await Promise.race([
      promise.then(
        () => true,
        () => false,
      ),
      late,
    ]);
  } finally {
    clearTimeout(timer);
  }
}
