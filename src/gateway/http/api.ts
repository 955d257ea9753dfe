/** The service API: one table of routes, and the one way every request takes through it. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { addRoute, createRouter, findRoute } from 'rou3';
import { AppError } from '../../errors.ts';
import { traced } from '../../platform/tracing.ts';
import type { Principal } from '../services.ts';
import { readJsonBody } from './body.ts';
import type { Guard } from './guard.ts';
import { type Answering, writeHead, writeJson } from './head.ts';
import { openApiDocument } from './openapi.ts';
import { problemOf } from './problem.ts';
import { ANSWERED, type Call, type HttpServices, mayAccess, type Route } from './route.ts';
import { activityRoutes } from './routes/activity.ts';
import { bridgeRoutes } from './routes/bridges.ts';
import { consoleRoutes } from './routes/console.ts';
import { dataRoutes } from './routes/data.ts';
import { keyRoutes } from './routes/keys.ts';
import { metaRoutes, metricsRoute } from './routes/meta.ts';
import { runnerRoutes } from './routes/runners.ts';
import { sourceRoutes } from './routes/sources.ts';
import { COMPONENTS } from './schemas.ts';
import { Validator } from './validate.ts';

export interface ApiOptions {
  services: HttpServices;
  guard: Guard;
  metricsOpen: boolean;
  /** A defect that a caller was told of as `internal`. */
  onDefect: (error: unknown, requestId: string) => void;
}

const TRACEPARENT = /^[0-9a-f]{2}-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}$/;

/** What an open route sees as its caller. */
const NOBODY: Principal = { keyId: '', name: '', role: 'query-only' };

export function apiRoutes(version: string, metricsOpen: boolean): Route[] {
  const routes: Route[] = [
    ...metaRoutes,
    metricsRoute(metricsOpen),
    ...runnerRoutes,
    ...sourceRoutes,
    ...bridgeRoutes,
    ...dataRoutes,
    ...activityRoutes,
    ...keyRoutes,
    ...consoleRoutes,
  ];
  let document: Record<string, unknown> | undefined;
  routes.push({
    method: 'GET',
    path: '/openapi.json',
    access: 'open',
    summary: 'This description',
    answer: { type: 'object' },
    handle: async () => {
      document ??= openApiDocument(routes, version);
      return document;
    },
  });
  return routes;
}

/** One that the caller gave, so that its own logs and ours meet; a word, or it is not taken. */
function requestIdOf(request: IncomingMessage): string | undefined {
  const given = request.headers['x-request-id'];
  return typeof given === 'string' && /^[\w.:-]{1,128}$/.test(given) ? given : undefined;
}

/** Most paths are what they look like; the others are made so as a browser would. */
function splitUrl(url: string): { path: string; search: string } {
  if (/^\/(?:[\w~-][\w.~-]*(?:\/|$))*$/.test(url)) return { path: url, search: '' };
  const { pathname, search } = new URL(url, 'http://gateway');
  return { path: pathname, search };
}

/** Version, trace, span and flags, each in hexadecimal: anything else is not passed on. */
function traceparentOf({ headers: { traceparent } }: IncomingMessage): string | undefined {
  const known = typeof traceparent === 'string' && TRACEPARENT.test(traceparent);
  return known ? traceparent : undefined;
}

/** Most requests are of nobody's trace, and pay a look at a header that is not there. */
function handled(route: Route, call: Call): Promise<unknown> {
  if (call.traceparent === undefined || route.access === 'open') return route.handle(call);
  const attributes = {
    'http.request.method': route.method,
    'http.route': route.path,
    'semilayer.request.id': call.requestId,
    ...(call.params.source === undefined ? {} : { 'semilayer.source': call.params.source }),
  };
  return traced(
    call.traceparent,
    { name: `${route.method} ${route.path}`, kind: 'server', attributes },
    traceparent => route.handle({ ...call, traceparent }),
  );
}

interface Found {
  route: Route;
  params: Readonly<Record<string, string>>;
}

/** Paths with a name in them are as many as there are names; those of a few sources are most of what is asked. */
const MAX_REMEMBERED = 1_000;

function ignore(): void {}

export class Api {
  readonly #options: ApiOptions;
  readonly #router = createRouter<Route>();
  readonly #found = new Map<string, Found>();
  readonly #validator = new Validator(COMPONENTS);

  constructor(options: ApiOptions) {
    this.#options = options;
    for (const route of apiRoutes(options.services.version, options.metricsOpen)) {
      addRoute(this.#router, route.method, route.path, route);
    }
  }

  /** Answers every request, whatever happens on the way. */
  handle(request: IncomingMessage, response: ServerResponse): void {
    const requestId = requestIdOf(request) ?? this.#options.services.random.uuid();
    // The connection is gone: whoever writes on it learns that from its close event.
    response.on('error', ignore);
    this.#answer(request, response, requestId).catch(error =>
      this.#fail(error, request, { response, requestId }),
    );
  }

  async #answer(request: IncomingMessage, response: ServerResponse, requestId: string): Promise<void> {
    const { services } = this.#options;
    this.#options.guard.check(request);
    const { path, search } = splitUrl(request.url ?? '/');
    const { route, params } = this.#find(request, path);
    const known =
      route.access === 'open' ? NOBODY : services.authenticator.authenticate(request.headers.authorization);
    const principal = known instanceof Promise ? await known : known;
    if (!mayAccess(principal.role, route.access) && route.access !== 'open') {
      throw new AppError('forbidden', {
        message: `the role ${principal.role} may not do this`,
        hint: 'use a key with a role that may: semilayer keys create <name> --role …',
      });
    }
    const query = route.query
      ? this.#validator.query(route.query, Object.fromEntries(new URLSearchParams(search)))
      : {};
    const body = route.body ? this.#validator.body(route.body, await readJsonBody(request)) : {};
    const traceparent = traceparentOf(request);
    const call: Call = {
      request,
      response,
      params,
      query,
      body,
      principal,
      requestId,
      traceparent,
      services,
    };
    const answer = await handled(route, call);
    if (answer === ANSWERED) return;
    if (route.status === 204) {
      writeHead(call, 204, {}).end();
      return;
    }
    writeJson(call, route.status ?? 200, JSON.stringify(answer));
  }

  /** Callers ask the same few paths again and again. */
  #find(request: IncomingMessage, path: string): Found {
    // A page of the console or a probe may ask with HEAD; Node leaves the body away by itself.
    const method = request.method === 'HEAD' ? 'GET' : (request.method ?? 'GET');
    const key = `${method} ${path}`;
    const known = this.#found.get(key);
    if (known) return known;
    const found = this.#lookUp(method, path);
    if (this.#found.size < MAX_REMEMBERED) this.#found.set(key, found);
    return found;
  }

  /** @throws AppError `not_found`, `method_not_allowed`, `invalid_request`. */
  #lookUp(method: string, path: string): Found {
    const found = findRoute(this.#router, method, path);
    if (!found) {
      const others = ['GET', 'POST', 'PUT', 'PATCH', 'DELETE'].filter(other =>
        findRoute(this.#router, other, path),
      );
      if (others.length === 0) throw new AppError('not_found', { message: 'there is nothing at this path' });
      throw new AppError('method_not_allowed', { message: `this path takes ${others.join(', ')}` });
    }
    const params: Record<string, string> = {};
    for (const [name, value] of Object.entries(found.params ?? {})) {
      try {
        params[name] = decodeURIComponent(value as string);
      } catch {
        throw new AppError('invalid_request', { message: 'the path is not well encoded' });
      }
    }
    return { route: found.data, params };
  }

  #fail(error: unknown, request: IncomingMessage, answering: Answering): void {
    const { response, requestId } = answering;
    const { status, headers, body } = problemOf(error, requestId);
    if (status === 500) this.#options.onDefect(error, requestId);
    if (response.headersSent) {
      response.destroy();
      return;
    }
    // What is left of the body will not be read: the connection cannot carry another request.
    const unread = !request.complete;
    writeJson(answering, status, JSON.stringify(body), {
      ...headers,
      ...(unread ? { connection: 'close' } : {}),
    });
  }
}
