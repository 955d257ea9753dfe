/** Every frame of the wire protocol, version 1 and its negotiated additions, as one union per direction. */
import type { AcceptedFeatures, OfferedFeatures } from './features.ts';

/** A JSON-representable result row. */
export type JobRow = Record<string, unknown>;

/** One bucket of an `aggregate` job. */
export interface AggregateRow {
  dims: Record<string, unknown>;
  measures: Record<string, unknown>;
  count: number;
  sketches?: Record<string, unknown>;
}

export const JOB_KINDS = [
  'query',
  'read',
  'batchRead',
  'count',
  'listTargets',
  'introspectTarget',
  'search',
  'similar',
  'test',
  'aggregate',
] as const;

export type JobKind = (typeof JOB_KINDS)[number];

export type CredentialsLocation = 'managed' | 'runner-local';

/** A source the runner may be asked about. */
export interface AssignedSource {
  id: string;
  name: string;
  /** Package name of the bridge, e.g. `@semilayer/bridge-sqlite`. */
  bridge: string;
  credentialsLocation: CredentialsLocation;
  /** Decrypted bridge config; present only when `credentialsLocation` is `managed`. */
  config?: Record<string, unknown>;
}

// From the runner.

export interface ClientHello {
  type: 'hello';
  version: number;
  /** UUID or name. */
  runnerId: string;
  /** Bridge packages loaded locally; empty means unknown: every kind of source. */
  capabilities: string[];
  runtimeVersion?: string;
  /** Lowest protocol version the runner still speaks; absent means 1. */
  minVersion?: number;
  /** Which process of the runner this is (`host:pid`), for people who look at sessions. */
  instance?: string;
  features?: OfferedFeatures;
}

export interface ClientHeartbeat {
  type: 'heartbeat';
  stats?: { activeJobs: number; memoryMb?: number };
}

export interface ClientChunk {
  id: string;
  type: 'chunk';
  rows: JobRow[];
  /** Buckets; only for `aggregate`, with `rows` empty. */
  agg?: AggregateRow[];
  /** Row count; only for `count`, with `rows` empty. */
  total?: number;
  /** Only for `count`: the bridge could not count exactly. */
  approximate?: boolean;
}

/** `count` is the number of rows sent; a page's `nextCursor` and `total` ride along where there are any. */
export interface DoneMeta {
  count: number;
  durationMs: number;
  nextCursor?: string;
  total?: number;
}

export interface ClientDone {
  id: string;
  type: 'done';
  meta?: DoneMeta;
}

export interface ClientError {
  id: string;
  type: 'error';
  code: string;
  message: string;
}

/** Feature `drain`: the runner takes no new job and leaves when its jobs have ended. */
export interface ClientDrain {
  type: 'drain';
}

/** Feature `attempts`: the job is taken. Rows or an ending of it say the same. */
export interface ClientAccept {
  id: string;
  type: 'accept';
}

/** Feature `attempts`: the job was not begun and goes back. */
export interface ClientReject {
  id: string;
  type: 'reject';
  reason: RejectReason;
}

/** `busy`: no room for a job of this source now; `draining`: no room for any, ever again. */
export type RejectReason = 'busy' | 'draining';

export type ClientFrame =
  | ClientHello
  | ClientHeartbeat
  | ClientChunk
  | ClientDone
  | ClientError
  | ClientDrain
  | ClientAccept
  | ClientReject;

// From the gateway.

export interface ServerHelloAck {
  type: 'hello-ack';
  serverVersion: number;
  assignedSources: AssignedSource[];
  features?: AcceptedFeatures;
}

export interface ServerAssignmentsChanged {
  type: 'assignments-changed';
  assignedSources: AssignedSource[];
}

export interface JobInstruction {
  kind: JobKind;
  /** Table, view or collection; empty for `listTargets` and `test`. */
  target: string;
  options: Record<string, unknown>;
}

export interface ServerJob {
  id: string;
  type: 'job';
  params: { source: AssignedSource; job: JobInstruction };
  /** Milliseconds from receipt after which the gateway considers the job dead. */
  deadlineMs: number;
  /** Feature `caller`: who asked. */
  caller?: JobCaller;
  /** Feature `attempts`: 1 for a job that no other session had before. */
  attempt?: number;
}

/** Who asked, as the gateway has it: for logs, traces and ledgers, never for a decision. */
export interface JobCaller {
  /** Name of the API key. */
  name: string;
  /** Of the request, as the caller knows it. */
  requestId: string;
  /** Trace context of the caller, in the form of W3C. */
  traceparent?: string;
}

export interface ServerCancel {
  id: string;
  type: 'cancel';
}

export interface ServerPing {
  type: 'ping';
}

/** Feature `credit`: the runner may send that many further bytes of chunk frames for this job. */
export interface ServerCredit {
  id: string;
  type: 'credit';
  bytes: number;
}

/** Feature `drain`: the gateway leaves. The runner opens another connection before it ends this one. */
export interface ServerDrain {
  type: 'drain';
}

/** Feature `endings`: that many `done` and `error` frames of this connection have arrived. Sent to a leaving runner. */
export interface ServerEnded {
  type: 'ended';
  count: number;
}

export type ServerFrame =
  | ServerHelloAck
  | ServerAssignmentsChanged
  | ServerJob
  | ServerCancel
  | ServerPing
  | ServerCredit
  | ServerDrain
  | ServerEnded;
