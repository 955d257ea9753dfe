/** `/connect`: authenticates the upgrade, and hands over what is welcome. */
import { timingSafeEqual } from 'node:crypto';
import { type IncomingMessage, STATUS_CODES } from 'node:http';
import type { Duplex } from 'node:stream';
import { WebSocketServer } from 'ws';
import { MAX_FRAGMENTS, MAX_FRAME_BYTES } from '../protocol/limits.ts';
import { hashSecret } from '../protocol/token.ts';
import { AttemptLimit } from './attempt-limit.ts';
import { type Admission, Greeting, type GreetingOptions } from './greeting.ts';
import type { GatewayMetrics } from './metrics.ts';

/** A token of ours has 52 characters; the hosted service's may be longer. Anything beyond is not hashed. */
const MAX_TOKEN_LENGTH = 1_024;

/** `maxFragments` is an option that the types of ws do not know yet. */
const MESSAGE_LIMITS = { maxPayload: MAX_FRAME_BYTES, maxFragments: MAX_FRAGMENTS };

export interface RunnerEndpointOptions extends GreetingOptions {
  remoteAddressOf: (request: IncomingMessage) => string;
  metrics: Pick<GatewayMetrics, 'sessionEnded' | 'connectionRefused' | 'roundTrip'>;
}

export class RunnerEndpoint {
  readonly #options: RunnerEndpointOptions;
  readonly #server = new WebSocketServer({
    noServer: true,
    clientTracking: false,
    ...MESSAGE_LIMITS,
    // A compression context costs about 100 KiB a connection, idle ones included.
    perMessageDeflate: false,
  });

  readonly #attempts: AttemptLimit;
  readonly #silent = new Set<Greeting>();

  constructor(options: RunnerEndpointOptions) {
    this.#options = options;
    this.#attempts = new AttemptLimit(options.clock);
  }

  async upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): Promise<void> {
    // Until ws takes the socket over, an error on it has no other listener and would end the process.
    const ignore = (): void => {};
    socket.on('error', ignore);
    let admission: Admission | undefined;
    try {
      if (!this.#options.accepting()) return this.#refuse(socket, 503, { 'retry-after': '1' });
      admission = await this.#admit(request);
    } catch {
      return this.#refuse(socket, 503, { 'retry-after': '1' });
    }
    if (!admission) {
      const waitSeconds = this.#attempts.failed(this.#options.remoteAddressOf(request));
      return waitSeconds === undefined
        ? this.#refuse(socket, 401, { 'www-authenticate': 'Bearer' })
        : this.#refuse(socket, 429, { 'retry-after': String(waitSeconds) });
    }
    if (!this.#options.accepting()) return this.#refuse(socket, 503, { 'retry-after': '1' });
    const admitted = admission;
    socket.off('error', ignore);
    this.#server.handleUpgrade(request, socket, head, webSocket => {
      new Greeting(this.#options, webSocket, request.socket, {
        ...admitted,
        remoteAddress: this.#options.remoteAddressOf(request),
        attempts: this.#attempts,
        silent: this.#silent,
      }).start();
    });
  }

  /** Ends the connections that are no sessions yet; used when the gateway itself leaves. */
  goAway(): void {
    for (const greeting of [...this.#silent]) greeting.goAway();
  }

  #refuse(socket: Duplex, status: number, headers: Record<string, string>): void {
    this.#options.metrics.connectionRefused(status);
    refuse(socket, status, headers);
  }

  /**
   * The runner whose token this is. The same hash and the same look-up are done whatever was presented, so that the
   * time taken says nothing about which half was wrong.
   */
  async #admit(request: IncomingMessage): Promise<Admission | undefined> {
    const presented = /^Bearer ([\x21-\x7e]+)$/i.exec(request.headers.authorization ?? '')?.[1] ?? '';
    const tokenHash = hashSecret(presented.slice(0, MAX_TOKEN_LENGTH + 1));
    const runner = await this.#options.store.findTokenHolder(tokenHash);
    if (!runner || presented.length > MAX_TOKEN_LENGTH) return undefined;
    const secret = runner.tokens.find(({ hash }) => sameHash(hash, tokenHash));
    return secret
      ? { runnerId: runner.id, runnerName: runner.name, tokenHash, fingerprint: secret.fingerprint }
      : undefined;
  }
}

/** Both are SHA-256 in hex. */
function sameHash(one: string, other: string): boolean {
  const left = Buffer.from(one);
  const right = Buffer.from(other);
  return left.length === right.length && timingSafeEqual(left, right);
}

function refuse(socket: Duplex, status: number, headers: Record<string, string>): void {
  const body = JSON.stringify({
    type: 'about:blank',
    status,
    title: STATUS_CODES[status],
    code: REFUSAL_CODES[status],
  });
  const lines = [
    `HTTP/1.1 ${status} ${STATUS_CODES[status]}`,
    'connection: close',
    'content-type: application/problem+json',
    `content-length: ${Buffer.byteLength(body)}`,
    ...Object.entries(headers).map(([name, value]) => `${name}: ${value}`),
  ];
  socket.once('finish', () => socket.destroy());
  socket.end(`${lines.join('\r\n')}\r\n\r\n${body}`);
}

const REFUSAL_CODES: Record<number, string> = {
  401: 'unauthorized',
  404: 'not_found',
  429: 'too_many_attempts',
  503: 'service_unavailable',
};
