/** The gateway itself: who am I, health, metrics, its own description. */
import { writeHead, writeJson } from '../head.ts';
import { ANSWERED, type Call, type Route } from '../route.ts';
import { ref } from '../schemas.ts';

export const metaRoutes: Route[] = [
  {
    method: 'GET',
    path: '/v1/whoami',
    access: 'any',
    summary: 'The key that is asking, and where its runners dial',
    answer: ref('Identity'),
    handle: async ({ request, principal, services }) => ({
      name: principal.name,
      role: principal.role,
      gatewayUrl: services.gatewayUrlFor(request),
      version: services.version,
    }),
  },
  {
    method: 'GET',
    path: '/livez',
    access: 'open',
    summary: 'The process turns',
    answer: ref('Health'),
    handle: async () => ({ status: 'ok' }),
  },
  {
    method: 'GET',
    path: '/readyz',
    access: 'open',
    summary: 'The store answers and new work is taken, else 503',
    answer: ref('Health'),
    handle: readiness,
  },
  {
    method: 'GET',
    path: '/health',
    access: 'open',
    summary: 'As /readyz',
    answer: ref('Health'),
    handle: readiness,
  },
];

/** `/metrics` needs a key unless the gateway was started with `--metrics-open`. */
export function metricsRoute(open: boolean): Route {
  return {
    method: 'GET',
    path: '/metrics',
    access: open ? 'open' : 'read',
    summary: 'Figures in the text format of Prometheus',
    content: { 'text/plain': { type: 'string' } },
    handle: async call => {
      const { contentType, text } = await call.services.metrics.text();
      writeHead(call, 200, { 'content-type': contentType }).end(text);
      return ANSWERED;
    },
  };
}

async function readiness(call: Call): Promise<unknown> {
  const { services } = call;
  const draining = !services.accepting();
  const stored = await services.store.ping().then(
    () => true,
    () => false,
  );
  if (stored && !draining) return { status: 'ok' };
  const text = JSON.stringify({ status: draining ? 'draining' : 'store unavailable' });
  writeJson(call, 503, text, { 'retry-after': '1' });
  return ANSWERED;
}
