/** Sources and their encrypted configs in SQLite. */
import { AppError } from '../errors.ts';
import type { SqliteValue } from '../platform/sqlite.ts';
import { seal, unseal } from './secret-box.ts';
import type { AuditTable } from './sqlite-audit.ts';
import type { SqliteFile } from './sqlite-file.ts';
import { likePart, nameTaken, notFound } from './sqlite-names.ts';
import type { Actor, AuditAction, CredentialsLocation, PageRequest, SourceRecord, Store } from './store.ts';

const COLUMNS = `id, name, bridge, credentials_location, created_at,
  (SELECT json_group_array(runner) FROM (SELECT runners.name AS runner FROM assignments
   JOIN runners ON runners.id = runner_id WHERE source_id = sources.id ORDER BY runners.name))`;

/** Runners named in a refusal. */
const NAMED = 5;

export class SourceTable {
  readonly #file: SqliteFile;
  readonly #audit: AuditTable;
  readonly #now: () => number;
  readonly #key: Buffer;

  constructor(file: SqliteFile, audit: AuditTable, now: () => number, key: Buffer) {
    this.#file = file;
    this.#audit = audit;
    this.#now = now;
    this.#key = key;
  }

  /** Whether a store holds any config, asked before its key is. */
  static holdsConfigs(file: SqliteFile): boolean {
    return file.all('SELECT 1 FROM sources WHERE config IS NOT NULL LIMIT 1').length > 0;
  }

  create(input: Parameters<Store['createSource']>[0], by: Actor): SourceRecord {
    return this.#file.transaction(() => {
      this.#refuseTaken(input.name);
      this.#file.run(
        'INSERT INTO sources (id, name, bridge, credentials_location, config, created_at) VALUES (?, ?, ?, ?, ?, ?)',
        input.id,
        input.name,
        input.bridge,
        input.credentialsLocation,
        input.config === null ? null : seal(this.#key, input.id, input.config),
        this.#now(),
      );
      const record = this.find(input.id);
      const { bridge, credentialsLocation } = input;
      this.#note(by, 'source.create', record, { bridge, credentialsLocation });
      return record;
    });
  }

  list(page: PageRequest): SourceRecord[] {
    return this.#file
      .all(
        `SELECT ${COLUMNS} FROM sources WHERE name > ? AND name LIKE ? ESCAPE '\\' ORDER BY name LIMIT ?`,
        page.after ?? '',
        likePart(page.q),
        page.limit,
      )
      .map(recordOf);
  }

  find(idOrName: string): SourceRecord {
    const [row] = this.#file.all(
      `SELECT ${COLUMNS} FROM sources WHERE id = ? OR name = ? ORDER BY id = ? DESC LIMIT 1`,
      idOrName.toLowerCase(),
      idOrName,
      idOrName.toLowerCase(),
    );
    if (!row) throw notFound('source', idOrName);
    return recordOf(row);
  }

  config(id: string): Record<string, unknown> | null {
    const [row] = this.#file.all('SELECT config FROM sources WHERE id = ?', id);
    const box = row?.[0];
    return Buffer.isBuffer(box) ? unseal(this.#key, id, box) : null;
  }

  update(idOrName: string, change: Parameters<Store['updateSource']>[1], by: Actor): SourceRecord {
    const before = this.find(idOrName);
    const location = change.credentialsLocation ?? before.credentialsLocation;
    const wiped = location === 'runner-local' && before.credentialsLocation === 'managed';
    const record = this.#file.transaction(() => {
      if (change.name !== undefined && change.name !== before.name) this.#refuseTaken(change.name);
      if (location === 'runner-local' && change.config) {
        throw new AppError('invalid_request', {
          message: `source "${before.name}" is runner-local and keeps no config here`,
          hint: 'send credentialsLocation: managed with it',
        });
      }
      if (location === 'managed' && before.credentialsLocation !== 'managed' && !change.config) {
        throw new AppError('invalid_request', {
          message: 'a source with managed credentials needs a config',
        });
      }
      if (change.config) {
        this.#file.run(
          'UPDATE sources SET config = ? WHERE id = ?',
          seal(this.#key, before.id, change.config),
          before.id,
        );
      } else if (location === 'runner-local') {
        this.#file.run('UPDATE sources SET config = NULL WHERE id = ?', before.id);
      }
      this.#file.run(
        'UPDATE sources SET name = ?, bridge = ?, credentials_location = ? WHERE id = ?',
        change.name ?? before.name,
        change.bridge ?? before.bridge,
        location,
        before.id,
      );
      const updated = this.find(before.id);
      this.#note(by, 'source.update', updated, { changed: Object.keys(change).sort() });
      return updated;
    });
    if (wiped) this.#file.checkpoint();
    return record;
  }

  delete(idOrName: string, force: boolean, by: Actor): SourceRecord {
    const record = this.#file.transaction(() => {
      const found = this.find(idOrName);
      if (found.runners.length > 0 && !force) {
        const named =
          found.runners.slice(0, NAMED).join(', ') + (found.runners.length > NAMED ? ' and others' : '');
        throw new AppError('conflict', {
          message: `source "${found.name}" is assigned to ${named}`,
          hint: 'unassign it first (semilayer runners unassign), or remove it with --force',
        });
      }
      this.#file.run('DELETE FROM sources WHERE id = ?', found.id);
      this.#note(by, 'source.remove', found, { force });
      return found;
    });
    if (record.credentialsLocation === 'managed') this.#file.checkpoint();
    return record;
  }

  runnerIdsOf(sourceId: string): string[] {
    return this.#file
      .all('SELECT runner_id FROM assignments WHERE source_id = ? ORDER BY runner_id', sourceId)
      .map(([id]) => id as string);
  }

  /** In the order of their names. */
  idsOfRunner(runnerId: string): string[] {
    return this.#file
      .all(
        'SELECT id FROM sources WHERE id IN (SELECT source_id FROM assignments WHERE runner_id = ?) ORDER BY name',
        runnerId,
      )
      .map(([id]) => String(id));
  }

  #refuseTaken(name: string): void {
    if (this.#file.all('SELECT 1 FROM sources WHERE name = ?', name).length > 0)
      throw nameTaken('source', name);
  }

  #note(by: Actor, action: AuditAction, { id, name }: SourceRecord, detail?: Record<string, unknown>): void {
    this.#audit.write(this.#now(), by, action, { type: 'source', id, name }, detail);
  }
}

function recordOf(row: SqliteValue[]): SourceRecord {
  const [id, name, bridge, location, createdAt, runners] = row;
  return {
    id: id as string,
    name: name as string,
    bridge: bridge as string,
    credentialsLocation: location as CredentialsLocation,
    runners: JSON.parse(runners as string) as string[],
    createdAt: Number(createdAt),
  };
}
