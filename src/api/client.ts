/** HTTP client of the service API: JSON in, JSON or lines out, every failure an AppError. */
import { AppError } from '../errors.ts';
import { isLoopbackHost } from '../platform/network.ts';
import { incompleteError } from './api-error.ts';
import type { ServiceEvent } from './event-stream.ts';
import { type CallOptions, Transport, type TransportOptions } from './transport.ts';

const PAGE_LIMIT = 1_000;

export interface ClientOptions extends TransportOptions {
  serviceUrl: string;
  /** Lets the key travel unencrypted to another machine. */
  insecure: boolean;
}

export interface Client {
  /** Scheme, host and port. */
  readonly origin: string;
  get(path: string): Promise<unknown>;
  post(path: string, body?: unknown, options?: CallOptions): Promise<unknown>;
  patch(path: string, body: unknown): Promise<unknown>;
  put(path: string, body: unknown): Promise<unknown>;
  delete(path: string, body?: unknown): Promise<unknown>;
  /** Lines of NDJSON, in batches as they arrive; the service waits while nobody pulls. */
  stream(path: string, body: unknown, options?: CallOptions): AsyncGenerator<string[], void, undefined>;
  /** Server-sent events as they arrive; an empty batch first, once connected. */
  events(
    path: string,
    options: { lastId?: string | undefined; signal: AbortSignal },
  ): AsyncGenerator<ServiceEvent[], void, undefined>;
  /** Every item of a list, page by page. */
  pages(path: string): AsyncGenerator<unknown[], void, undefined>;
}

/**
 * A client of one service.
 *
 * @throws AppError `usage` for plain http to another machine without `insecure`. Its calls throw the API's own codes,
 * `service_unreachable`, `incomplete_response`, and `CANCELLED` after an abort.
 */
export function createClient(options: ClientOptions): Client {
  const base = new URL(options.serviceUrl);
  if (base.protocol === 'http:' && !options.insecure && !isLoopbackHost(base.hostname)) {
    throw new AppError('usage', {
      message: `${base.origin} is not encrypted and not on this machine`,
      hint: 'use https://, or --insecure (SEMILAYER_INSECURE=1) if the network between is trusted',
    });
  }
  if (options.key !== undefined && !/^[\x21-\x7e]+$/.test(options.key)) {
    throw new AppError('usage', {
      message: 'the API key has a character in it that no key has',
      hint: 'was it copied whole, without quotes, spaces or line breaks?',
    });
  }
  const transport = new Transport(base, options);
  const call = async (
    method: string,
    path: string,
    body?: unknown,
    callOptions?: CallOptions,
  ): Promise<unknown> => await transport.json(method, path, body, callOptions);
  return {
    origin: base.origin,
    get: path => call('GET', path),
    post: (path, body = {}, callOptions) => call('POST', path, body, callOptions),
    patch: (path, body) => call('PATCH', path, body),
    put: (path, body) => call('PUT', path, body),
    delete: (path, body) => call('DELETE', path, body),
    stream: (path, body, callOptions) => transport.lines(path, body, callOptions),
    events: (path, eventOptions) => transport.events(path, eventOptions),
    async *pages(path) {
      let cursor: string | undefined;
      do {
        const query = new URLSearchParams({
          limit: String(PAGE_LIMIT),
          ...(cursor === undefined ? {} : { cursor }),
        });
        const page = (await call('GET', `${path}?${query}`)) as { items?: unknown; nextCursor?: unknown };
        if (!Array.isArray(page?.items)) throw incompleteError();
        yield page.items;
        cursor = typeof page.nextCursor === 'string' ? page.nextCursor : undefined;
      } while (cursor !== undefined);
    },
  };
}
