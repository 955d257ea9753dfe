/** The schema of the store, as the steps that led to it. A step that has been released is never changed. */

/** Step n brings a store from version n to n + 1. */
export const MIGRATIONS: readonly string[] = [
  `
  CREATE TABLE runners (
    id TEXT PRIMARY KEY,
    name TEXT NOT NULL UNIQUE,
    type TEXT NOT NULL,
    token_hash TEXT,
    token_fingerprint TEXT,
    previous_hash TEXT,
    previous_fingerprint TEXT,
    previous_expires_at INTEGER,
    created_at INTEGER NOT NULL,
    rotated_at INTEGER,
    revoked_at INTEGER,
    last_seen_at INTEGER,
    last_version TEXT
  ) STRICT;
  CREATE UNIQUE INDEX runners_by_token ON runners (token_hash) WHERE token_hash IS NOT NULL;
  CREATE INDEX runners_by_previous ON runners (previous_hash) WHERE previous_hash IS NOT NULL;

  CREATE TABLE sources (
    id TEXT PRIMARY KEY,
    name TEXT NOT NULL UNIQUE,
    bridge TEXT NOT NULL,
    credentials_location TEXT NOT NULL,
    config BLOB,
    created_at INTEGER NOT NULL
  ) STRICT;

  CREATE TABLE assignments (
    runner_id TEXT NOT NULL REFERENCES runners (id) ON DELETE CASCADE,
    source_id TEXT NOT NULL REFERENCES sources (id) ON DELETE CASCADE,
    PRIMARY KEY (runner_id, source_id)
  ) STRICT, WITHOUT ROWID;
  CREATE INDEX assignments_by_source ON assignments (source_id);

  CREATE TABLE keys (
    id TEXT PRIMARY KEY,
    name TEXT NOT NULL,
    role TEXT NOT NULL,
    hash TEXT NOT NULL UNIQUE,
    fingerprint TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    revoked_at INTEGER
  ) STRICT;
  CREATE UNIQUE INDEX keys_by_name ON keys (name) WHERE revoked_at IS NULL;

  CREATE TABLE audit (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    at INTEGER NOT NULL,
    actor_key_id TEXT,
    actor_name TEXT NOT NULL,
    action TEXT NOT NULL,
    subject_type TEXT NOT NULL,
    subject_id TEXT NOT NULL,
    subject_name TEXT NOT NULL,
    detail TEXT NOT NULL
  ) STRICT;
  `,
];
