/** `/v1/runners`: records, tokens and assignments. */
import type { RunnerRecord } from '../../../store/store.ts';
import { type PageQuery, pageOf } from '../page.ts';
import type { Call, HttpServices, Route } from '../route.ts';
import { body, listQuery, NAME, pageOf as pageSchema, RUNNER_STATUSES, ref } from '../schemas.ts';
import { runnerView } from '../views.ts';
import { actorOf } from './actor.ts';

const ASSIGNMENT_BODY = body({ sources: { type: 'array', items: NAME, maxItems: 10_000 } }, ['sources']);
/** The contract's bounds of an overlap: a second to a week; 0 is none. */
const OVERLAP = { anyOf: [{ const: 0 }, { type: 'integer', minimum: 1_000, maximum: 604_800_000 }] };

export const runnerRoutes: Route[] = [
  {
    method: 'GET',
    path: '/v1/runners',
    access: 'read',
    summary: 'Runners by name',
    query: listQuery(RUNNER_STATUSES),
    answer: pageSchema('Runner'),
    handle: ({ query, services }) => {
      const { status, q, ...page } = query as unknown as PageQuery;
      return pageOf<RunnerRecord>(page, {
        fetch: (limit, after) => services.store.listRunners({ limit, after, q }),
        positionOf: record => record.name,
        view: record => view(record, services),
        keep: status === undefined ? undefined : one => one.status === status,
      });
    },
  },
  {
    method: 'POST',
    path: '/v1/runners',
    access: 'operate',
    summary: 'Create a runner; the answer holds its token, this once',
    body: body({ name: NAME, type: { type: 'string', enum: ['customer', 'saas'] } }, ['name']),
    status: 201,
    answer: ref('RunnerWithToken'),
    handle: async call => {
      const input = call.body as { name: string; type?: 'customer' | 'saas' };
      const { record, token } = await call.services.records.createRunner(input, actorOf(call));
      return { ...view(record, call.services), token };
    },
  },
  {
    method: 'GET',
    path: '/v1/runners/:runner',
    access: 'read',
    summary: 'One runner',
    answer: ref('Runner'),
    handle: async ({ params, services }) =>
      view(await services.store.findRunner(params.runner as string), services),
  },
  {
    method: 'PATCH',
    path: '/v1/runners/:runner',
    access: 'operate',
    summary: 'Rename a runner',
    body: body({ name: NAME }, ['name']),
    answer: ref('Runner'),
    handle: async call => {
      const { name } = call.body as { name: string };
      const { services, params } = call;
      return view(
        await services.records.renameRunner(params.runner as string, name, actorOf(call)),
        services,
      );
    },
  },
  {
    method: 'DELETE',
    path: '/v1/runners/:runner',
    access: 'operate',
    summary: 'Delete a runner; its sessions end, its name is free',
    status: 204,
    handle: call => call.services.records.deleteRunner(call.params.runner as string, actorOf(call)),
  },
  {
    method: 'POST',
    path: '/v1/runners/:runner/rotate',
    access: 'operate',
    summary: 'Make a new token; sessions of the old one end now, or after the overlap',
    body: body({ overlapMs: OVERLAP }),
    answer: ref('RunnerWithToken'),
    handle: async call => {
      const { overlapMs = 0 } = call.body as { overlapMs?: number };
      const { services, params } = call;
      const { record, token } = await services.records.rotateRunner(
        params.runner as string,
        overlapMs,
        actorOf(call),
      );
      return { ...view(record, services), token };
    },
  },
  {
    method: 'POST',
    path: '/v1/runners/:runner/revoke',
    access: 'operate',
    summary: 'End every token and session of a runner; its record stays',
    body: body({}),
    answer: ref('Runner'),
    handle: async call =>
      view(
        await call.services.records.revokeRunner(call.params.runner as string, actorOf(call)),
        call.services,
      ),
  },
  assignment('PUT', 'replace', 'Replace the sources of a runner'),
  assignment('POST', 'add', 'Assign sources to a runner'),
  {
    method: 'DELETE',
    path: '/v1/runners/:runner/sources',
    access: 'operate',
    summary: 'Unassign sources of a runner, all or none',
    body: ASSIGNMENT_BODY,
    status: 204,
    handle: async call => {
      await changeAssignments(call, 'remove');
    },
  },
];

function assignment(method: 'PUT' | 'POST', change: 'replace' | 'add', summary: string): Route {
  return {
    method,
    path: '/v1/runners/:runner/sources',
    access: 'operate',
    summary: `${summary}, all or none`,
    body: ASSIGNMENT_BODY,
    answer: ref('Runner'),
    handle: async (call: Call) => view(await changeAssignments(call, change), call.services),
  };
}

async function changeAssignments(call: Call, change: 'replace' | 'add' | 'remove'): Promise<RunnerRecord> {
  const { sources } = call.body as { sources: string[] };
  return await call.services.records.changeAssignments(
    call.params.runner as string,
    change,
    sources,
    actorOf(call),
  );
}

function view(record: RunnerRecord, services: HttpServices): Record<string, unknown> {
  return runnerView(record, {
    sessions: services.sessions.ofRunner(record.id),
    seen: services.lastSeen.of(record.id),
    now: services.clock.now(),
  });
}
