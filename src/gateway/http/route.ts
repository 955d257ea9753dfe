/** What a route is: one entry drives dispatch, permission, validation and the OpenAPI document alike. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Role } from '../../store/store.ts';
import type { Authenticator } from '../auth.ts';
import type { Catalog } from '../catalog.ts';
import type { InMemoryEvents } from '../event-bus.ts';
import type { LastSeen } from '../last-seen.ts';
import type { GatewayMetrics } from '../metrics.ts';
import type { Records } from '../records.ts';
import type { GatewayServices, Principal } from '../services.ts';

/** A JSON Schema (draft 7), or a reference into the document's components. */
export type Schema = Record<string, unknown>;

/**
 * What a caller needs: nothing, any key, or a key whose role includes it. `catalog` is what one must know to ask a
 * question, `query` the asking itself.
 */
export type Access = 'open' | 'any' | 'read' | 'catalog' | 'query' | 'operate' | 'admin';

const ACCESS_OF_ROLE: Record<Role, readonly Access[]> = {
  admin: ['open', 'any', 'read', 'catalog', 'query', 'operate', 'admin'],
  operator: ['open', 'any', 'read', 'catalog', 'query', 'operate'],
  'read-only': ['open', 'any', 'read', 'catalog'],
  'query-only': ['open', 'any', 'catalog', 'query'],
};

export function mayAccess(role: Role, access: Access): boolean {
  return ACCESS_OF_ROLE[role].includes(access);
}

/** What a bridge says of itself: the form in which its config is asked for. */
export interface BridgeManifest {
  packageName: string;
  displayName: string;
  supportsUrl: boolean;
  urlPlaceholder?: string | undefined;
  fields: readonly object[];
}

/** Everything the handlers stand on. */
export interface HttpServices extends GatewayServices {
  /** Bridges that come with this program. */
  bridges: () => Promise<readonly BridgeManifest[]>;
  events: InMemoryEvents;
  records: Records;
  catalog: Catalog;
  authenticator: Authenticator;
  lastSeen: Pick<LastSeen, 'of'>;
  metrics: Pick<GatewayMetrics, 'text'>;
  /** What runners dial, as seen by the caller of this request. */
  gatewayUrlFor: (request: IncomingMessage) => string;
  /** The address of our pages, as seen by the caller of this request. */
  baseUrlFor: (request: IncomingMessage) => string;
}

export interface Call {
  request: IncomingMessage;
  response: ServerResponse;
  /** Decoded parts of the path. */
  params: Readonly<Record<string, string>>;
  /** Validated by the route's `query` schema, numbers already numbers. */
  query: Record<string, unknown>;
  /** Validated by the route's `body` schema. */
  body: Record<string, unknown>;
  principal: Principal;
  requestId: string;
  /** Trace to go on with below this request, in the form of W3C; undefined where its caller has none. */
  traceparent: string | undefined;
  services: HttpServices;
}

/** The handler has written the answer itself. */
export const ANSWERED = Symbol('answered');

export interface Route {
  method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  /** With `:name` for a variable part. */
  path: string;
  access: Access;
  summary: string;
  query?: Schema;
  body?: Schema;
  /** 200 unless told otherwise; 204 has no content. */
  status?: 201 | 204;
  /** Schema of the answer's JSON; content types by name where it is not JSON. */
  answer?: Schema;
  content?: Record<string, Schema>;
  /** @returns the JSON to answer with, or ANSWERED. */
  handle(call: Call): Promise<unknown>;
}
