/** Records as the service API gives them. */

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
  bridge: string;
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
