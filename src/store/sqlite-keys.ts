/** API keys in SQLite. */
import { AppError } from '../errors.ts';
import type { SqliteValue } from '../platform/sqlite.ts';
import type { AuditTable } from './sqlite-audit.ts';
import type { SqliteFile } from './sqlite-file.ts';
import { likePart, nameTaken, notFound, timeOrNull } from './sqlite-names.ts';
import type { Actor, ApiKeyRecord, AuditAction, PageRequest, Role, Store } from './store.ts';

const COLUMNS = 'id, name, role, fingerprint, created_at, revoked_at';

export class KeyTable {
  readonly #file: SqliteFile;
  readonly #audit: AuditTable;
  readonly #now: () => number;

  constructor(file: SqliteFile, audit: AuditTable, now: () => number) {
    this.#file = file;
    this.#audit = audit;
    this.#now = now;
  }

  create(input: Parameters<Store['createKey']>[0], by: Actor): ApiKeyRecord {
    return this.#file.transaction(() => {
      // The name of a revoked key is free: only its history still bears it.
      const taken = this.#file.all('SELECT 1 FROM keys WHERE name = ? AND revoked_at IS NULL', input.name);
      if (taken.length > 0) throw nameTaken('key', input.name);
      this.#file.run(
        'INSERT INTO keys (id, name, role, hash, fingerprint, created_at) VALUES (?, ?, ?, ?, ?, ?)',
        input.id,
        input.name,
        input.role,
        input.hash,
        input.fingerprint,
        this.#now(),
      );
      const record = this.#find(input.id);
      this.#note(by, 'key.create', record, { role: input.role, fingerprint: input.fingerprint });
      return record;
    });
  }

  list(page: PageRequest): ApiKeyRecord[] {
    const [name = '', id = ''] = (page.after ?? '').split('/');
    return this.#file
      .all(
        `SELECT ${COLUMNS} FROM keys WHERE (name, id) > (?, ?) AND name LIKE ? ESCAPE '\\' ORDER BY name, id LIMIT ?`,
        name,
        id,
        likePart(page.q),
        page.limit,
      )
      .map(recordOf);
  }

  findByHash(hash: string): ApiKeyRecord | undefined {
    const [row] = this.#file.all(`SELECT ${COLUMNS} FROM keys WHERE hash = ? AND revoked_at IS NULL`, hash);
    return row && recordOf(row);
  }

  revoke(idOrName: string, by: Actor, allowLastAdmin: boolean): ApiKeyRecord {
    return this.#file.transaction(() => {
      const before = this.#find(idOrName);
      if (before.revokedAt !== null) return before;
      const admins = this.#file.all(
        "SELECT 1 FROM keys WHERE role = 'admin' AND revoked_at IS NULL LIMIT 2",
      ).length;
      if (before.role === 'admin' && admins === 1 && !allowLastAdmin) {
        throw new AppError('conflict', {
          message: `"${before.name}" is the last admin key: without it nobody could make another`,
          hint: 'create another first: semilayer keys create <name> --role admin',
        });
      }
      this.#file.run('UPDATE keys SET revoked_at = ? WHERE id = ?', this.#now(), before.id);
      const record = this.#find(before.id);
      this.#note(by, 'key.revoke', record, { fingerprint: record.fingerprint });
      return record;
    });
  }

  count(): number {
    return Number(this.#file.all('SELECT count(*) FROM keys')[0]?.[0] ?? 0);
  }

  /** By name, the key in use before any revoked one. */
  #find(idOrName: string): ApiKeyRecord {
    const [row] = this.#file.all(
      `SELECT ${COLUMNS} FROM keys WHERE id = ? OR name = ?
       ORDER BY id = ? DESC, revoked_at IS NULL DESC, created_at DESC LIMIT 1`,
      idOrName.toLowerCase(),
      idOrName,
      idOrName.toLowerCase(),
    );
    if (!row) throw notFound('key', idOrName);
    return recordOf(row);
  }

  #note(by: Actor, action: AuditAction, { id, name }: ApiKeyRecord, detail: Record<string, unknown>): void {
    this.#audit.write(this.#now(), by, action, { type: 'key', id, name }, detail);
  }
}

function recordOf(row: SqliteValue[]): ApiKeyRecord {
  const [id, name, role, fingerprint, createdAt, revokedAt] = row;
  return {
    id: id as string,
    name: name as string,
    role: role as Role,
    fingerprint: fingerprint as string,
    createdAt: Number(createdAt),
    revokedAt: timeOrNull(revokedAt),
  };
}
