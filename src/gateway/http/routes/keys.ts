/** `/v1/keys`: API keys, and the Console's one-time links and sessions. */
import { AppError } from '../../../errors.ts';
import { type ApiKeyRecord, ROLES, type Role } from '../../../store/store.ts';
import { type PageQuery, pageOf } from '../page.ts';
import type { Route } from '../route.ts';
import { body, listQuery, NAME, pageOf as pageSchema, ref } from '../schemas.ts';
import { keyView, rfc3339 } from '../views.ts';
import { actorOf } from './actor.ts';

export const keyRoutes: Route[] = [
  {
    method: 'GET',
    path: '/v1/keys',
    access: 'admin',
    summary: 'API keys by name, revoked ones included; status is active or revoked',
    query: listQuery(['active', 'revoked']),
    answer: pageSchema('Key'),
    handle: ({ query, services }) => {
      const { q, status, ...page } = query as unknown as PageQuery;
      return pageOf<ApiKeyRecord>(page, {
        fetch: (limit, after) => services.store.listKeys({ limit, after, q }),
        positionOf: record => `${record.name}/${record.id}`,
        view: keyView,
        keep:
          status === undefined
            ? undefined
            : one => (one.revokedAt === null ? 'active' : 'revoked') === status,
      });
    },
  },
  {
    method: 'POST',
    path: '/v1/keys',
    access: 'admin',
    summary: 'Create an API key; the answer holds it, this once',
    body: body({ name: NAME, role: { type: 'string', enum: [...ROLES] } }, ['name', 'role']),
    status: 201,
    answer: ref('KeyWithSecret'),
    handle: async call => {
      const { name, role } = call.body as { name: string; role: Role };
      const { record, key } = await call.services.records.createKey(name, role, actorOf(call));
      return { ...keyView(record), key };
    },
  },
  {
    method: 'DELETE',
    path: '/v1/keys/:key',
    access: 'admin',
    summary: 'Revoke an API key',
    status: 204,
    handle: call => call.services.records.revokeKey(call.params.key as string, actorOf(call)),
  },
  {
    method: 'POST',
    path: '/v1/session/links',
    access: 'any',
    summary: 'Make a one-time link to the Console, good for five minutes',
    body: body({}),
    status: 201,
    answer: ref('SessionLink'),
    handle: async ({ request, principal, services }) => {
      const { code, expiresAt } = services.authenticator.issueCode(principal);
      // After the #, so that it stays in the browser: no log of ours or a proxy's sees it.
      return { code, url: `${services.baseUrlFor(request)}/#code=${code}`, expiresAt: rfc3339(expiresAt) };
    },
  },
  {
    method: 'POST',
    path: '/v1/session',
    access: 'open',
    summary: 'Trade the code of a one-time link for a session token',
    body: body({ code: { type: 'string', minLength: 1, maxLength: 256 } }, ['code']),
    status: 201,
    answer: ref('Session'),
    handle: async ({ body, services }) => {
      const { code } = body as { code?: string };
      if (code === undefined) throw new AppError('unauthorized', { message: 'no code was sent' });
      const { token, principal, expiresAt } = services.authenticator.redeem(code);
      return { token, name: principal.name, role: principal.role, expiresAt: rfc3339(expiresAt) };
    },
  },
  {
    method: 'DELETE',
    path: '/v1/session',
    access: 'any',
    summary: 'End the session whose token is asking; a key stays as it is',
    status: 204,
    handle: async ({ request, services }) => services.authenticator.endSession(request.headers.authorization),
  },
];
