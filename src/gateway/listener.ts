/** The port of a gateway: HTTP or HTTPS with its bounds; what is no request is answered like any other mistake. */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { createServer as createTlsServer, type Server as TlsServer } from 'node:https';
import { type AddressInfo, isIP } from 'node:net';
import type { Duplex } from 'node:stream';
import { createSecureContext } from 'node:tls';
import { AppError, messageOf } from '../errors.ts';
import type { Random } from '../platform/random.ts';
import { problemOf } from './http/problem.ts';

/** PEM text of one pair. */
export interface TlsPair {
  cert: string;
  key: string;
}

export interface ListenerOptions {
  host: string;
  /** 0 takes a free port. */
  port: number;
  tls: TlsPair | undefined;
  random: Random;
  onRequest: (request: IncomingMessage, response: ServerResponse) => void;
  /** @throws AppError for a socket that is not to be upgraded: it is answered with that, and closed. */
  onUpgrade: (request: IncomingMessage, socket: Duplex, head: Buffer) => void;
}

/** Request heads that trickle in keep nothing but themselves waiting. */
const HEADERS_TIMEOUT_MS = 10_000;
/** A request, body and all, must be in by then; answers may take as long as their job. */
const REQUEST_TIMEOUT_MS = 30_000;
/** Longer than the idle time of common proxies, so that they close first and no request meets a closing socket. */
const KEEP_ALIVE_MS = 75_000;
/** What clients are told is less than what is kept: a request that was sent in time may be read late on a busy machine. */
const KEEP_ALIVE_GRACE_MS = 30_000;
/** Ten thousand runners and their callers; beyond it a connection is closed before it costs anything. */
const MAX_CONNECTIONS = 20_000;

export class Listener {
  readonly #options: ListenerOptions;
  readonly #server: Server;

  /** @throws AppError `usage` for a certificate that cannot be served. */
  constructor(options: ListenerOptions) {
    this.#options = options;
    this.#server = this.#create();
  }

  /** The one that was asked for, until it listens. */
  get port(): number {
    const address = this.#server.address() as AddressInfo | null;
    return address?.port ?? this.#options.port;
  }

  /** `http://HOST:PORT`, or https. */
  get url(): string {
    const { host, tls } = this.#options;
    const authority = isIP(host) === 6 ? `[${host}]` : host;
    return `${tls ? 'https' : 'http'}://${authority}:${this.port}`;
  }

  /** @throws AppError `port_in_use`, `usage`. */
  listen(): Promise<void> {
    const { host, port } = this.#options;
    return new Promise((resolve, reject) => {
      this.#server.once('error', (error: NodeJS.ErrnoException) => reject(listenError(error, host, port)));
      this.#server.listen(port, host, resolve);
    });
  }

  /** @throws AppError `usage` for a pair that cannot be served, or where none is; what was served stays. */
  reloadTls(tls: TlsPair): void {
    if (!('setSecureContext' in this.#server)) {
      throw new AppError('usage', { message: 'this gateway serves no TLS' });
    }
    mustBeServable(tls);
    (this.#server as TlsServer).setSecureContext(tls);
  }

  /** Takes no new connection, and lets those go that ask nothing. Resolves when there is none left. */
  leave(): Promise<void> {
    const left = new Promise<void>(resolve => this.#server.close(() => resolve()));
    this.#server.closeIdleConnections();
    return left;
  }

  closeAllConnections(): void {
    this.#server.closeAllConnections();
  }

  #create(): Server {
    const { tls, random } = this.#options;
    const settings = {
      headersTimeout: HEADERS_TIMEOUT_MS,
      requestTimeout: REQUEST_TIMEOUT_MS,
      keepAliveTimeout: KEEP_ALIVE_MS,
      // A duplicate Host or Content-Length is an attack on a proxy in front, never a client's good intention.
      insecureHTTPParser: false,
      requireHostHeader: false,
    };
    if (tls) mustBeServable(tls);
    const server = tls ? createTlsServer({ ...settings, ...tls }) : createServer(settings);
    server.maxConnections = MAX_CONNECTIONS;
    server.on('request', (request, response) => this.#request(request, response));
    server.on('upgrade', (request, socket, head) => this.#upgrade(request, socket, head));
    server.on('clientError', (error, socket) => {
      if ((error as NodeJS.ErrnoException).code === 'ECONNRESET' || !socket.writable) socket.destroy();
      else refuse(unreadable(error), socket, random);
    });
    return server;
  }

  #request(request: IncomingMessage, response: ServerResponse): void {
    const { socket } = request;
    // After Node's own, which has just set it to what clients are told.
    response.once('finish', () => socket.setTimeout(KEEP_ALIVE_MS + KEEP_ALIVE_GRACE_MS));
    this.#options.onRequest(request, response);
  }

  #upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void {
    try {
      this.#options.onUpgrade(request, socket, head);
    } catch (error) {
      refuse(error, socket, this.#options.random);
    }
  }
}

/** @throws AppError `usage` for a certificate and a key that are none, or of which one is of another pair. */
function mustBeServable(tls: TlsPair): void {
  try {
    createSecureContext(tls);
  } catch (cause) {
    throw new AppError('usage', {
      message: `the certificate and its key cannot be served (${messageOf(cause)})`,
      hint: '--tls-cert and --tls-key are PEM files of one pair, the certificate first in its chain',
      cause,
    });
  }
}

function listenError(error: NodeJS.ErrnoException, host: string, port: number): AppError {
  if (error.code === 'EADDRINUSE') {
    return new AppError('port_in_use', {
      message: `port ${port} on ${host} is in use`,
      hint: 'stop what listens there, or choose another port with --port (0 takes a free one)',
      cause: error,
    });
  }
  return new AppError('usage', {
    message: `cannot listen on ${host}:${port} (${error.code ?? error.message})`,
    cause: error,
  });
}

function refuse(error: unknown, socket: Duplex, random: Random): void {
  const { status, body } = problemOf(error, random.uuid());
  const text = JSON.stringify(body);
  socket.on('error', () => {});
  socket.once('finish', () => socket.destroy());
  socket.end(
    `HTTP/1.1 ${status} ${body.title}\r\nconnection: close\r\ncontent-type: application/problem+json\r\n` +
      `content-length: ${Buffer.byteLength(text)}\r\n\r\n${text}`,
  );
}

/** What was no request, or had none's bounds: answered like every other mistake of a caller's. */
function unreadable(error: Error): AppError {
  const overflow = (error as NodeJS.ErrnoException).code === 'HPE_HEADER_OVERFLOW';
  return new AppError('invalid_request', {
    message: overflow ? 'path and headers are longer than 16 KiB together' : 'this is no HTTP request',
  });
}
