/** Records as the service API gives them, whichever version of it answers. */
import { AppError } from '../errors.ts';

export interface SessionRecord {
  id: string;
  instance: string | null;
  version: string | null;
  remoteAddress: string;
  connectedAt: string;
  lastHeartbeatAt: string;
  activeJobs: number;
  fingerprint: string;
}

export interface RunnerRecord {
  id: string;
  name: string;
  type: string;
  status: string;
  sources: string[];
  sessions: SessionRecord[];
  version?: string | null;
  fingerprint: string | null;
  previousFingerprint: string | null;
  previousExpiresAt: string | null;
  createdAt: string;
  lastSeenAt: string | null;
  rotatedAt: string | null;
}

export interface SourceRecord {
  id: string;
  name: string;
  /** null of a service that does not say. */
  bridge: string | null;
  credentialsLocation: string;
  runners: string[];
  createdAt: string;
}

export interface KeyRecord {
  id: string;
  name: string;
  role: string;
  fingerprint: string;
  createdAt: string;
  revokedAt: string | null;
}

export interface TargetColumn {
  name: string;
  type: string;
  nullable: boolean;
  primaryKey: boolean;
}

type Kind = 'text' | 'number' | 'texts' | 'boolean' | ((value: unknown, what: string) => unknown);

const SESSION: Record<keyof SessionRecord, Kind> = {
  id: 'text',
  instance: 'text',
  version: 'text',
  remoteAddress: 'text',
  connectedAt: 'text',
  lastHeartbeatAt: 'text',
  activeJobs: 'number',
  fingerprint: 'text',
};
const RUNNER: Record<keyof Omit<RunnerRecord, 'version'>, Kind> = {
  id: 'text',
  name: 'text',
  type: 'text',
  status: 'text',
  sources: 'texts',
  sessions: (value, what) => listOf(value, what, (one, each) => read<SessionRecord>(one, each, SESSION)),
  fingerprint: 'text',
  previousFingerprint: 'text',
  previousExpiresAt: 'text',
  createdAt: 'text',
  lastSeenAt: 'text',
  rotatedAt: 'text',
};
const SOURCE: Record<keyof SourceRecord, Kind> = {
  id: 'text',
  name: 'text',
  bridge: 'text',
  credentialsLocation: 'text',
  runners: 'texts',
  createdAt: 'text',
};
const COLUMN: Record<keyof TargetColumn, Kind> = {
  name: 'text',
  type: 'text',
  nullable: 'boolean',
  primaryKey: 'boolean',
};
const KEY: Record<keyof KeyRecord, Kind> = {
  id: 'text',
  name: 'text',
  role: 'text',
  fingerprint: 'text',
  createdAt: 'text',
  revokedAt: 'text',
};

/**
 * A runner out of an answer: keys that a service of another version has not are null or empty, those that this one
 * does not know stay.
 *
 * @throws AppError `unexpected_answer` when it is not one.
 */
export function runnerOf(answer: unknown): RunnerRecord {
  return read(answer, 'a runner', RUNNER);
}

/** @throws AppError `unexpected_answer`. */
export function sourceOf(answer: unknown): SourceRecord {
  return read(answer, 'a source', SOURCE);
}

/** @throws AppError `unexpected_answer`. */
export function keyOf(answer: unknown): KeyRecord {
  return read(answer, 'a key', KEY);
}

/** The tables of a source. @throws AppError `unexpected_answer`. */
export function targetsOf(answer: unknown): { name: string }[] {
  const { items } = read<{ items: { name: string }[] }>(answer, 'a list of tables', {
    items: (value, what) => listOf(value, what, (one, each) => read(one, each, { name: 'text' })),
  });
  return items;
}

/** A table and its columns. @throws AppError `unexpected_answer`. */
export function tableOf(answer: unknown): { columns: TargetColumn[] } {
  return read(answer, 'a table', {
    columns: (value, what) => listOf(value, what, (one, each) => read(one, each, COLUMN)),
  });
}

function read<T>(answer: unknown, what: string, shape: Record<string, Kind>): T {
  if (typeof answer !== 'object' || answer === null || Array.isArray(answer)) throw unexpected(what);
  const record: Record<string, unknown> = { ...answer };
  for (const [key, kind] of Object.entries(shape))
    record[key] = fieldOf(record[key], kind, `${key} of ${what}`);
  return record as T;
}

function fieldOf(value: unknown, kind: Kind, what: string): unknown {
  if (typeof kind === 'function') return kind(value, what);
  if (kind === 'texts') return listOf(value, what, (one, each) => fieldOf(one, 'text', each));
  if (value === undefined || value === null) return null;
  if (typeof value !== (kind === 'text' ? 'string' : kind)) throw unexpected(what);
  return value;
}

function listOf(value: unknown, what: string, read: (one: unknown, what: string) => unknown): unknown[] {
  if (value === undefined || value === null) return [];
  if (!Array.isArray(value)) throw unexpected(what);
  return value.map(one => read(one, what));
}

function unexpected(what: string): AppError {
  return new AppError('unexpected_answer', {
    message: `the service's answer is not what this version knows: ${what}`,
    hint: 'is it a SemiLayer service? semilayer whoami shows its version; upgrade the older of the two',
  });
}
