/** One request, one answer: headers, bounds, and what each kind of failure is called. */
import type { Agent, IncomingMessage, RequestOptions } from 'node:http';
import { AppError } from '../errors.ts';
import {
  cancelledError,
  incompleteError,
  problemError,
  proxyError,
  redirectError,
  strangerError,
} from './api-error.ts';
import type { ServiceEvent } from './event-stream.ts';
import { linesOf } from './ndjson.ts';

/** Longest silence of a service that was not asked to wait for a database. */
const SILENCE_MS = 60_000;
/** What a job's answer may take beyond the job's own deadline. */
const DEADLINE_SLACK_MS = 15_000;
/** What one answer may hold; larger ones are streamed. */
const MAX_ANSWER_BYTES = 512 * 1_048_576;
const JSON_TYPE = /^application\/(?:[a-z.-]+\+)?json\b/i;
const EVENTS_TYPE = /^text\/event-stream\b/i;
const NDJSON_TYPE = /^application\/x-ndjson\b/i;

export interface TransportOptions {
  /** Undefined for what needs none. */
  key?: string | undefined;
  /** Certificate authorities, in place of the usual ones. */
  ca?: readonly string[] | undefined;
  version: string;
  /** How connections are made; a proxy's agent has its place here. */
  agent?: Agent | undefined;
  /** Ends whatever is under way. */
  signal?: AbortSignal | undefined;
}

export interface CallOptions {
  /** The job's own deadline, in milliseconds: the answer may take that long. */
  deadlineMs?: number | undefined;
  headers?: Record<string, string>;
  /** Ends this call alone. */
  signal?: AbortSignal | undefined;
}

export class Transport {
  readonly #base: URL;
  readonly #options: TransportOptions;

  constructor(base: URL, options: TransportOptions) {
    this.#base = base;
    this.#options = options;
  }

  async json(method: string, path: string, body: unknown, options?: CallOptions): Promise<unknown> {
    const response = await this.#send(method, path, body, 'application/json', options);
    const status = response.statusCode as number;
    if (status === 204) {
      response.resume();
      return null;
    }
    return await this.#document(response);
  }

  async *lines(
    path: string,
    body: unknown,
    options?: CallOptions,
  ): AsyncGenerator<string[], void, undefined> {
    const response = await this.#send('POST', path, body, 'application/x-ndjson', options);
    if (!NDJSON_TYPE.test(response.headers['content-type'] ?? '')) {
      response.destroy();
      throw strangerError(this.#base.origin, response.statusCode as number, response.headers['content-type']);
    }
    yield* linesOf(response, this.#options.signal);
  }

  /** Server-sent events, from after `lastId` on; connected when the first value comes, which may be empty. */
  async *events(
    path: string,
    { lastId, signal }: { lastId?: string | undefined; signal: AbortSignal },
  ): AsyncGenerator<ServiceEvent[], void, undefined> {
    const response = await this.#send('GET', path, undefined, 'text/event-stream', {
      signal,
      headers: lastId === undefined ? {} : { 'last-event-id': lastId },
    });
    if (!EVENTS_TYPE.test(response.headers['content-type'] ?? '')) {
      response.destroy();
      throw strangerError(this.#base.origin, response.statusCode as number, response.headers['content-type']);
    }
    yield [];
    const { eventsOf } = await import('./event-stream.ts');
    yield* eventsOf(response, signal);
  }

  /** The answer with a status of success; anything else is thrown. */
  async #send(
    method: string,
    path: string,
    body: unknown,
    accept: string,
    options: CallOptions = {},
  ): Promise<IncomingMessage> {
    const { deadlineMs } = options;
    const silenceMs =
      deadlineMs === undefined ? SILENCE_MS : Math.max(SILENCE_MS, deadlineMs + DEADLINE_SLACK_MS);
    const response = await this.#request(method, path, body, accept, { ...options, silenceMs });
    const status = response.statusCode as number;
    if (status === 407) {
      response.destroy();
      throw proxyError(this.#base.origin);
    }
    if (status >= 300 && status < 400) {
      response.destroy();
      throw redirectError(this.#base.origin, response.headers.location);
    }
    if (status >= 200 && status < 300) return response;
    const problem = await this.#document(response);
    const members =
      typeof problem === 'object' && problem !== null ? (problem as Record<string, unknown>) : {};
    const requestId = response.headers['x-request-id'];
    throw problemError(status, members, {
      retryAfter: response.headers['retry-after'],
      requestId: Array.isArray(requestId) ? requestId[0] : requestId,
    });
  }

  async #request(
    method: string,
    path: string,
    body: unknown,
    accept: string,
    call: CallOptions & { silenceMs: number },
  ): Promise<IncomingMessage> {
    const { key, version, ca, agent } = this.#options;
    const signal = call.signal ?? this.#options.signal;
    const { protocol, hostname, port, pathname } = this.#base;
    const payload = body === undefined ? undefined : Buffer.from(JSON.stringify(body));
    const settings: RequestOptions & { ca?: string[] } = {
      method,
      protocol,
      hostname: hostname.replace(/^\[|\]$/g, ''),
      port,
      path: pathname.replace(/\/$/, '') + path,
      // A connection of its own: it ends with the call, and the process with it.
      agent: agent ?? false,
      timeout: call.silenceMs,
      headers: {
        accept,
        'user-agent': `semilayer/${version}`,
        ...call.headers,
        ...(key === undefined ? {} : { authorization: `Bearer ${key}` }),
        ...(payload === undefined
          ? {}
          : { 'content-type': 'application/json', 'content-length': String(payload.length) }),
      },
      ...(ca === undefined ? {} : { ca: [...ca] }),
    };
    const { request } = protocol === 'https:' ? await import('node:https') : await import('node:http');
    return await new Promise((resolve, reject) => {
      const outgoing = request(settings);
      const abort = (): void => void outgoing.destroy(cancelledError());
      if (signal?.aborted) abort();
      signal?.addEventListener('abort', abort, { once: true });
      outgoing.once('close', () => signal?.removeEventListener('abort', abort));
      let response: IncomingMessage | undefined;
      outgoing.on('timeout', () => {
        // Rows that wait here for a slow reader are no silence of the service's.
        if (response === undefined || response.readableLength === 0) outgoing.destroy(timedOut());
      });
      outgoing.on('response', incoming => {
        response = incoming;
        resolve(incoming);
      });
      outgoing.on('error', error => {
        if (error instanceof AppError) return reject(error);
        import('./network-error.ts').then(async ({ networkError }) => {
          reject(await networkError(this.#base, error, { agent, ca }));
        }, reject);
      });
      outgoing.end(payload);
    });
  }

  async #document(response: IncomingMessage): Promise<unknown> {
    const type = response.headers['content-type'];
    if (!JSON_TYPE.test(type ?? '')) {
      response.destroy();
      throw strangerError(this.#base.origin, response.statusCode as number, type);
    }
    try {
      return JSON.parse(await wholeOf(response));
    } catch (error) {
      if (error instanceof AppError) throw error;
      throw incompleteError(error);
    }
  }
}

/** Listened to, not iterated over: what Node sets up for that costs a command a millisecond. */
function wholeOf(response: IncomingMessage): Promise<string> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    let size = 0;
    response.on('data', (chunk: Buffer) => {
      chunks.push(chunk);
      size += chunk.length;
      if (size > MAX_ANSWER_BYTES) response.destroy(tooLargeError());
    });
    response.on('error', reject);
    response.on('close', () => {
      if (response.complete) resolve(Buffer.concat(chunks).toString('utf8'));
      else reject(incompleteError());
    });
  });
}

function tooLargeError(): AppError {
  return new AppError('invalid_request', {
    message: 'the answer is too large to be held at once',
    hint: 'ask for --ndjson, a smaller --limit or fewer fields',
  });
}

function timedOut(): Error {
  return Object.assign(new Error('timed out'), { code: 'ETIMEDOUT' });
}
