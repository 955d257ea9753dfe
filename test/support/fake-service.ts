/** A service API of scripted answers, on a port of its own. */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { TestContext } from 'node:test';

export interface SeenRequest {
  method: string;
  path: string;
  key: string | undefined;
  accept: string | undefined;
  body: unknown;
}

/** A JSON answer, or a function that writes the whole answer itself. */
export type Answer =
  | { status?: number; json: unknown; headers?: Record<string, string> }
  | ((response: ServerResponse, request: SeenRequest) => void);

export class FakeService {
  readonly requests: SeenRequest[] = [];
  readonly #answers = new Map<string, Answer>();
  url = '';

  static async start(t: TestContext): Promise<FakeService> {
    const service = new FakeService();
    const server = createServer((request, response) => void service.#serve(request, response));
    await new Promise<void>(listening => server.listen(0, '127.0.0.1', listening));
    t.after(() => {
      server.closeAllConnections();
      server.close();
    });
    service.url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    return service;
  }

  /** `GET /v1/runners`; a path with a query is looked for first, then the path alone. */
  on(route: string, answer: Answer): this {
    this.#answers.set(route, answer);
    return this;
  }

  problem(route: string, status: number, code: string, more: Record<string, unknown> = {}): this {
    const json = {
      type: 'about:blank',
      title: 'Title',
      status,
      detail: `detail of ${code}`,
      code,
      hint: null,
      ...more,
    };
    return this.on(route, { status, json, headers: { 'content-type': 'application/problem+json' } });
  }

  last(): SeenRequest {
    return this.requests[this.requests.length - 1] as SeenRequest;
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    let text = '';
    for await (const chunk of request) text += chunk;
    const { method = '', url = '' } = request;
    const seen: SeenRequest = {
      method,
      path: url,
      key: request.headers.authorization?.replace(/^Bearer /, ''),
      accept: request.headers.accept,
      body: text === '' ? undefined : JSON.parse(text),
    };
    this.requests.push(seen);
    const answer =
      this.#answers.get(`${method} ${url}`) ?? this.#answers.get(`${method} ${url.split('?')[0]}`);
    if (typeof answer === 'function') return answer(response, seen);
    const {
      status = 200,
      json,
      headers = {},
    } = answer ?? { status: 404, json: { code: 'not_found', detail: 'no' } };
    response.writeHead(status, { 'content-type': 'application/json', ...headers });
    response.end(status === 204 ? undefined : JSON.stringify(json));
  }
}

/** Rows as NDJSON, with an ending of one's choice. */
export function ndjson(lines: readonly unknown[], ending: 'clean' | 'cut' = 'clean'): Answer {
  return response => {
    response.writeHead(200, { 'content-type': 'application/x-ndjson' });
    const text = lines.map(line => `${JSON.stringify(line)}\n`).join('');
    if (ending === 'clean') response.end(text);
    else response.write(text, () => response.socket?.destroySoon());
  };
}
