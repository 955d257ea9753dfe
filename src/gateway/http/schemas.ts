/** JSON Schemas of what the service API takes and gives: the validator and the OpenAPI document both read them. */
import { MAX_JOB_DEADLINE_MS } from '../../protocol/limits.ts';
import { ROLES } from '../../store/store.ts';
import type { Schema } from './route.ts';

const string: Schema = { type: 'string' };
const time: Schema = { type: 'string', format: 'date-time' };
const count: Schema = { type: 'integer', minimum: 0 };

function nullable(schema: Schema): Schema {
  return { ...schema, type: [schema.type as string, 'null'] };
}

function list(items: Schema): Schema {
  return { type: 'array', items };
}

/** An answer: every key is always there, and newer gateways may add more. */
function answer(properties: Record<string, Schema>): Schema {
  return { type: 'object', required: Object.keys(properties), properties };
}

/** A body: a key we do not know is refused, because a mistyped `where` must not become "everything". */
export function body(properties: Record<string, Schema>, required: string[] = []): Schema {
  return { type: 'object', required, properties, additionalProperties: false };
}

export function ref(name: string): Schema {
  return { $ref: `#/components/schemas/${name}` };
}

export function pageOf(name: string): Schema {
  return answer({ items: list(ref(name)), nextCursor: nullable(string) });
}

/** The query string of a list; a status that its items cannot have is refused, as it would match nothing. */
export function listQuery(statuses: readonly string[], extra: Record<string, Schema> = {}): Schema {
  return {
    type: 'object',
    properties: {
      limit: {
        type: 'integer',
        minimum: 1,
        maximum: 1000,
        default: 100,
        description: 'Items of a page at most.',
      },
      cursor: { type: 'string', maxLength: 1024, description: '`nextCursor` of the page before.' },
      status: statusFilter(statuses),
      q: {
        type: 'string',
        maxLength: 256,
        description: 'Only items whose name has this in it, in any letter case.',
      },
      ...extra,
    },
  };
}

export function statusFilter(statuses: readonly string[]): Schema {
  return statuses.length === 0
    ? { not: {}, description: 'These items have no status.' }
    : { type: 'string', enum: [...statuses], description: 'Only items with this status.' };
}

export const RUNNER_STATUSES = ['online', 'draining', 'offline', 'never connected', 'revoked'] as const;
export const JOB_STATES = ['queued', 'running', 'succeeded', 'failed', 'cancelled'] as const;

export const NAME: Schema = {
  type: 'string',
  minLength: 1,
  maxLength: 10_000,
  description: 'Lower-case letters, digits and hyphens, 1 to 63; not in the form of a UUID.',
};

export const CONFIG: Schema = {
  type: 'object',
  description: 'Fields of the bridge, `url` for most. Encrypted at rest and never sent back.',
};

export const DEADLINE: Schema = {
  type: 'integer',
  minimum: 1,
  maximum: MAX_JOB_DEADLINE_MS,
  description: 'Milliseconds the whole job may take. Default 30,000.',
};

export const TARGET: Schema = {
  type: 'string',
  minLength: 1,
  maxLength: 1024,
  description: 'Table or view.',
};
export const WHERE: Schema = { type: 'object', description: 'Filter: see "Reading data".' };
export const FIELDS: Schema = { type: 'array', items: string, maxItems: 10_000 };
export const LIMIT: Schema = { type: 'integer', minimum: 0, maximum: Number.MAX_SAFE_INTEGER };
export const CURSOR: Schema = { type: 'string', maxLength: 65_536 };
export const ORDER_BY: Schema = {
  type: 'array',
  maxItems: 100,
  items: body({ field: string, dir: { type: 'string', enum: ['asc', 'desc'] } }, ['field']),
};

const session = answer({
  id: string,
  instance: nullable(string),
  version: nullable(string),
  remoteAddress: string,
  connectedAt: time,
  lastHeartbeatAt: time,
  activeJobs: count,
  fingerprint: string,
});

const runner: Record<string, Schema> = {
  id: string,
  name: string,
  type: { type: 'string', enum: ['customer', 'saas'] },
  status: { type: 'string', enum: [...RUNNER_STATUSES] },
  sources: list(string),
  sessions: list(session),
  version: nullable(string),
  fingerprint: nullable(string),
  previousFingerprint: nullable(string),
  previousExpiresAt: nullable(time),
  createdAt: time,
  lastSeenAt: nullable(time),
  rotatedAt: nullable(time),
  revokedAt: nullable(time),
};

const key: Record<string, Schema> = {
  id: string,
  name: string,
  role: { type: 'string', enum: [...ROLES] },
  fingerprint: string,
  createdAt: time,
  revokedAt: nullable(time),
};

const failure = answer({ code: string, message: string });

const meta: Schema = {
  type: 'object',
  required: ['count', 'durationMs', 'runnerId'],
  properties: {
    count,
    durationMs: { type: 'number' },
    runnerId: string,
    total: count,
    nextCursor: string,
  },
};

export const COMPONENTS: Record<string, Schema> = {
  Problem: {
    type: 'object',
    required: ['type', 'title', 'status', 'detail', 'code', 'hint', 'requestId'],
    properties: {
      type: string,
      title: string,
      status: { type: 'integer' },
      detail: string,
      code: string,
      hint: nullable(string),
      requestId: string,
    },
  },
  Runner: answer(runner),
  RunnerWithToken: answer({ ...runner, token: string }),
  Source: answer({
    id: string,
    name: string,
    bridge: string,
    credentialsLocation: { type: 'string', enum: ['managed', 'runner-local'] },
    runners: list(string),
    createdAt: time,
  }),
  Bridge: answer({
    packageName: string,
    displayName: string,
    supportsUrl: { type: 'boolean' },
    urlPlaceholder: nullable(string),
    fields: list({
      type: 'object',
      required: ['key', 'label', 'type'],
      properties: {
        key: string,
        label: string,
        type: { ...string, description: 'string, number, boolean or password.' },
        required: { type: 'boolean' },
        placeholder: string,
      },
    }),
  }),
  Target: { type: 'object', required: ['name'], properties: { name: string } },
  TargetSchema: {
    type: 'object',
    required: ['name', 'columns'],
    properties: {
      name: string,
      columns: list(
        answer({
          name: string,
          type: string,
          nullable: { type: 'boolean' },
          primaryKey: { type: 'boolean' },
        }),
      ),
      rowCount: count,
    },
  },
  Rows: answer({ rows: list({ type: 'object' }), meta }),
  Buckets: answer({
    rows: list(answer({ dims: { type: 'object' }, measures: { type: 'object' }, count })),
    meta,
  }),
  Count: {
    type: 'object',
    required: ['total'],
    properties: { total: count, approximate: { type: 'boolean' } },
  },
  SourceTest: answer({
    ok: { type: 'boolean' },
    runners: list(
      answer({
        runnerId: string,
        runner: string,
        sessionId: string,
        instance: nullable(string),
        ok: { type: 'boolean' },
        hops: list(
          answer({
            name: { type: 'string', enum: ['gateway', 'runner', 'connect', 'query'] },
            ok: { type: 'boolean' },
            durationMs: nullable({ type: 'number' }),
          }),
        ),
        error: { anyOf: [failure, { type: 'null' }] },
      }),
    ),
  }),
  Job: answer({
    id: string,
    source: string,
    kind: string,
    target: string,
    state: { type: 'string', enum: [...JOB_STATES] },
    runnerId: nullable(string),
    rows: count,
    attempts: count,
    error: { anyOf: [failure, { type: 'null' }] },
    createdAt: time,
    startedAt: nullable(time),
    endedAt: nullable(time),
  }),
  AuditEntry: answer({
    id: { type: 'integer' },
    at: time,
    actor: answer({ keyId: nullable(string), name: string }),
    action: string,
    subject: answer({ type: string, id: string, name: string }),
    detail: { type: 'object' },
  }),
  Key: answer(key),
  KeyWithSecret: answer({ ...key, key: string }),
  Identity: answer({ name: string, role: string, gatewayUrl: string, version: string }),
  Session: answer({ token: string, name: string, role: string, expiresAt: time }),
  SessionLink: answer({ code: string, url: string, expiresAt: time }),
  Health: { type: 'object', required: ['status'], properties: { status: string } },
};
