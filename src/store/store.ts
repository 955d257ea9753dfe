/** The Store port: the durable records of a gateway, narrow enough that another database can stand behind it. */

export type DeploymentType = 'customer' | 'saas';
export type CredentialsLocation = 'managed' | 'runner-local';
export const ROLES = ['admin', 'operator', 'read-only', 'query-only'] as const;
export type Role = (typeof ROLES)[number];

/** A secret as it is stored: never the secret itself. */
export interface StoredSecret {
  /** SHA-256, lower-case hex. */
  hash: string;
  /** `rk_…AbCd:1a2b3c4d`. */
  fingerprint: string;
}

/** Instants are milliseconds since the epoch throughout the store. */
export interface RunnerRecord {
  id: string;
  name: string;
  type: DeploymentType;
  /** The token that new sessions should use; null once revoked. */
  token: StoredSecret | null;
  /** The token before it, valid until `expiresAt` (exclusive), after a rotation with overlap. */
  previousToken: (StoredSecret & { expiresAt: number }) | null;
  /** Names of the assigned sources, sorted. */
  sources: string[];
  createdAt: number;
  rotatedAt: number | null;
  revokedAt: number | null;
  lastSeenAt: number | null;
  /** Runtime version of the last session seen. */
  lastVersion: string | null;
}

export interface SourceRecord {
  id: string;
  name: string;
  bridge: string;
  credentialsLocation: CredentialsLocation;
  /** Names of the runners assigned to it, sorted. */
  runners: string[];
  createdAt: number;
}

export interface ApiKeyRecord {
  id: string;
  name: string;
  role: Role;
  fingerprint: string;
  createdAt: number;
  revokedAt: number | null;
}

/** Who did it, for the audit log. */
export interface Actor {
  /** Key id, or null for the gateway itself. */
  keyId: string | null;
  name: string;
}

/** A runner as a connection needs it: each of ten thousand that come at once asks for this, and for no more. */
export interface TokenHolder {
  id: string;
  name: string;
  /** The current token and, while a rotation overlaps, the one before. */
  tokens: StoredSecret[];
}

/** What the audit log may say was done; entries of other versions may say more. */
export const AUDIT_ACTIONS = [
  'key.create',
  'key.revoke',
  'runner.create',
  'runner.rename',
  'runner.rotate',
  'runner.revoke',
  'runner.delete',
  'runner.sources',
  'source.create',
  'source.update',
  'source.remove',
] as const;

export type AuditAction = (typeof AUDIT_ACTIONS)[number];

export interface AuditEntry {
  id: number;
  at: number;
  actor: Actor;
  /** `runner.create`, `runner.rotate`, `source.remove`, `key.create` … */
  action: string;
  subject: { type: 'runner' | 'source' | 'key'; id: string; name: string };
  detail: Record<string, unknown>;
}

export interface PageRequest {
  /** 1 to 1,000. */
  limit: number;
  /** Where the page before ended: its last item's name (runners, sources), `name/id` (keys) or id (audit). */
  after?: string | undefined;
  /** Case-insensitive part of the name. */
  q?: string | undefined;
}

/**
 * Every change is durable, and its audit entry with it, before the promise resolves.
 * Records are found by id (any letter case) first, then by name.
 *
 * @throws AppError `not_found` for an unknown record, `conflict` for a name that is taken.
 */
export interface Store {
  createRunner(
    input: { id: string; name: string; type: DeploymentType; token: StoredSecret },
    by: Actor,
  ): Promise<RunnerRecord>;
  /** By name, ascending. */
  listRunners(page: PageRequest): Promise<RunnerRecord[]>;
  findRunner(idOrName: string): Promise<RunnerRecord>;
  /** The runner one of whose currently valid tokens has this hash; undefined otherwise. Expired and revoked ones do not count. */
  findTokenHolder(hash: string): Promise<TokenHolder | undefined>;
  renameRunner(idOrName: string, name: string, by: Actor): Promise<RunnerRecord>;
  /** With `overlapMs` the old token stays valid that long; at most two are ever valid. `conflict` on a revoked runner. */
  rotateRunner(idOrName: string, token: StoredSecret, overlapMs: number, by: Actor): Promise<RunnerRecord>;
  /** Idempotent; ends both tokens. */
  revokeRunner(idOrName: string, by: Actor): Promise<RunnerRecord>;
  deleteRunner(idOrName: string, by: Actor): Promise<RunnerRecord>;
  /** All or nothing: an unknown source changes nothing. */
  changeAssignments(
    runner: string,
    change: 'replace' | 'add' | 'remove',
    sources: string[],
    by: Actor,
  ): Promise<RunnerRecord>;
  /** A batch of sightings; older ones than those stored are ignored, unknown runners too. */
  recordSeen(seen: { runnerId: string; at: number; version: string | null }[]): Promise<void>;

  createSource(
    input: {
      id: string;
      name: string;
      bridge: string;
      credentialsLocation: CredentialsLocation;
      config: Record<string, unknown> | null;
    },
    by: Actor,
  ): Promise<SourceRecord>;
  listSources(page: PageRequest): Promise<SourceRecord[]>;
  findSource(idOrName: string): Promise<SourceRecord>;
  /** The decrypted config; null for a runner-local source. */
  sourceConfig(id: string): Promise<Record<string, unknown> | null>;
  /** A change to `runner-local` wipes the stored config. */
  updateSource(
    idOrName: string,
    change: {
      name?: string | undefined;
      bridge?: string | undefined;
      credentialsLocation?: CredentialsLocation | undefined;
      config?: Record<string, unknown> | undefined;
    },
    by: Actor,
  ): Promise<SourceRecord>;
  /** `conflict` for an assigned source unless `force`. */
  deleteSource(idOrName: string, force: boolean, by: Actor): Promise<SourceRecord>;
  /** Ids of the runners assigned to a source, and the other way round, in the order of the sources' names. */
  runnerIdsOf(sourceId: string): Promise<string[]>;
  sourceIdsOf(runnerId: string): Promise<string[]>;

  createKey(
    input: { id: string; name: string; role: Role; hash: string; fingerprint: string },
    by: Actor,
  ): Promise<ApiKeyRecord>;
  /** By name; revoked ones included. */
  listKeys(page: PageRequest): Promise<ApiKeyRecord[]>;
  /** The key with this hash, unless revoked. */
  findKeyByHash(hash: string): Promise<ApiKeyRecord | undefined>;
  /** By id or name. `conflict` when it is the last admin key. */
  revokeKey(idOrName: string, by: Actor, options?: { allowLastAdmin?: boolean }): Promise<ApiKeyRecord>;
  countKeys(): Promise<number>;

  /** Newest first. */
  listAudit(page: PageRequest): Promise<AuditEntry[]>;

  /** Resolves when the store answers, rejects with `service_unavailable` when it cannot. */
  ping(): Promise<void>;
  /** Writes a consistent copy to `file`, which must not exist. */
  backup(file: string): Promise<void>;
  close(): Promise<void>;
}
