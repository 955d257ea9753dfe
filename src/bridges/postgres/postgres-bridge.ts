/** The Postgres bridge: read-only transactions, rows through a portal as the bytes that the server sent, pages by key. */
import { parseAggregate } from '../../aggregate/parse-aggregate.ts';
import {
  parseBatchReadOptions,
  parseCountOptions,
  parseQueryOptions,
  parseReadOptions,
} from '../../where/options.ts';
import { type AggregateCapabilities, SQL_AGGREGATES } from '../aggregate/capabilities.ts';
import { type CompiledAggregate, compileAggregate } from '../aggregate/compile-aggregate.ts';
import { postgresAggregates } from '../aggregate/postgres.ts';
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
import { parseConfig } from './config.ts';
import { compile } from './dialect.ts';
import { Questions } from './questions.ts';
import { decodePosition, encodePosition, type Position } from './read-cursor.ts';
import { type ColumnInfo, type TableInfo, targetSchemaOf } from './schema.ts';
import { selectCount, selectPage, selectRows } from './selects.ts';

/** Rows of a `read` page when the caller names no limit. */
const DEFAULT_PAGE_ROWS = 1_000;

const NAME = '@semilayer/bridge-postgres';

export class PostgresBridge implements Bridge {
  static readonly manifest: BridgeManifest = {
    packageName: NAME,
    displayName: 'PostgreSQL',
    supportsUrl: true,
    urlPlaceholder: 'postgresql://user:password@host:5432/database',
    fields: [
      { key: 'host', label: 'Host', type: 'string', required: true, placeholder: 'localhost' },
      { key: 'port', label: 'Port', type: 'number', placeholder: '5432' },
      { key: 'database', label: 'Database', type: 'string', required: true },
      { key: 'user', label: 'User', type: 'string', required: true },
      { key: 'password', label: 'Password', type: 'password' },
      { key: 'sslmode', label: 'TLS mode', type: 'string', placeholder: 'prefer' },
    ],
  };

  readonly capabilities = { exactCount: true, streaming: true };
  readonly #questions: Questions;

  /** @throws SourceUnreachableError when the config names no server. */
  constructor(config: Record<string, unknown>) {
    this.#questions = new Questions(parseConfig(config));
  }

  async connect(): Promise<void> {
    await this.#questions.connect();
  }

  async disconnect(): Promise<void> {
    await this.#questions.close();
  }

  get poolUse(): PoolUse {
    return this.#questions.poolUse;
  }

  async ping(signal: AbortSignal = never()): Promise<void> {
    await this.#questions.withConnection(ask => ask('select 1'), signal);
  }

  async listTargets(signal: AbortSignal = never()): Promise<Target[]> {
    return await this.#questions.withConnection(ask => this.#questions.schema.targets(ask), signal);
  }

  /** Read anew: whoever asks wants to know what is there now. */
  async introspectTarget(target: string, signal: AbortSignal = never()): Promise<TargetSchema> {
    this.#questions.schema.invalidate();
    return await this.#questions.withConnection(
      async ask => targetSchemaOf(await this.#questions.schema.table(target, ask)),
      signal,
    );
  }

  async count(
    target: string,
    options: CountOptions = {},
    signal: AbortSignal = never(),
    timeoutMs?: number,
  ): Promise<number> {
    const where = understood(NAME, target, () => parseCountOptions(options));
    const plan = (table: TableInfo) => ({ query: selectCount(table, where), short: true });
    const rows = this.#questions.rows(() => ({ target, plan, signal, timeoutMs }), nothing);
    let total = Number.NaN;
    for await (const batch of rows) total = Number(rowsOf(batch)[0]?.count);
    return total;
  }

  async query(target: string, options: QueryOptions = {}): Promise<Page> {
    return await collectRows(this.stream('query', target, { ...options }, never()));
  }

  async read(target: string, options: ReadOptions = {}): Promise<Page> {
    return await collectRows(this.stream('read', target, { ...options }, never()));
  }

  async batchRead(target: string, options: BatchReadOptions = {}): Promise<Row[]> {
    return (await collectRows(this.stream('batchRead', target, { ...options }, never()))).rows;
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
    { signal = never(), timeoutMs }: AggregateContext = {},
  ): AsyncGenerator<AggregateBucket> {
    const plan = understood(NAME, options.target, () => parseAggregate(options));
    const joined = new Map<string, TableInfo>();
    if (plan.joins.length > 0) {
      await this.#questions.withConnection(async ask => {
        for (const { target } of plan.joins)
          joined.set(target, await this.#questions.schema.table(target, ask));
      }, signal);
    }
    let compiled: CompiledAggregate<ColumnInfo> | undefined;
    const planned = (table: TableInfo) => {
      const dialect = postgresAggregates(NAME, table, target => joined.get(target) as TableInfo);
      compiled = compileAggregate(plan, dialect);
      return { query: compile(compiled.query) };
    };
    const batches = this.#questions.rows(
      () => ({ target: plan.target, plan: planned, signal, timeoutMs }),
      nothing,
    );
    // Values are in their JSON form already.
    const decode = (cell: unknown): unknown => cell;
    yield* readBuckets(() => compiled as CompiledAggregate<ColumnInfo>, cellsOf(batches), decode);
  }

  #rows(
    kind: 'query' | 'batchRead',
    target: string,
    options: Record<string, unknown>,
    signal: AbortSignal,
    timeoutMs: number | undefined,
  ): RowBatches {
    const prepare = () => {
      const parsed = understood(NAME, target, () =>
        kind === 'query'
          ? parseQueryOptions(options)
          : { ...parseBatchReadOptions(options), offset: undefined },
      );
      const plan = (table: TableInfo) => {
        const { query, columns, limit } = selectRows(table, parsed);
        return { query, columns, limit };
      };
      return { target, plan, signal, timeoutMs };
    };
    return this.#questions.rows(prepare, nothing);
  }

  async *#page(
    target: string,
    options: Record<string, unknown>,
    signal: AbortSignal,
    timeoutMs: number | undefined,
  ): RowBatches {
    const parsed = understood(NAME, target, () => parseReadOptions(options));
    const limit = parsed.limit ?? DEFAULT_PAGE_ROWS;
    const start: Position =
      parsed.cursor === undefined ? { offset: 0 } : decodePosition(target, parsed.cursor);
    const plan = (table: TableInfo) => {
      // One row more than asked for tells whether there is another page.
      const { query, columns, shown, keyFields, limit: rows } = selectPage(table, parsed, start, limit + 1);
      return { query, columns, shown, keyFields, limit: rows, maxRows: limit };
    };
    const { seen, lastKey } = yield* this.#questions.rows(
      () => ({ target, plan, signal, timeoutMs }),
      read => read,
    );
    return seen > limit
      ? { nextCursor: encodePosition(target, next(start, lastKey, limit)) }
      : ({} as StreamEnd);
  }
}

/** A page of no rows ends where it began. */
function next(start: Position, lastKey: (string | null)[] | undefined, limit: number): Position {
  if (lastKey) return { after: lastKey.map(String) };
  return 'offset' in start ? { offset: start.offset + limit } : start;
}

/** What there is to say at the end of rows that are no page. */
function nothing(): StreamEnd {
  return {};
}

/** For callers that cannot cancel: one each, because listeners add up on a shared one. */
function never(): AbortSignal {
  return new AbortController().signal;
}
