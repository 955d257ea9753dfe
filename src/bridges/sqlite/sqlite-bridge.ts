/** The SQLite bridge: read-only, in this thread what takes no time, in a reader process everything else. */
import { resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseAggregate } from '../../aggregate/parse-aggregate.ts';
import { type Clock, systemClock } from '../../platform/clock.ts';
import {
  parseBatchReadOptions,
  parseCountOptions,
  parseQueryOptions,
  parseReadOptions,
} from '../../where/options.ts';
import { type AggregateCapabilities, SQL_AGGREGATES } from '../aggregate/capabilities.ts';
import {
  type AggregateBucket,
  type AggregateContext,
  type BatchReadOptions,
  type Bridge,
  type BridgeManifest,
  type CountOptions,
  type Page,
  type PoolUse,
  type QueryOptions,
  type ReadOptions,
  type Row,
  type RowBatches,
  SourceUnreachableError,
  type Target,
  type TargetSchema,
} from '../bridge.ts';
import { understood } from '../parse-options.ts';
import { collectRows, rowsOf } from '../stream-rows.ts';
import { BRIDGE_NAME } from './bridge-name.ts';
import { isBusy } from './connections.ts';
import { FileReader } from './file-reader.ts';
import { admit, isSmall, sizeOfDatabase, TooMuchWork } from './placement.ts';
import type { Answering, Question } from './question.ts';
import { type ReaderProgram, readerProgram } from './reader/program.ts';
import { MAX_READERS, ReaderPool } from './reader/reader-pool.ts';
import { ReaderUnusableError } from './reader/reader-process.ts';

const NAME = BRIDGE_NAME;
/** In this thread a writer is waited for no longer than a commit takes; a reader has more patience. */
const BUSY_TIMEOUT_MS = 10;

export interface SqliteBridgePorts {
  clock?: Clock;
  /** How a reader is started; undefined where it cannot be. */
  program?: () => ReaderProgram | undefined;
}

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
  readonly #file: string;
  readonly #here: FileReader;
  readonly #ports: SqliteBridgePorts;
  #pool: ReaderPool | undefined;
  /** Whether no reader can be had: then everything is answered here. */
  #alone = false;

  constructor(config: Record<string, unknown>, ports: SqliteBridgePorts = {}) {
    this.#file = fileOf(config);
    this.#ports = ports;
    this.#here = new FileReader({
      file: this.#file,
      busyTimeoutMs: BUSY_TIMEOUT_MS,
      admit: (question, table) => {
        if (!this.#alone) admit(sizeOfDatabase(this.#file), question, table);
      },
    });
  }

  async connect(signal?: AbortSignal): Promise<void> {
    await this.#value({ kind: 'ping' }, signal);
  }

  async disconnect(): Promise<void> {
    this.#here.close();
    await this.#pool?.close();
  }

  /** Of the readers: small files are read without one. */
  get poolUse(): PoolUse {
    return this.#pool?.use ?? { inUse: 0, waiting: 0, limit: MAX_READERS };
  }

  async ping(signal?: AbortSignal): Promise<void> {
    await this.#value({ kind: 'ping' }, signal);
  }

  async listTargets(signal?: AbortSignal): Promise<Target[]> {
    return (await this.#value({ kind: 'targets' }, signal)) as Target[];
  }

  async introspectTarget(target: string, signal?: AbortSignal): Promise<TargetSchema> {
    return (await this.#value({ kind: 'introspect', target }, signal)) as TargetSchema;
  }

  async count(target: string, options?: CountOptions, signal?: AbortSignal): Promise<number> {
    const where = understood(NAME, target, () => parseCountOptions(options));
    return (await this.#value({ kind: 'count', target, where }, signal)) as number;
  }

  async query(target: string, options?: QueryOptions): Promise<Page> {
    return await collectRows(this.stream('query', target, options));
  }

  async read(target: string, options?: ReadOptions): Promise<Page> {
    return await collectRows(this.stream('read', target, options));
  }

  async batchRead(target: string, options?: BatchReadOptions): Promise<Row[]> {
    return (await collectRows(this.stream('batchRead', target, options))).rows;
  }

  async *stream(
    kind: 'query' | 'read' | 'batchRead',
    target: string,
    options?: object,
    signal: AbortSignal = new AbortController().signal,
  ): RowBatches {
    const question = understood(NAME, target, () => rowQuestion(kind, target, options));
    const { nextCursor } = yield* this.#answer(question, signal);
    return nextCursor === undefined ? {} : { nextCursor };
  }

  aggregateCapabilities(): AggregateCapabilities {
    return { ...SQL_AGGREGATES };
  }

  async *aggregate(
    options: Record<string, unknown> & { target: string },
    { signal = new AbortController().signal }: AggregateContext = {},
  ): AsyncGenerator<AggregateBucket> {
    const plan = understood(NAME, options.target, () => parseAggregate(options));
    const lines = this.#answer({ kind: 'aggregate', target: plan.target, plan }, signal);
    for await (const batch of lines) yield* rowsOf(batch) as unknown as AggregateBucket[];
  }

  async #value(question: Question, signal = new AbortController().signal): Promise<unknown> {
    const step = await this.#answer(question, signal).next();
    return step.done ? step.value.value : undefined;
  }

  /** Here, where that takes no time; else by a reader; here all the same where none can be had. */
  async *#answer(question: Question, signal: AbortSignal): Answering {
    if (this.#alone || isSmall(sizeOfDatabase(this.#file))) {
      try {
        return yield* this.#here.answer(question, signal);
      } catch (error) {
        // Both are found out before the first row.
        if (this.#alone || !(error instanceof TooMuchWork || isBusy(error))) throw error;
      }
    }
    try {
      return yield* this.#readers().ask(question, signal);
    } catch (error) {
      if (!(error instanceof ReaderUnusableError)) throw error;
      this.#alone = true;
      process.emitWarning(
        `${error.message}: SQLite files are read in this thread, which a long query holds up`,
        'SemilayerSqliteReaderWarning',
      );
    }
    return yield* this.#here.answer(question, signal);
  }

  #readers(): ReaderPool {
    if (this.#pool) return this.#pool;
    const { clock = systemClock, program: find = readerProgram } = this.#ports;
    const program = find();
    if (!program) throw new ReaderUnusableError('the reader of SQLite files is not installed here');
    this.#pool = new ReaderPool({ program, file: this.#file, clock });
    return this.#pool;
  }
}

function rowQuestion(kind: 'query' | 'read' | 'batchRead', target: string, options: unknown): Question {
  if (kind === 'read') return { kind: 'page', target, read: parseReadOptions(options) };
  const query =
    kind === 'query' ? parseQueryOptions(options) : { ...parseBatchReadOptions(options), offset: undefined };
  return { kind: 'rows', target, query };
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
