/** The Store port on SQLite: one file, one writer, every change one durable transaction with its audit entry. */
import { existsSync } from 'node:fs';
import { copyFile } from 'node:fs/promises';
import { AppError } from '../errors.ts';
import type { Clock } from '../platform/clock.ts';
import type { DataDirectory } from './data-directory.ts';
import { AuditTable } from './sqlite-audit.ts';
import { SqliteFile } from './sqlite-file.ts';
import { KeyTable } from './sqlite-keys.ts';
import { RunnerTable } from './sqlite-runners.ts';
import { SourceTable } from './sqlite-sources.ts';
import type { Store } from './store.ts';

export interface SqliteStoreOptions {
  directory: DataDirectory;
  clock: Clock;
}

/**
 * Opens the store of a data directory, creating it in an empty one.
 *
 * @throws AppError `store_corrupt`, `store_newer`.
 */
export async function openSqliteStore({ directory, clock }: SqliteStoreOptions): Promise<Store> {
  const file = await SqliteFile.open(directory.storeFile);
  try {
    const key = await directory.configKey(SourceTable.holdsConfigs(file));
    return new SqliteStore(file, key, directory, () => clock.now());
  } catch (error) {
    file.close();
    throw error;
  }
}

/** The methods are async for the port's sake: behind it is a synchronous driver, and calls take microseconds. */
class SqliteStore implements Store {
  readonly #file: SqliteFile;
  readonly #directory: DataDirectory;
  readonly #runners: RunnerTable;
  readonly #sources: SourceTable;
  readonly #keys: KeyTable;
  readonly #audit: AuditTable;

  constructor(file: SqliteFile, key: Buffer, directory: DataDirectory, now: () => number) {
    this.#file = file;
    this.#directory = directory;
    this.#audit = new AuditTable(file);
    this.#runners = new RunnerTable(file, this.#audit, now);
    this.#sources = new SourceTable(file, this.#audit, now, key);
    this.#keys = new KeyTable(file, this.#audit, now);
  }

  createRunner: Store['createRunner'] = async (input, by) => this.#runners.create(input, by);
  listRunners: Store['listRunners'] = async page => this.#runners.list(page);
  findRunner: Store['findRunner'] = async idOrName => this.#runners.find(idOrName);
  findTokenHolder: Store['findTokenHolder'] = async hash => this.#runners.findTokenHolder(hash);
  renameRunner: Store['renameRunner'] = async (idOrName, name, by) =>
    this.#runners.rename(idOrName, name, by);
  rotateRunner: Store['rotateRunner'] = async (idOrName, token, overlapMs, by) =>
    this.#runners.rotate(idOrName, token, overlapMs, by);
  revokeRunner: Store['revokeRunner'] = async (idOrName, by) => this.#runners.revoke(idOrName, by);
  deleteRunner: Store['deleteRunner'] = async (idOrName, by) => this.#runners.delete(idOrName, by);
  changeAssignments: Store['changeAssignments'] = async (runner, change, sources, by) => {
    this.#runners.find(runner);
    const found = sources.map(source => this.#sources.find(source));
    return this.#runners.changeAssignments(runner, change, found, by);
  };
  recordSeen: Store['recordSeen'] = async seen => this.#runners.recordSeen(seen);

  createSource: Store['createSource'] = async (input, by) => this.#sources.create(input, by);
  listSources: Store['listSources'] = async page => this.#sources.list(page);
  findSource: Store['findSource'] = async idOrName => this.#sources.find(idOrName);
  sourceConfig: Store['sourceConfig'] = async id => this.#sources.config(id);
  updateSource: Store['updateSource'] = async (idOrName, change, by) =>
    this.#sources.update(idOrName, change, by);
  deleteSource: Store['deleteSource'] = async (idOrName, force, by) =>
    this.#sources.delete(idOrName, force, by);
  runnerIdsOf: Store['runnerIdsOf'] = async sourceId => this.#sources.runnerIdsOf(sourceId);
  sourceIdsOf: Store['sourceIdsOf'] = async runnerId => this.#sources.idsOfRunner(runnerId);

  createKey: Store['createKey'] = async (input, by) => this.#keys.create(input, by);
  listKeys: Store['listKeys'] = async page => this.#keys.list(page);
  findKeyByHash: Store['findKeyByHash'] = async hash => this.#keys.findByHash(hash);
  revokeKey: Store['revokeKey'] = async (idOrName, by, options) =>
    this.#keys.revoke(idOrName, by, options?.allowLastAdmin ?? false);
  countKeys: Store['countKeys'] = async () => this.#keys.count();

  listAudit: Store['listAudit'] = async page => this.#audit.list(page);

  ping: Store['ping'] = async () => void this.#file.all('SELECT 1');

  async backup(file: string): Promise<void> {
    const keyCopy = `${file}.key`;
    for (const path of [file, keyCopy]) {
      if (existsSync(path)) {
        throw new AppError('conflict', {
          message: `${path} exists already`,
          hint: 'name a file that does not',
        });
      }
    }
    await this.#file.copyTo(file);
    // Without its key a backup has lost the configs of managed sources.
    await copyFile(this.#directory.keyFile, keyCopy);
  }

  async close(): Promise<void> {
    this.#file.close();
  }
}
