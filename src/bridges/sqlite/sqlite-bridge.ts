/** The SQLite bridge: read-only connections, rows through a cursor in batches, pages by key. */
import { resolve } from 'node:path';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import type { CompiledQuery } from 'kysely';
import { parseAggregate } from '../../aggregate/parse-aggregate.ts';
import type { SqliteDatabase, SqliteValue } from '../../platform/sqlite.ts';
import {
  type ParsedQuery,
  parseBatchReadOptions,
  parseCountOptions,
  parseQueryOptions,
  parseReadOptions,
} from '../../where/options.ts';
import { WhereError } from '../../where/where.ts';
import { type AggregateCapabilities, SQL_AGGREGATES } from '../aggregate/capabilities.ts';
import { compileAggregate } from '../aggregate/compile-aggregate.ts';
import { readBuckets } from '../aggregate/read-buckets.ts';
import { sqliteAggregates } from '../aggregate/sqlite.ts';
import {
  type AggregateBucket,
  type AggregateContext,
  type BatchReadOptions,
  type Bridge,
  type BridgeManifest,
  type CountOptions,
  type Page,
  type QueryOptions,
  type ReadOptions,
  type Row,
  type RowBatches,
  SourceUnreachableError,
  type Target,
  type TargetSchema,
  UnsupportedOperatorError,
} from '../bridge.ts';
import { collectRows } from '../stream-rows.ts';
import { Connections, isFileFault, unreachable } from './connections.ts';
import { compile } from './dialect.ts';
import { decodePosition, encodePosition, type Position } from './read-cursor.ts';
import { type ColumnInfo, Schema, type TableInfo, targetSchemaOf } from './schema.ts';
import { selectCount, selectPage, selectRows } from './selects.ts';
import { decoderOf, rowReader, sizeOf } from './values.ts';

/** A first batch this small leaves early; later ones double up to the largest. */
const FIRST_BATCH_ROWS = 16;
const MAX_BATCH_ROWS = 512;
/** A batch of wide rows ends here, whatever its number of rows. */
const MAX_BATCH_BYTES = 65_536;
/** Rows of a `read` page when the caller names no limit. */
const DEFAULT_PAGE_ROWS = 1_000;

const NAME = '@semilayer/bridge-sqlite';

export class SqliteBridge implements Bridge {
  static readonly manifest: BridgeManifest = {
    packageName: NAME,
    displayName: 'SQLite',
    supportsUrl: true,
    urlPlaceholder: 'file:/path/to/database.db',
    fields: [
      { key: 'url', label: 'File', type: 'string', required: true, placeholder: 'file:/path/to/database.db' },
    ],
  };

  readonly capabilities = { exactCount: true, streaming: true };
  readonly #connections: Connections;
  readonly #schema = new Schema();

  constructor(config: Record<string, unknown>) {
    this.#connections = new Connections(fileOf(config));
  }

  async connect(): Promise<void> {
    this.#connections.release(await this.#connections.acquire());
  }

  async disconnect(): Promise<void> {
    this.#connections.close();
  }

  async ping(): Promise<void> {
    await this.#with(database => database.prepare('select 1').all([]));
  }

  async listTargets(): Promise<Target[]> {
    return await this.#with(database => this.#schema.targets(database).map(name => ({ name })));
  }

  async introspectTarget(target: string): Promise<TargetSchema> {
    return await this.#with(database => targetSchemaOf(this.#schema.table(database, target)));
  }

  async count(target: string, options: CountOptions): Promise<number> {
    return await this.#with(database => {
      const where = understood(target, () => parseCountOptions(options));
      const query = selectCount(this.#schema.table(database, target), where);
      return Number(database.prepare(query.sql).all(query.parameters)[0]?.[0]);
    });
  }

  async query(target: string, options: QueryOptions): Promise<Page> {
    return await collectRows(this.stream('query', target, { ...options }, new AbortController().signal));
  }

  async read(target: string, options: ReadOptions): Promise<Page> {
    return await collectRows(this.stream('read', target, { ...options }, new AbortController().signal));
  }

  async batchRead(target: string, options: BatchReadOptions): Promise<Row[]> {
    const batches = this.stream('batchRead', target, { ...options }, new AbortController().signal);
    return (await collectRows(batches)).rows;
  }

  async *stream(
    kind: 'query' | 'read' | 'batchRead',
    target: string,
    options: Record<string, unknown>,
    signal: AbortSignal,
  ): RowBatches {
    const database = await this.#connections.acquire();
    let finished = false;
    try {
      const table = this.#schema.table(database, target);
      const end = yield* kind === 'read'
        ? this.#page(database, table, options, signal)
        : this.#rows(database, table, parsedQuery(kind, target, options), signal);
      finished = true;
      return end;
    } catch (error) {
      throw isFileFault(error) ? unreachable(error) : error;
    } finally {
      if (finished) this.#connections.release(database);
      else this.#connections.discard(database);
    }
  }

  aggregateCapabilities(): AggregateCapabilities {
    return { ...SQL_AGGREGATES };
  }

  async *aggregate(
    options: Record<string, unknown> & { target: string },
    { signal = new AbortController().signal }: AggregateContext = {},
  ): AsyncGenerator<AggregateBucket> {
    const plan = understood(options.target, () => parseAggregate(options));
    const database = await this.#connections.acquire();
    let finished = false;
    try {
      const tableNamed = (target: string): TableInfo => this.#schema.table(database, target);
      const dialect = sqliteAggregates(NAME, tableNamed(plan.target), tableNamed);
      const compiled = compileAggregate(plan, dialect);
      const { encoding } = this.#schema;
      const rows = eachOf(batchesOf(database, compile(compiled.query), signal));
      const decode = (cell: unknown, column: ColumnInfo): unknown =>
        decoderOf(column, encoding)(cell as SqliteValue);
      yield* readBuckets(() => compiled, rows, decode);
      finished = true;
    } catch (error) {
      throw isFileFault(error) ? unreachable(error) : error;
    } finally {
      if (finished) this.#connections.release(database);
      else this.#connections.discard(database);
    }
  }

  async *#rows(
    database: SqliteDatabase,
    table: TableInfo,
    options: ParsedQuery,
    signal: AbortSignal,
  ): RowBatches {
    const { query, columns } = selectRows(table, options);
    const read = rowReader(columns, this.#schema.encoding);
    for await (const batch of batchesOf(database, query, signal)) yield batch.map(read);
    return {};
  }

  async *#page(
    database: SqliteDatabase,
    table: TableInfo,
    options: Record<string, unknown>,
    signal: AbortSignal,
  ): RowBatches {
    const parsed = understood(table.name, () => parseReadOptions(options));
    const limit = parsed.limit ?? DEFAULT_PAGE_ROWS;
    const start: Position =
      parsed.cursor === undefined ? { offset: 0 } : decodePosition(table.name, parsed.cursor);
    // One row more than asked for tells whether there is another page.
    const { query, columns } = selectPage(table, parsed, start, limit + 1);
    const read = rowReader(columns, this.#schema.encoding);
    let count = 0;
    let last: SqliteValue[] | undefined;
    let more = false;
    // To the end, though the row after the page was seen: a statement short of its end holds its lock on the file.
    for await (const batch of batchesOf(database, query, signal)) {
      const page = batch.slice(0, limit - count);
      more ||= page.length < batch.length;
      last = page.at(-1) ?? last;
      count += page.length;
      if (page.length > 0) yield page.map(read);
    }
    return more ? { nextCursor: next(table, start, columns.length, last, count) } : {};
  }

  async #with<T>(ask: (database: SqliteDatabase) => T): Promise<T> {
    const database = await this.#connections.acquire();
    try {
      return ask(database);
    } catch (error) {
      throw isFileFault(error) ? unreachable(error) : error;
    } finally {
      this.#connections.release(database);
    }
  }
}

/** Batches of raw rows. The driver reads in this thread, so between batches the others have their turn. */
async function* batchesOf(
  database: SqliteDatabase,
  query: CompiledQuery,
  signal: AbortSignal,
): AsyncGenerator<SqliteValue[][], void, undefined> {
  let batch: SqliteValue[][] = [];
  let bytes = 0;
  let size = FIRST_BATCH_ROWS;
  for (const row of database.prepare(query.sql).iterate(query.parameters)) {
    batch.push(row);
    bytes += sizeOf(row);
    if (batch.length < size && bytes < MAX_BATCH_BYTES) continue;
    signal.throwIfAborted();
    yield batch;
    batch = [];
    bytes = 0;
    size = Math.min(size * 2, MAX_BATCH_ROWS);
    await nextTurn();
  }
  signal.throwIfAborted();
  if (batch.length > 0) yield batch;
}

async function* eachOf<T>(batches: AsyncIterable<T[]>): AsyncGenerator<T, void, undefined> {
  for await (const batch of batches) yield* batch;
}

function next(
  table: TableInfo,
  start: Position,
  columns: number,
  last: SqliteValue[] | undefined,
  count: number,
): string {
  if (table.key.by === 'none') {
    return encodePosition(table.name, { offset: ('offset' in start ? start.offset : 0) + count });
  }
  // A page of no rows ends where it began.
  return encodePosition(table.name, last ? { after: last.slice(columns) } : start);
}

function parsedQuery(
  kind: 'query' | 'batchRead',
  target: string,
  options: Record<string, unknown>,
): ParsedQuery {
  return understood(target, () =>
    kind === 'query' ? parseQueryOptions(options) : { ...parseBatchReadOptions(options), offset: undefined },
  );
}

/** An operator nobody has is this interface's own error, with the bridge and the target in it. */
function understood<T>(target: string, parse: () => T): T {
  try {
    return parse();
  } catch (error) {
    if (error instanceof WhereError && error.kind === 'unsupported_operator') {
      throw new UnsupportedOperatorError({ op: error.op ?? 'unknown', target, bridge: NAME });
    }
    throw error;
  }
}

/** @throws SourceUnreachableError when the config names no file. */
function fileOf(config: Record<string, unknown>): string {
  const given = config.url ?? config.path ?? config.filename;
  if (typeof given !== 'string' || given === '' || given.includes('\0')) {
    throw new SourceUnreachableError(
      'the config names no database file: set url to file:/path/to/database.db',
    );
  }
  if (!given.startsWith('file:')) return resolve(given);
  const path = given.slice('file:'.length).split(/[?#]/, 1)[0] as string;
  try {
    // `file:name.db` is no URL with a host, but a path from the directory the runner was started in.
    return path.startsWith('/') ? fileURLToPath(`file:${path}`) : resolve(decodeURIComponent(path));
  } catch {
    throw new SourceUnreachableError('the url of the database is not a file: URL that names a file here');
  }
}
