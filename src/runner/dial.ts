/** The runner's socket port: opens one WebSocket with the token in the upgrade's Authorization header. */
import type { Agent } from 'node:http';
import type { Socket } from 'node:net';
import { WebSocket } from 'ws';
import { messageOf } from '../errors.ts';
import { coalesce } from '../platform/coalesce.ts';
import { isLoopbackHost } from '../platform/network.ts';
import { CLOSE } from '../protocol/close-codes.ts';
import { MAX_FRAGMENTS, MAX_FRAME_BYTES } from '../protocol/limits.ts';
import type { Ending } from './ending.ts';
import { endingOfAnswer } from './upgrade-answer.ts';

/** `maxFragments` is an option that the types of ws do not know yet. */
const MESSAGE_LIMITS = { maxPayload: MAX_FRAME_BYTES, maxFragments: MAX_FRAGMENTS };
/** Longest wait for DNS, connect, TLS and the upgrade together. */
const DIAL_TIMEOUT_MS = 10_000;
/** A close frame that is not answered by then is taken as read. */
const CLOSE_TIMEOUT_MS = 2_000;
/** Sent bytes the operating system has not taken: above the first a sender waits until below the second. */
const HIGH_WATER_BYTES = 1_048_576;
const LOW_WATER_BYTES = 262_144;

/** An open WebSocket. */
export interface Wire {
  /** A text frame, or a binary one where that was negotiated. */
  send(data: string | Buffer): void;
  /** Resolves when there is room to send more; undefined when there is. */
  writable(): Promise<void> | undefined;
  ping(payload?: string): void;
  /** Bytes received since the connection opened. */
  bytesRead(): number;
  /** Starts the closing handshake; the connection is cut if it is not answered. */
  close(code: number, reason: string): void;
}

export interface WireHandlers {
  /** The upgrade was accepted. */
  open(wire: Wire): void;
  text(message: string): void;
  /** Anything at all came in, pings and pongs included. */
  heard(): void;
  /** The answer to a ping, with what was in it. */
  pong(payload: string): void;
  /** Called exactly once, last. */
  ended(ending: Ending): void;
}

export interface DialOptions {
  url: string;
  token: string;
  /** PEM certificates to trust beside the system's. */
  ca?: string[] | undefined;
  /** How the connection is made; undefined for the direct way. */
  agent?: Agent | undefined;
}

/** Aborts an attempt that has not ended; `ended` is still called. */
export type Dial = (options: DialOptions, handlers: WireHandlers) => { abort(): void };

export const dialWebSocket: Dial = (options, handlers) => {
  const socket = new WebSocket(options.url, {
    headers: { authorization: `Bearer ${options.token}` },
    handshakeTimeout: DIAL_TIMEOUT_MS,
    ...MESSAGE_LIMITS,
    // Compression costs a megabyte a connection and invites deflate bombs; rows compress better in TLS-terminating proxies.
    perMessageDeflate: false,
    followRedirects: false,
    ...(isUnseen(options.url) ? { generateMask: noMask } : {}),
    ...(options.ca === undefined ? {} : { ca: options.ca }),
    ...(options.agent === undefined ? {} : { agent: options.agent }),
  });
  let transport: Socket | undefined;
  let beforeWrite: (bytes: number) => void = () => {};
  let failure: Ending | undefined;
  let waiting: (() => void)[] = [];
  let cutTimer: NodeJS.Timeout | undefined;

  const release = (): void => {
    const released = waiting;
    waiting = [];
    for (const resolve of released) resolve();
  };
  const sent = (): void => {
    if (waiting.length > 0 && socket.bufferedAmount < LOW_WATER_BYTES) release();
  };
  const wire: Wire = {
    send: data => {
      if (socket.readyState !== WebSocket.OPEN) return;
      beforeWrite(data.length);
      // Nobody waits below the low water mark: the last of what is above it tells those who do.
      if (socket.bufferedAmount + data.length < LOW_WATER_BYTES) socket.send(data);
      else socket.send(data, sent);
    },
    writable: () =>
      socket.bufferedAmount < HIGH_WATER_BYTES || socket.readyState !== WebSocket.OPEN
        ? undefined
        : new Promise(resolve => waiting.push(resolve)),
    ping: payload => {
      if (socket.readyState === WebSocket.OPEN) socket.ping(payload);
    },
    bytesRead: () => transport?.bytesRead ?? 0,
    close: (code, reason) => {
      socket.close(code, Buffer.from(reason).subarray(0, 120).toString());
      // A peer that was not heard will not answer either: it is told, and not waited for.
      if (code === CLOSE.nothingHeard) setImmediate(() => socket.terminate());
      cutTimer ??= setTimeout(() => socket.terminate(), CLOSE_TIMEOUT_MS);
    },
  };

  socket.on('upgrade', response => {
    transport = response.socket;
    beforeWrite = coalesce(transport);
    transport.setNoDelay(true);
  });
  socket.on('open', () => handlers.open(wire));
  socket.on('message', (data, isBinary) => {
    handlers.heard();
    // Version 1 has text frames only; what a newer peer may put in a binary one was not negotiated.
    if (!isBinary) handlers.text(data.toString());
  });
  socket.on('ping', () => handlers.heard());
  socket.on('pong', payload => {
    handlers.heard();
    handlers.pong(payload.toString('latin1'));
  });
  socket.on('unexpected-response', (request, response) => {
    failure = endingOfAnswer({ status: response.statusCode ?? 0, headers: response.headers });
    response.resume();
    request.destroy();
    socket.terminate();
  });
  socket.on('error', error => {
    failure ??= failureOf(error);
  });
  socket.on('close', (code, reason) => {
    clearTimeout(cutTimer);
    release();
    const saidByPeer = code !== CLOSE.abnormal;
    handlers.ended(
      failure !== undefined && !saidByPeer ? failure : { kind: 'closed', code, reason: reason.toString() },
    );
  });
  return { abort: () => socket.terminate() };
};

/** As `dialWebSocket`, through the agent that each URL asks for; undefined where the way is direct. */
export function dialThrough(agentOf: (options: DialOptions) => Promise<Agent | undefined> | undefined): Dial {
  return (options, handlers) => {
    const coming = agentOf(options);
    if (!coming) return dialWebSocket(options, handlers);
    let dialled: { abort(): void } | undefined;
    let aborted = false;
    const end = (message: string): void => handlers.ended({ kind: 'unreachable', message });
    coming.then(
      agent => {
        if (aborted) end('given up');
        else dialled = dialWebSocket({ ...options, agent }, handlers);
      },
      error => end(messageOf(error)),
    );
    return {
      abort: () => {
        aborted = true;
        dialled?.abort();
      },
    };
  };
}

/**
 * Whether nobody between the two ends sees the frames: inside TLS, or on this machine. Masks hide a browser script's
 * bytes from proxies that might take them for HTTP, and cost a third of the runner's time on a long read
 * (docs/adr/0006-masks.md).
 */
function isUnseen(url: string): boolean {
  const { protocol, hostname } = new URL(url);
  return protocol === 'wss:' || isLoopbackHost(hostname);
}

/** Zeros: with them the bytes are sent as they are. */
function noMask(mask: Buffer): void {
  mask.fill(0);
}

/** What failed, in words that hold neither token nor URL. */
function failureOf(error: Error & { code?: string }): Ending {
  const text = NETWORK_ERRORS[error.code ?? ''];
  if (text !== undefined) return { kind: 'unreachable', message: text };
  if (/handshake has timed out/i.test(error.message)) {
    return { kind: 'unreachable', message: `no answer within ${DIAL_TIMEOUT_MS / 1000} s` };
  }
  return { kind: 'unreachable', message: messageOf(error) };
}

const NETWORK_ERRORS: Record<string, string> = {
  ENOTFOUND: 'DNS: no such host',
  EAI_AGAIN: 'DNS: no answer from the name server',
  ECONNREFUSED: 'connection refused: nothing listens there',
  ECONNRESET: 'connection reset',
  EHOSTUNREACH: 'no route to the host',
  ENETUNREACH: 'no route to the network',
  ETIMEDOUT: 'connection timed out',
  CERT_HAS_EXPIRED: 'TLS: the certificate has expired',
  ERR_TLS_CERT_ALTNAME_INVALID: 'TLS: the certificate is for another host name',
  DEPTH_ZERO_SELF_SIGNED_CERT: 'TLS: the certificate is self-signed; trust it with --ca-file',
  SELF_SIGNED_CERT_IN_CHAIN:
    'TLS: the chain ends in a certificate that is not trusted; trust it with --ca-file',
  UNABLE_TO_VERIFY_LEAF_SIGNATURE:
    'TLS: the certificate is signed by an unknown authority; trust it with --ca-file',
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY:
    'TLS: the certificate is signed by an unknown authority; trust it with --ca-file',
};
