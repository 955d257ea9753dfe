/** The audit log in SQLite: written in the transaction of the change it tells of. */
import type { SqliteValue } from '../platform/sqlite.ts';
import type { SqliteFile } from './sqlite-file.ts';
import { likePart } from './sqlite-names.ts';
import type { Actor, AuditAction, AuditEntry, PageRequest } from './store.ts';

export class AuditTable {
  readonly #file: SqliteFile;

  constructor(file: SqliteFile) {
    this.#file = file;
  }

  /** `detail` never holds a token, a URL or a config. */
  write(
    at: number,
    by: Actor,
    action: AuditAction,
    subject: AuditEntry['subject'],
    detail: Record<string, unknown> = {},
  ): void {
    this.#file.run(
      `INSERT INTO audit (at, actor_key_id, actor_name, action, subject_type, subject_id, subject_name, detail)
       VALUES (?, ?, ?, ?, ?, ?, ?, ?)`,
      at,
      by.keyId,
      by.name,
      action,
      subject.type,
      subject.id,
      subject.name,
      JSON.stringify(detail),
    );
  }

  list(page: PageRequest): AuditEntry[] {
    const before = page.after === undefined ? Number.MAX_SAFE_INTEGER : Number(page.after);
    if (!Number.isSafeInteger(before)) return [];
    return this.#file
      .all(
        `SELECT id, at, actor_key_id, actor_name, action, subject_type, subject_id, subject_name, detail
         FROM audit WHERE id < ? AND subject_name LIKE ? ESCAPE '\\' ORDER BY id DESC LIMIT ?`,
        before,
        likePart(page.q),
        page.limit,
      )
      .map(entryOf);
  }
}

function entryOf(row: SqliteValue[]): AuditEntry {
  const [id, at, keyId, name, action, type, subjectId, subjectName, detail] = row;
  return {
    id: Number(id),
    at: Number(at),
    actor: { keyId: keyId as string | null, name: name as string },
    action: action as string,
    subject: {
      type: type as AuditEntry['subject']['type'],
      id: subjectId as string,
      name: subjectName as string,
    },
    detail: JSON.parse(detail as string) as Record<string, unknown>,
  };
}
