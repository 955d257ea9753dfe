/** Runners and their assignments in SQLite. */
import { AppError } from '../errors.ts';
import type { SqliteValue } from '../platform/sqlite.ts';
import type { AuditTable } from './sqlite-audit.ts';
import type { SqliteFile } from './sqlite-file.ts';
import { likePart, nameTaken, notFound, timeOrNull } from './sqlite-names.ts';
import type {
  Actor,
  AuditAction,
  DeploymentType,
  PageRequest,
  RunnerRecord,
  StoredSecret,
  TokenHolder,
} from './store.ts';

const COLUMNS = `id, name, type, token_hash, token_fingerprint, previous_hash, previous_fingerprint,
  previous_expires_at, created_at, rotated_at, revoked_at, last_seen_at, last_version,
  (SELECT json_group_array(source) FROM (SELECT sources.name AS source FROM assignments
   JOIN sources ON sources.id = source_id WHERE runner_id = runners.id ORDER BY sources.name))`;

export class RunnerTable {
  readonly #file: SqliteFile;
  readonly #audit: AuditTable;
  readonly #now: () => number;

  constructor(file: SqliteFile, audit: AuditTable, now: () => number) {
    this.#file = file;
    this.#audit = audit;
    this.#now = now;
  }

  create(
    input: { id: string; name: string; type: DeploymentType; token: StoredSecret },
    by: Actor,
  ): RunnerRecord {
    return this.#file.transaction(() => {
      this.#refuseTaken(input.name);
      this.#file.run(
        'INSERT INTO runners (id, name, type, token_hash, token_fingerprint, created_at) VALUES (?, ?, ?, ?, ?, ?)',
        input.id,
        input.name,
        input.type,
        input.token.hash,
        input.token.fingerprint,
        this.#now(),
      );
      const record = this.find(input.id);
      this.#note(by, 'runner.create', record, { type: input.type, fingerprint: input.token.fingerprint });
      return record;
    });
  }

  list(page: PageRequest): RunnerRecord[] {
    return this.#file
      .all(
        `SELECT ${COLUMNS} FROM runners WHERE name > ? AND name LIKE ? ESCAPE '\\' ORDER BY name LIMIT ?`,
        page.after ?? '',
        likePart(page.q),
        page.limit,
      )
      .map(recordOf);
  }

  find(idOrName: string): RunnerRecord {
    const [row] = this.#file.all(
      `SELECT ${COLUMNS} FROM runners WHERE id = ? OR name = ? ORDER BY id = ? DESC LIMIT 1`,
      idOrName.toLowerCase(),
      idOrName,
      idOrName.toLowerCase(),
    );
    if (!row) throw notFound('runner', idOrName);
    return recordOf(row);
  }

  findTokenHolder(tokenHash: string): TokenHolder | undefined {
    const [row] = this.#file.all(
      `SELECT id, name, token_hash, token_fingerprint, previous_hash, previous_fingerprint FROM runners
       WHERE revoked_at IS NULL AND (token_hash = ? OR (previous_hash = ? AND previous_expires_at > ?)) LIMIT 1`,
      tokenHash,
      tokenHash,
      this.#now(),
    );
    if (!row) return undefined;
    const [id, name, hash, fingerprint, oldHash, oldFingerprint] = row;
    const tokens = [
      { hash, fingerprint },
      { hash: oldHash, fingerprint: oldFingerprint },
    ].filter((token): token is StoredSecret => typeof token.hash === 'string');
    return { id: id as string, name: name as string, tokens };
  }

  rename(idOrName: string, name: string, by: Actor): RunnerRecord {
    return this.#file.transaction(() => {
      const before = this.find(idOrName);
      if (before.name === name) return before;
      this.#refuseTaken(name);
      this.#file.run('UPDATE runners SET name = ? WHERE id = ?', name, before.id);
      const record = this.find(before.id);
      this.#note(by, 'runner.rename', record, { from: before.name });
      return record;
    });
  }

  rotate(idOrName: string, token: StoredSecret, overlapMs: number, by: Actor): RunnerRecord {
    return this.#file.transaction(() => {
      const before = this.find(idOrName);
      if (before.revokedAt !== null || !before.token) {
        throw new AppError('conflict', {
          message: `runner "${before.name}" is revoked, and a revoked runner gets no new token`,
          hint: 'delete it and create another: semilayer runners delete, semilayer runners create',
        });
      }
      const now = this.#now();
      const previous = overlapMs > 0 ? before.token : null;
      this.#file.run(
        `UPDATE runners SET token_hash = ?, token_fingerprint = ?, previous_hash = ?, previous_fingerprint = ?,
         previous_expires_at = ?, rotated_at = ? WHERE id = ?`,
        token.hash,
        token.fingerprint,
        previous?.hash,
        previous?.fingerprint,
        previous ? now + overlapMs : null,
        now,
        before.id,
      );
      const record = this.find(before.id);
      const { fingerprint } = token;
      this.#note(by, 'runner.rotate', record, { from: before.token.fingerprint, fingerprint, overlapMs });
      return record;
    });
  }

  revoke(idOrName: string, by: Actor): RunnerRecord {
    return this.#file.transaction(() => {
      const before = this.find(idOrName);
      if (before.revokedAt !== null) return before;
      this.#file.run(
        `UPDATE runners SET token_hash = NULL, token_fingerprint = NULL, previous_hash = NULL,
         previous_fingerprint = NULL, previous_expires_at = NULL, revoked_at = ? WHERE id = ?`,
        this.#now(),
        before.id,
      );
      const record = this.find(before.id);
      this.#note(by, 'runner.revoke', record);
      return record;
    });
  }

  delete(idOrName: string, by: Actor): RunnerRecord {
    return this.#file.transaction(() => {
      const record = this.find(idOrName);
      this.#file.run('DELETE FROM runners WHERE id = ?', record.id);
      this.#note(by, 'runner.delete', record);
      return record;
    });
  }

  changeAssignments(
    runner: string,
    change: 'replace' | 'add' | 'remove',
    sources: readonly { id: string; name: string }[],
    by: Actor,
  ): RunnerRecord {
    return this.#file.transaction(() => {
      const before = this.find(runner);
      if (change === 'replace') this.#file.run('DELETE FROM assignments WHERE runner_id = ?', before.id);
      for (const { id } of sources) {
        if (change === 'remove') {
          this.#file.run('DELETE FROM assignments WHERE runner_id = ? AND source_id = ?', before.id, id);
        } else {
          this.#file.run(
            'INSERT OR IGNORE INTO assignments (runner_id, source_id) VALUES (?, ?)',
            before.id,
            id,
          );
        }
      }
      const record = this.find(before.id);
      if (record.sources.join() !== before.sources.join()) {
        this.#note(by, 'runner.sources', record, { from: before.sources, to: record.sources });
      }
      return record;
    });
  }

  recordSeen(seen: readonly { runnerId: string; at: number; version: string | null }[]): void {
    this.#file.transaction(() => {
      for (const { runnerId, at, version } of seen) {
        this.#file.run(
          `UPDATE runners SET last_seen_at = ?, last_version = coalesce(?, last_version)
           WHERE id = ? AND (last_seen_at IS NULL OR last_seen_at < ?)`,
          at,
          version,
          runnerId,
          at,
        );
      }
    });
  }

  #refuseTaken(name: string): void {
    if (this.#file.all('SELECT 1 FROM runners WHERE name = ?', name).length > 0)
      throw nameTaken('runner', name);
  }

  #note(by: Actor, action: AuditAction, { id, name }: RunnerRecord, detail?: Record<string, unknown>): void {
    this.#audit.write(this.#now(), by, action, { type: 'runner', id, name }, detail);
  }
}

function recordOf(row: SqliteValue[]): RunnerRecord {
  const [id, name, type, hash, fingerprint, oldHash, oldFingerprint, oldExpiresAt] = row;
  const [createdAt, rotatedAt, revokedAt, lastSeenAt, lastVersion, sources] = row.slice(8);
  return {
    id: id as string,
    name: name as string,
    type: type as DeploymentType,
    token: hash === null ? null : { hash: hash as string, fingerprint: fingerprint as string },
    previousToken:
      oldHash === null
        ? null
        : { hash: oldHash as string, fingerprint: oldFingerprint as string, expiresAt: Number(oldExpiresAt) },
    sources: JSON.parse(sources as string) as string[],
    createdAt: Number(createdAt),
    rotatedAt: timeOrNull(rotatedAt),
    revokedAt: timeOrNull(revokedAt),
    lastSeenAt: timeOrNull(lastSeenAt),
    lastVersion: lastVersion as string | null,
  };
}
