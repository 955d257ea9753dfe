/** The event stream, kept open: what the page shows is what happened, or the page says that it is not. */
import { signal } from '@preact/signals';
import { askRaw } from '../service/ask.ts';
import { type ServerEvent, serverEventsOf } from '../service/lines.ts';
import { Problem } from '../service/problem.ts';

export type LinkState =
  | { state: 'connecting' }
  | { state: 'live' }
  /** `since`: when the gateway was last heard, in milliseconds. */
  | { state: 'stale'; since: number };

export const link = signal<LinkState>({ state: 'connecting' });

/** The gateway says something every 15 s; a stream that was silent for longer is dead. */
const SILENCE_MS = 25_000;
const WATCH_MS = 1_000;
const FIRST_RETRY_MS = 500;
const LAST_RETRY_MS = 10_000;

export interface LinkListener {
  /** Everything may have changed: read all of it again. Called once the stream is open, so that nothing is missed. */
  refresh(signal: AbortSignal): Promise<void>;
  events(events: ServerEvent[]): void;
}

/** Follows until `stop` is aborted or the session ends. */
export async function follow(listener: LinkListener, stop: AbortSignal): Promise<void> {
  let lastHeard = Date.now();
  for (let failures = 0; !stop.aborted; failures++) {
    const attempt = new AbortController();
    const abort = (): void => attempt.abort();
    stop.addEventListener('abort', abort);
    const begun = Date.now();
    const watch = setInterval(() => {
      if (Date.now() - Math.max(lastHeard, begun) > SILENCE_MS) attempt.abort();
    }, WATCH_MS);
    try {
      const { body } = await askRaw('/v1/events', { accept: 'text/event-stream', signal: attempt.signal });
      lastHeard = Date.now();
      const refreshed = listener.refresh(attempt.signal).then(() => {
        link.value = { state: 'live' };
        failures = 0;
      });
      refreshed.catch(abort);
      for await (const events of serverEventsOf(body as ReadableStream<Uint8Array>)) {
        lastHeard = Date.now();
        listener.events(events);
      }
    } catch (error) {
      if (error instanceof Problem && (error.status === 401 || error.status === 403)) return;
    } finally {
      clearInterval(watch);
      stop.removeEventListener('abort', abort);
      attempt.abort();
    }
    if (stop.aborted) return;
    link.value = { state: 'stale', since: lastHeard };
    await pause(Math.min(LAST_RETRY_MS, FIRST_RETRY_MS * 2 ** failures) * (0.5 + Math.random() / 2), stop);
  }
}

/** Ends early when the network is back or somebody looks at the page again. */
function pause(ms: number, stop: AbortSignal): Promise<void> {
  return new Promise(resolve => {
    const done = (): void => {
      clearTimeout(timer);
      removeEventListener('online', done);
      document.removeEventListener('visibilitychange', done);
      stop.removeEventListener('abort', done);
      resolve();
    };
    const timer = setTimeout(done, ms);
    addEventListener('online', done);
    document.addEventListener('visibilitychange', done);
    stop.addEventListener('abort', done);
  });
}
