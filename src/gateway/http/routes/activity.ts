/** What goes on: jobs, the audit log, the event stream. */
import { AUDIT_ACTIONS, type AuditEntry } from '../../../store/store.ts';
import type { JobSummary } from '../../job.ts';
import { eventStream } from '../event-stream.ts';
import { type PageQuery, pageOf } from '../page.ts';
import type { Route } from '../route.ts';
import { JOB_STATES, listQuery, pageOf as pageSchema, statusFilter } from '../schemas.ts';
import { auditView, jobView } from '../views.ts';

export const activityRoutes: Route[] = [
  {
    method: 'GET',
    path: '/v1/jobs',
    access: 'read',
    summary:
      'The last 10,000 jobs, newest first; status (or state) is their state, q a part of source or target',
    query: listQuery(JOB_STATES, { state: statusFilter(JOB_STATES) }),
    answer: pageSchema('Job'),
    handle: ({ query, services }) => {
      const { state, status = state, q, ...page } = query as unknown as PageQuery & { state?: string };
      const wanted = q?.toLowerCase();
      return pageOf<JobSummary>(page, {
        fetch: async (limit, after) => services.dispatcher.recent({ limit, after, state: status }),
        positionOf: job => job.id,
        view: jobView,
        keep:
          wanted === undefined
            ? undefined
            : job => `${job.source}/${job.target}`.toLowerCase().includes(wanted),
      });
    },
  },
  {
    method: 'GET',
    path: '/v1/audit',
    access: 'read',
    summary: 'Who changed what, newest first; status is an action, q a part of the name of what was changed',
    query: listQuery(AUDIT_ACTIONS),
    answer: pageSchema('AuditEntry'),
    handle: ({ query, services }) => {
      const { status, q, ...page } = query as unknown as PageQuery;
      return pageOf<AuditEntry>(page, {
        fetch: (limit, after) => services.store.listAudit({ limit, after, q }),
        positionOf: entry => String(entry.id),
        view: auditView,
        keep: status === undefined ? undefined : entry => entry.action === status,
      });
    },
  },
  {
    method: 'GET',
    path: '/v1/events',
    access: 'read',
    summary: 'Changes as they happen, as server-sent events; Last-Event-ID resumes',
    content: { 'text/event-stream': { type: 'string' } },
    handle: eventStream,
  },
];
