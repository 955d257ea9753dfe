/** Records as the service API answers them; keys that the page does not use are left away. */

export type RunnerStatus = 'online' | 'draining' | 'offline' | 'never connected' | 'revoked';

export interface RunnerSession {
  id: string;
  instance: string | null;
  version: string | null;
  remoteAddress: string;
  connectedAt: string;
  lastHeartbeatAt: string;
  fingerprint: string;
}

export interface Runner {
  id: string;
  name: string;
  type: 'customer' | 'saas';
  status: RunnerStatus;
  sources: string[];
  sessions: RunnerSession[];
  version: string | null;
  fingerprint: string | null;
  previousFingerprint: string | null;
  previousExpiresAt: string | null;
  createdAt: string;
  lastSeenAt: string | null;
  rotatedAt: string | null;
  revokedAt: string | null;
}

export type RunnerWithToken = Runner & { token: string };

export interface Source {
  id: string;
  name: string;
  bridge: string;
  credentialsLocation: 'managed' | 'runner-local';
  runners: string[];
  createdAt: string;
}

export type JobState = 'queued' | 'running' | 'succeeded' | 'failed' | 'cancelled';

export interface Job {
  id: string;
  source: string;
  kind: string;
  target: string;
  state: JobState;
  runnerId: string | null;
  rows: number;
  attempts: number;
  error: Failure | null;
  createdAt: string;
  startedAt: string | null;
  endedAt: string | null;
}

export interface Failure {
  code: string;
  message: string;
}

export interface AuditEntry {
  id: number;
  at: string;
  actor: { keyId: string | null; name: string };
  action: string;
  subject: { type: string; id: string; name: string };
  detail: Record<string, unknown>;
}

export interface BridgeField {
  key: string;
  label: string;
  type: string;
  required?: boolean;
  placeholder?: string;
}

export interface Bridge {
  packageName: string;
  displayName: string;
  supportsUrl: boolean;
  urlPlaceholder: string | null;
  fields: BridgeField[];
}

export interface Column {
  name: string;
  type: string;
  nullable: boolean;
  primaryKey: boolean;
}

export interface TargetSchema {
  name: string;
  columns: Column[];
  rowCount?: number;
}

export interface Hop {
  name: 'gateway' | 'runner' | 'connect' | 'query';
  ok: boolean;
  durationMs: number | null;
}

export interface RunnerTest {
  runnerId: string;
  runner: string;
  sessionId: string;
  instance: string | null;
  ok: boolean;
  hops: Hop[];
  error: Failure | null;
}

export interface SourceTest {
  ok: boolean;
  runners: RunnerTest[];
}

export interface Identity {
  name: string;
  role: 'admin' | 'operator' | 'read-only' | 'query-only';
  gatewayUrl: string;
  version: string;
}

export type Row = Record<string, unknown>;

export interface Page<T> {
  items: T[];
  nextCursor: string | null;
}
