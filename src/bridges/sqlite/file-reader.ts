/** Answers questions on one SQLite file in this thread, whichever process it is: each step as long as SQLite takes. */
import type { AggregatePlan } from '../../aggregate/plan.ts';
import type { SqliteDatabase, SqliteValue } from '../../platform/sqlite.ts';
import type { ParsedQuery, ParsedRead } from '../../where/options.ts';
import { compileAggregate } from '../aggregate/compile-aggregate.ts';
import { readBuckets } from '../aggregate/read-buckets.ts';
import { sqliteAggregates } from '../aggregate/sqlite.ts';
import { BRIDGE_NAME } from './bridge-name.ts';
import { Connections, isFileFault, unreachable } from './connections.ts';
import { compile } from './dialect.ts';
import type { Answer, Answering, Question } from './question.ts';
import { decodePosition, encodePosition, type Position } from './read-cursor.ts';
import { bucketLines, readLines } from './row-lines.ts';
import { type ColumnInfo, Schema, type TableInfo, targetSchemaOf } from './schema.ts';
import { selectCount, selectPage, selectRows } from './selects.ts';
import { decoderOf, lineWriter } from './values.ts';

/** Rows of a `read` page when the caller names no limit. */
const DEFAULT_PAGE_ROWS = 1_000;

export interface FileReaderOptions {
  file: string;
  /** How long a writer that holds the database is waited for, in milliseconds: this thread waits with it. */
  busyTimeoutMs: number;
  /** May refuse, by throwing, to have a question on that table answered in this thread. */
  admit?: (question: Question, table: TableInfo) => void;
}

export class FileReader {
  readonly #connections: Connections;
  readonly #admit: NonNullable<FileReaderOptions['admit']>;
  readonly #schema = new Schema();

  constructor({ file, busyTimeoutMs, admit = () => {} }: FileReaderOptions) {
    this.#connections = new Connections(file, busyTimeoutMs);
    this.#admit = admit;
  }

  /**
   * @throws SourceUnreachableError when the file is missing or no database; Error naming an unknown table or column.
   */
  async *answer(question: Question, signal: AbortSignal): Answering {
    const database = await this.#connections.acquire();
    let finished = false;
    try {
      const answer = yield* this.#ask(database, question, signal);
      finished = true;
      return answer;
    } catch (error) {
      throw isFileFault(error) ? unreachable(error) : error;
    } finally {
      if (finished) this.#connections.release(database);
      else this.#connections.discard(database);
    }
  }

  /** Connections in use close when their question ends. */
  close(): void {
    this.#connections.close();
  }

  async *#ask(database: SqliteDatabase, question: Question, signal: AbortSignal): Answering {
    switch (question.kind) {
      case 'ping':
        database.prepare('select 1').all([]);
        return {};
      case 'targets':
        return { value: this.#schema.targets(database).map(name => ({ name })) };
      case 'introspect':
        return { value: targetSchemaOf(this.#schema.table(database, question.target)) };
      default: {
        const table = this.#schema.table(database, question.target);
        this.#admit(question, table);
        if (question.kind === 'rows') return yield* this.#rows(database, table, question.query, signal);
        if (question.kind === 'page') return yield* this.#page(database, table, question.read, signal);
        if (question.kind === 'aggregate') {
          return yield* this.#aggregate(database, table, question.plan, signal);
        }
        const query = selectCount(table, question.where);
        return { value: Number(database.prepare(query.sql).all(query.parameters)[0]?.[0]) };
      }
    }
  }

  async *#rows(
    database: SqliteDatabase,
    table: TableInfo,
    options: ParsedQuery,
    signal: AbortSignal,
  ): Answering {
    const { query, columns } = selectRows(table, options);
    yield* readLines(database, query, lineWriter(columns, this.#schema.encoding), signal);
    return {};
  }

  async *#page(
    database: SqliteDatabase,
    table: TableInfo,
    options: ParsedRead,
    signal: AbortSignal,
  ): Answering {
    const limit = options.limit ?? DEFAULT_PAGE_ROWS;
    const start: Position =
      options.cursor === undefined ? { offset: 0 } : decodePosition(table.name, options.cursor);
    // One row more than asked for tells whether there is another page.
    const { query, columns } = selectPage(table, options, start, limit + 1);
    let count = 0;
    let last: SqliteValue[] | undefined;
    let more = false;
    // To the end, though the row after the page was seen: a statement short of its end holds its lock on the file.
    yield* readLines(database, query, lineWriter(columns, this.#schema.encoding), signal, values => {
      more = count === limit;
      if (more) return false;
      count++;
      last = values;
      return true;
    });
    return more ? { nextCursor: next(table, start, columns.length, last, count) } : ({} as Answer);
  }

  async *#aggregate(
    database: SqliteDatabase,
    table: TableInfo,
    plan: AggregatePlan,
    signal: AbortSignal,
  ): Answering {
    const dialect = sqliteAggregates(BRIDGE_NAME, table, target => this.#schema.table(database, target));
    const compiled = compileAggregate(plan, dialect);
    const { encoding } = this.#schema;
    const decode = (cell: unknown, column: ColumnInfo): unknown =>
      decoderOf(column, encoding)(cell as SqliteValue);
    const { sql, parameters } = compile(compiled.query);
    const rows = database.prepare(sql).iterate(parameters);
    yield* bucketLines(
      readBuckets(() => compiled, rows, decode),
      signal,
    );
    return {};
  }
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
