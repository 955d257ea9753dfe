/** `GET /v1/events`: the gateway's events as server-sent events. */
import type { NumberedEvent } from '../event-bus.ts';
import { writeHead } from './head.ts';
import { ANSWERED, type Call } from './route.ts';
import { jobView, rfc3339 } from './views.ts';

/** Keeps proxies from cutting an idle stream; half of the shortest cut that is common. */
const KEEPALIVE_MS = 15_000;
/** A listener that is this far behind is cut: it comes back with Last-Event-ID. */
const MAX_BACKLOG_BYTES = 1_048_576;

export async function eventStream(call: Call): Promise<typeof ANSWERED> {
  const { request, response, services } = call;
  const lastId = Number(request.headers['last-event-id']);
  writeHead(call, 200, {
    'content-type': 'text/event-stream; charset=utf-8',
    'cache-control': 'no-store',
    'x-accel-buffering': 'no',
  });
  response.write('retry: 1000\n\n');
  // A key that was revoked, a session that is over: what it opened does not outlive it.
  const authenticate = async (): Promise<void> => {
    try {
      await services.authenticator.authenticate(request.headers.authorization);
    } catch {
      response.end();
    }
  };
  const send = (event: NumberedEvent): void => {
    if (event.type === 'key.changed') void authenticate();
    response.write(`id: ${event.id}\nevent: ${event.type}\ndata: ${JSON.stringify(eventView(event))}\n\n`);
    if (response.writableLength > MAX_BACKLOG_BYTES) response.destroy();
  };
  if (Number.isSafeInteger(lastId) && lastId > 0)
    for (const event of services.events.since(lastId)) send(event);
  const unsubscribe = services.events.subscribe(send);
  const cancelKeepalive = services.clock.every(KEEPALIVE_MS, () => {
    response.write(': still here\n\n');
    void authenticate();
  });
  response.once('close', () => {
    unsubscribe();
    cancelKeepalive();
  });
  return ANSWERED;
}

function eventView(event: NumberedEvent): Record<string, unknown> {
  const at = rfc3339(event.at);
  return event.type === 'job.changed' ? { ...event, at, job: jobView(event.job) } : { ...event, at };
}
