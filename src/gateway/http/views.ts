/** Records as the API shows them: RFC 3339 times, and never a hash or a config. */
import type { ApiKeyRecord, AuditEntry, RunnerRecord, SourceRecord } from '../../store/store.ts';
import type { JobSummary } from '../job.ts';
import type { SessionView } from '../services.ts';

export type RunnerStatusName = 'online' | 'draining' | 'offline' | 'never connected' | 'revoked';

/** An instant in RFC 3339, UTC. */
export function rfc3339(instantMs: number): string {
  return new Date(instantMs).toISOString();
}

function orNull(instantMs: number | null | undefined): string | null {
  return instantMs === null || instantMs === undefined ? null : rfc3339(instantMs);
}

export interface RunnerLife {
  sessions: readonly SessionView[];
  /** Newer than the record, where there is one. */
  seen: { at: number; version: string | null } | undefined;
  now: number;
}

export function runnerView(record: RunnerRecord, life: RunnerLife): Record<string, unknown> {
  const { sessions, seen, now } = life;
  const newest = sessions.reduce<SessionView | undefined>(
    (best, one) => (best && best.connectedAt >= one.connectedAt ? best : one),
    undefined,
  );
  const lastSeenAt = Math.max(
    record.lastSeenAt ?? 0,
    seen?.at ?? 0,
    ...sessions.map(one => one.lastHeartbeatAt),
  );
  const previous = record.previousToken && record.previousToken.expiresAt > now ? record.previousToken : null;
  return {
    id: record.id,
    name: record.name,
    type: record.type,
    status: statusName(record, sessions, lastSeenAt > 0),
    sources: record.sources,
    sessions: sessions.map(sessionView),
    version: newest?.version ?? seen?.version ?? record.lastVersion,
    fingerprint: record.token?.fingerprint ?? null,
    previousFingerprint: previous?.fingerprint ?? null,
    previousExpiresAt: orNull(previous?.expiresAt),
    createdAt: rfc3339(record.createdAt),
    lastSeenAt: lastSeenAt > 0 ? rfc3339(lastSeenAt) : null,
    rotatedAt: orNull(record.rotatedAt),
    revokedAt: orNull(record.revokedAt),
  };
}

function statusName(
  record: RunnerRecord,
  sessions: readonly SessionView[],
  everSeen: boolean,
): RunnerStatusName {
  if (record.revokedAt !== null) return 'revoked';
  if (sessions.some(session => !session.draining)) return 'online';
  if (sessions.length > 0) return 'draining';
  return everSeen ? 'offline' : 'never connected';
}

function sessionView(session: SessionView): Record<string, unknown> {
  return {
    id: session.id,
    instance: session.instance,
    version: session.version,
    remoteAddress: session.remoteAddress,
    connectedAt: rfc3339(session.connectedAt),
    lastHeartbeatAt: rfc3339(session.lastHeartbeatAt),
    activeJobs: session.activeJobs,
    fingerprint: session.fingerprint,
  };
}

export function sourceView(record: SourceRecord): Record<string, unknown> {
  const { id, name, bridge, credentialsLocation, runners, createdAt } = record;
  return { id, name, bridge, credentialsLocation, runners, createdAt: rfc3339(createdAt) };
}

export function keyView(record: ApiKeyRecord): Record<string, unknown> {
  const { id, name, role, fingerprint, createdAt, revokedAt } = record;
  return { id, name, role, fingerprint, createdAt: rfc3339(createdAt), revokedAt: orNull(revokedAt) };
}

export function jobView(summary: JobSummary): Record<string, unknown> {
  const { createdAt, startedAt, endedAt } = summary;
  return {
    ...summary,
    createdAt: rfc3339(createdAt),
    startedAt: orNull(startedAt),
    endedAt: orNull(endedAt),
  };
}

export function auditView(entry: AuditEntry): Record<string, unknown> {
  return { ...entry, at: rfc3339(entry.at) };
}
