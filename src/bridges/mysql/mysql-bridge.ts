/** The MySQL and MariaDB bridge: read-only sessions, rows as the server's own text on their way to JSON, pages by key. */
import { parseAggregate } from '../../aggregate/parse-aggregate.ts';
import {
  parseBatchReadOptions,
  parseCountOptions,
  parseQueryOptions,
  parseReadOptions,
} from '../../where/options.ts';
import { type AggregateCapabilities, SQL_AGGREGATES } from '../aggregate/capabilities.ts';
import { type CompiledAggregate, compileAggregate } from '../aggregate/compile-aggregate.ts';
import { decodeMysql, mysqlAggregates } from '../aggregate/mysql.ts';
import { cellsOf, readBuckets } from '../aggregate/read-buckets.ts';
import type {
  AggregateBucket,
  AggregateContext,
  BatchReadOptions,
  Bridge,
  BridgeManifest,
  CountOptions,
  Page,
  PoolUse,
  QueryOptions,
  ReadOptions,
  Row,
  RowBatches,
  StreamEnd,
  Target,
  TargetSchema,
} from '../bridge.ts';
import { understood } from '../parse-options.ts';
import { collectRows, rowsOf } from '../stream-rows.ts';
import type { ColumnInfo } from './column.ts';
import { parseConfig } from './config.ts';
import { Questions } from './questions.ts';
import { decodePosition, encodePosition, type Position } from './read-cursor.ts';
import { introspect, listTargets, type TableInfo } from './schema.ts';
import { selectCount, selectPage, selectRows } from './selects.ts';
import { compile } from './sql-text.ts';

/** Rows of a `read` page when the caller names no limit. */
const DEFAULT_PAGE_ROWS = 1_000;

const NAME = '@semilayer/bridge-mysql';
const NEVER = new AbortController().signal;

export class MysqlBridge implements Bridge {
  static readonly manifest: BridgeManifest = {
    packageName: NAME,
    displayName: 'MySQL and MariaDB',
    supportsUrl: true,
    urlPlaceholder: 'mysql://user:password@host:3306/database',
    fields: [
      { key: 'host', label: 'Host', type: 'string', required: true, placeholder: 'localhost' },
      { key: 'port', label: 'Port', type: 'number', placeholder: '3306' },
      { key: 'database', label: 'Database', type: 'string' },
      { key: 'user', label: 'User', type: 'string', required: true },
      { key: 'password', label: 'Password', type: 'password' },
      { key: 'sslMode', label: 'TLS mode', type: 'string', placeholder: 'PREFERRED' },
    ],
  };

  readonly capabilities = { exactCount: true, streaming: true };
  readonly #questions: Questions;

  /** @throws SourceUnreachableError when the config names no server. */
  constructor(config: Record<string, unknown>) {
    this.#questions = new Questions(parseConfig(config));
  }

  async connect(signal: AbortSignal = NEVER): Promise<void> {
    await this.#questions.connect(signal);
  }

  async disconnect(): Promise<void> {
    await this.#questions.close();
  }

  get poolUse(): PoolUse {
    return this.#questions.poolUse;
  }

  async ping(signal: AbortSignal = NEVER): Promise<void> {
    await this.#questions.withCatalog(({ ask }) => ask('select 1'), signal);
  }

  async listTargets(signal: AbortSignal = NEVER): Promise<Target[]> {
    return await this.#questions.withCatalog(listTargets, signal);
  }

  /** Read anew: whoever asks wants to know what is there now. */
  async introspectTarget(target: string, signal: AbortSignal = NEVER): Promise<TargetSchema> {
    return await this.#questions.withCatalog(async (catalog, schema) => {
      schema.invalidate();
      return await introspect(await schema.table(target, catalog), catalog);
    }, signal);
  }

  async count(
    target: string,
    options: CountOptions = {},
    signal: AbortSignal = NEVER,
    timeoutMs?: number,
  ): Promise<number> {
    const where = understood(NAME, target, () => parseCountOptions(options));
    const plan = (table: TableInfo) => ({ statement: selectCount(table, where) });
    let total = Number.NaN;
    for await (const batch of this.#questions.rows({ target, plan, signal, timeoutMs })) {
      total = Number(rowsOf(batch)[0]?.total);
    }
    return total;
  }

  async query(target: string, options: QueryOptions = {}): Promise<Page> {
    return await collectRows(this.stream('query', target, { ...options }, NEVER));
  }

  async read(target: string, options: ReadOptions = {}): Promise<Page> {
    return await collectRows(this.stream('read', target, { ...options }, NEVER));
  }

  async batchRead(target: string, options: BatchReadOptions = {}): Promise<Row[]> {
    return (await collectRows(this.stream('batchRead', target, { ...options }, NEVER))).rows;
  }

  stream(
    kind: 'query' | 'read' | 'batchRead',
    target: string,
    options: Record<string, unknown>,
    signal: AbortSignal,
    timeoutMs?: number,
  ): RowBatches {
    return kind === 'read'
      ? this.#page(target, options, signal, timeoutMs)
      : this.#rows(kind, target, options, signal, timeoutMs);
  }

  aggregateCapabilities(): AggregateCapabilities {
    return { ...SQL_AGGREGATES };
  }

  async *aggregate(
    options: Record<string, unknown> & { target: string },
    { signal = NEVER, timeoutMs }: AggregateContext = {},
  ): AsyncGenerator<AggregateBucket> {
    const plan = understood(NAME, options.target, () => parseAggregate(options));
    const joined = new Map<string, TableInfo>();
    if (plan.joins.length > 0) {
      await this.#questions.withCatalog(async (catalog, schema) => {
        for (const { target } of plan.joins) joined.set(target, await schema.table(target, catalog));
      }, signal);
    }
    let compiled: CompiledAggregate<ColumnInfo> | undefined;
    const batches = this.#questions.rows({
      target: plan.target,
      plan: table => {
        const dialect = mysqlAggregates(NAME, table, target => joined.get(target) as TableInfo);
        compiled = compileAggregate(plan, dialect);
        return { statement: compile(compiled.query) };
      },
      signal,
      timeoutMs,
    });
    yield* readBuckets(() => compiled as CompiledAggregate<ColumnInfo>, cellsOf(batches), decodeMysql);
  }

  async *#rows(
    kind: 'query' | 'batchRead',
    target: string,
    options: Record<string, unknown>,
    signal: AbortSignal,
    timeoutMs: number | undefined,
  ): RowBatches {
    const given = withOrders(options);
    const parsed = understood(NAME, target, () =>
      kind === 'query' ? parseQueryOptions(given) : { ...parseBatchReadOptions(given), offset: undefined },
    );
    const plan = (table: TableInfo) => ({ statement: selectRows(table, parsed) });
    yield* this.#questions.rows({ target, plan, signal, timeoutMs });
    return {};
  }

  async *#page(
    target: string,
    options: Record<string, unknown>,
    signal: AbortSignal,
    timeoutMs: number | undefined,
  ): RowBatches {
    const parsed = understood(NAME, target, () => parseReadOptions(options));
    const limit = parsed.limit ?? DEFAULT_PAGE_ROWS;
    let start: Position = { offset: 0 };
    const plan = (table: TableInfo) => {
      if (parsed.cursor !== undefined) start = decodePosition(table, parsed.cursor);
      // One row more than asked for tells whether there is another page.
      const statement = selectPage(table, parsed, start, limit + 1);
      return { statement, keyLength: table.key.length, maxRows: limit };
    };
    const { table, seen, lastKey } = yield* this.#questions.rows({ target, plan, signal, timeoutMs });
    return seen > limit
      ? { nextCursor: encodePosition(table, next(start, lastKey, limit)) }
      : ({} as StreamEnd);
  }
}

/** A page of no rows ends where it began. */
function next(start: Position, lastKey: Buffer[] | undefined, limit: number): Position {
  if (lastKey) return { after: lastKey };
  return 'offset' in start ? { offset: start.offset + limit } : start;
}

/** The public interface has been called with one order in place of a list. */
function withOrders(options: Record<string, unknown>): Record<string, unknown> {
  const { orderBy } = options;
  const isOne = typeof orderBy === 'object' && orderBy !== null && !Array.isArray(orderBy);
  return isOne ? { ...options, orderBy: [orderBy] } : options;
}
