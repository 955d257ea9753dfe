/** `/connect`: authenticates the upgrade, shakes hands, and feeds a session with the frames that follow. */
import { timingSafeEqual } from 'node:crypto';
import { type IncomingMessage, STATUS_CODES } from 'node:http';
import type { Duplex } from 'node:stream';
import { type RawData, type WebSocket, WebSocketServer } from 'ws';
import type { Clock } from '../platform/clock.ts';
import { coalesce } from '../platform/coalesce.ts';
import type { Random } from '../platform/random.ts';
import { CLOSE } from '../protocol/close-codes.ts';
import { decodeClientFrame, FrameError } from '../protocol/codec.ts';
import { acceptFeatures } from '../protocol/features.ts';
import type { AssignedSource, ClientHello } from '../protocol/frames.ts';
import { HELLO_TIMEOUT_MS, MAX_FRAGMENTS, MAX_FRAME_BYTES, PROTOCOL_VERSION } from '../protocol/limits.ts';
import { Liveness } from '../protocol/liveness.ts';
import { decodeRows } from '../protocol/raw-rows.ts';
import { RoundTrip } from '../protocol/round-trip.ts';
import { hashSecret } from '../protocol/token.ts';
import type { RunnerRecord, Store } from '../store/store.ts';
import { AttemptLimit } from './attempt-limit.ts';
import type { GatewayMetrics } from './metrics.ts';
import { closePatiently, RunnerSession, type SessionFrame } from './runner-session.ts';
import type { InMemorySessions } from './session-directory.ts';
import { TokenBucket } from './token-bucket.ts';

/** A token of ours has 52 characters; the hosted service's may be longer. Anything beyond is not hashed. */
const MAX_TOKEN_LENGTH = 1_024;

/** Far more than cross with the cancels of 1,024 jobs, or come of a runner that beats for each of its pings. */
const IDLE_FRAMES = { capacity: 20_000, perSecond: 1_000 };

/** `maxFragments` is an option that the types of ws do not know yet. */
const MESSAGE_LIMITS = { maxPayload: MAX_FRAME_BYTES, maxFragments: MAX_FRAGMENTS };

/** Replicas of one runner. Beyond it something starts them and does not know when to stop. */
const MAX_SESSIONS_PER_RUNNER = 1_024;

export interface RunnerEndpointOptions {
  store: Store;
  sessions: InMemorySessions;
  clock: Clock;
  random: Random;
  assignedSources: (runnerId: string) => Promise<AssignedSource[]>;
  remoteAddressOf: (request: IncomingMessage) => string;
  /** Whether new sessions are welcome; false while the gateway leaves. */
  accepting: () => boolean;
  /** A runner was seen, with the version it says it runs. */
  onSeen: (runnerId: string, version: string | null) => void;
  metrics: Pick<GatewayMetrics, 'sessionEnded' | 'connectionRefused' | 'roundTrip'>;
}

interface Admission {
  runner: RunnerRecord;
  tokenHash: string;
  fingerprint: string;
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
    const admitted = admission;
    socket.off('error', ignore);
    this.#server.handleUpgrade(request, socket, head, webSocket => {
      const address = this.#options.remoteAddressOf(request);
      const refused = (): number | undefined =>
        this.#attempts.failed(address) ?? this.#attempts.failed(admitted.runner.id);
      new Greeting(this.#options, webSocket, request, admitted, refused).start();
    });
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
    const runner = await this.#options.store.findRunnerByTokenHash(tokenHash);
    if (!runner || presented.length > MAX_TOKEN_LENGTH) return undefined;
    const secret = [runner.token, runner.previousToken].find(
      one => one !== null && sameHash(one.hash, tokenHash),
    );
    return secret ? { runner, tokenHash, fingerprint: secret.fingerprint } : undefined;
  }
}

/** A connection that has authenticated and not said hello yet, then the session it becomes. */
class Greeting {
  readonly #options: RunnerEndpointOptions;
  readonly #socket: WebSocket;
  readonly #admission: Admission;
  readonly #refused: () => number | undefined;
  readonly #remoteAddress: string;
  readonly #liveness: Liveness;
  readonly #roundTrip: RoundTrip;
  readonly #transport: IncomingMessage['socket'];
  readonly #idleFrames: TokenBucket;
  #session: RunnerSession | undefined;
  #helloSeen = false;
  #closing = false;
  #cancelTimer: () => void = () => {};

  constructor(
    options: RunnerEndpointOptions,
    socket: WebSocket,
    request: IncomingMessage,
    admission: Admission,
    /** Notes that the token was another runner's; seconds to wait when that was too often. */
    refused: () => number | undefined,
  ) {
    this.#options = options;
    this.#refused = refused;
    this.#socket = socket;
    this.#admission = admission;
    this.#remoteAddress = options.remoteAddressOf(request);
    this.#transport = request.socket;
    this.#idleFrames = new TokenBucket(options.clock, IDLE_FRAMES);
    request.socket.setNoDelay(true);
    this.#liveness = new Liveness({
      clock: options.clock,
      ping: () => socket.ping(),
      dead: () => this.#close(CLOSE.nothingHeard, 'nothing heard'),
      bytesRead: () => this.#transport.bytesRead,
      pace: () => this.#session?.pace,
    });
    this.#roundTrip = new RoundTrip({
      clock: options.clock,
      ping: payload => socket.readyState === socket.OPEN && socket.ping(payload),
      measured: durationMs => options.metrics.roundTrip(durationMs),
    });
  }

  start(): void {
    const socket = this.#socket;
    socket.on('message', (data, isBinary) => this.#message(data, isBinary));
    socket.on('ping', () => this.#liveness.heard());
    socket.on('pong', payload => {
      this.#liveness.heard();
      this.#roundTrip.answered(payload.toString('latin1'));
    });
    // ws closes the connection itself after any error; the close event tells the rest.
    socket.on('error', () => {});
    socket.on('close', code => this.#closed(code));
    this.#liveness.start();
    this.#cancelTimer = this.#options.clock.after(HELLO_TIMEOUT_MS, () =>
      this.#close(CLOSE.malformed, 'no hello'),
    );
  }

  #message(data: RawData, isBinary: boolean): void {
    if (this.#closing) return;
    this.#liveness.heard();
    const bytes = (data as Buffer).length;
    let frame: ReturnType<typeof decodeClientFrame>;
    try {
      if (isBinary) return this.#binary(data as Buffer);
      frame = decodeClientFrame(data.toString());
    } catch (error) {
      if (!(error instanceof FrameError)) throw error;
      return this.#close(CLOSE.malformed, error.reason);
    }
    if (frame.type === '$unknown') return this.#spend();
    if (frame.type === 'hello') {
      if (this.#helloSeen) return this.#close(CLOSE.malformed, 'second hello');
      this.#helloSeen = true;
      this.#hello(frame).catch(() => this.#close(CLOSE.tryAgainLater, 'retry-after=1'));
      return;
    }
    if (!this.#session) return this.#close(CLOSE.malformed, `${frame.type} before hello-ack`);
    this.#deliver(this.#session, frame, bytes);
  }

  /** A binary message from a peer that did not negotiate them is nothing that this version knows: ignored. */
  #binary(message: Buffer): void {
    const session = this.#session;
    if (session?.takesRawRows) this.#deliver(session, decodeRows(message), message.length);
    else this.#spend();
  }

  /** A frame that nothing comes of: now and then one crosses with a cancel; a flood of them is an attack or a defect. */
  #spend(): void {
    if (!this.#idleFrames.take()) this.#close(CLOSE.tooManyAttempts, 'too many frames; retry-after=30');
  }

  #deliver(session: RunnerSession, frame: SessionFrame, bytes: number): void {
    const noticed = session.received(frame, bytes);
    if (noticed === undefined) return;
    this.#spend();
    if (noticed === 'heartbeat') {
      this.#options.onSeen(session.runnerId, session.view().version);
      this.#roundTrip.ask();
    }
    if (noticed === 'drain') this.#options.sessions.changed(session.runnerId);
  }

  async #hello(hello: ClientHello): Promise<void> {
    const { store, sessions, clock, random, assignedSources, onSeen, accepting } = this.#options;
    const { runner, tokenHash, fingerprint } = this.#admission;
    this.#cancelTimer();
    if (!Number.isInteger(hello.version) || hello.version < 1)
      return this.#close(CLOSE.malformed, 'hello.version');
    if ((hello.minVersion ?? 1) > PROTOCOL_VERSION) {
      return this.#close(
        CLOSE.noCommonVersion,
        `gateway speaks ${PROTOCOL_VERSION}, runner needs ${hello.minVersion}`,
      );
    }
    const named = hello.runnerId.toLowerCase() === runner.id || hello.runnerId === runner.name;
    if (!named) {
      const waitSeconds = this.#refused();
      return waitSeconds === undefined
        ? this.#close(CLOSE.wrongRunner, 'the token belongs to another runner')
        : this.#close(CLOSE.tooManyAttempts, `too many attempts; retry-after=${waitSeconds}`);
    }
    if (!accepting()) return this.#close(CLOSE.goingAway, 'gateway shutting down');
    if (sessions.countOf(runner.id) >= MAX_SESSIONS_PER_RUNNER)
      return this.#close(CLOSE.tooManyAttempts, 'too many sessions of this runner; retry-after=30');

    const session = new RunnerSession({
      id: random.uuid(),
      socket: this.#socket,
      beforeWrite: coalesce(this.#transport),
      clock,
      runnerId: runner.id,
      tokenHash,
      fingerprint,
      remoteAddress: this.#remoteAddress,
      instance: hello.instance ?? null,
      version: hello.runtimeVersion ?? null,
      capabilities: hello.capabilities,
      features: acceptFeatures(hello.features ?? {}),
      pauseReading: paused => this.#pauseReading(paused),
    });
    const sources = await assignedSources(runner.id);
    if (this.#socket.readyState !== this.#socket.OPEN) return;
    // In the directory first, looked up again after: a rotation on either side of this line finds the session.
    session.acknowledge(sources, PROTOCOL_VERSION, hello.features !== undefined);
    this.#session = session;
    sessions.add(session);
    this.#roundTrip.ask();
    const still = await store.findRunnerByTokenHash(tokenHash);
    if (still?.id !== runner.id) {
      sessions.remove(session);
      return session.close(CLOSE.unauthorized, 'token rotated or revoked');
    }
    onSeen(runner.id, session.view().version);
    // An assignment may have changed while its list was being read.
    const now = await assignedSources(runner.id);
    if (JSON.stringify(now) !== JSON.stringify(sources)) session.assignmentsChanged(now);
  }

  #pauseReading(paused: boolean): void {
    if (paused) {
      this.#liveness.suspend();
      this.#socket.pause();
    } else {
      this.#socket.resume();
      this.#liveness.resume();
    }
  }

  #close(code: number, reason: string): void {
    if (this.#closing) return;
    this.#closing = true;
    this.#cancelTimer();
    this.#liveness.stop();
    const session = this.#session;
    if (session) {
      session.close(code, reason);
      this.#options.sessions.remove(session);
      return;
    }
    closePatiently(this.#socket, this.#options.clock, code, reason.slice(0, 100));
  }

  #closed(code: number): void {
    this.#cancelTimer();
    this.#liveness.stop();
    const session = this.#session;
    if (!session) return;
    // Ours where we closed: a peer that was cut has said nothing.
    this.#options.metrics.sessionEnded(session.closedWith ?? code);
    session.lost('its connection closed');
    this.#options.sessions.remove(session);
    this.#options.onSeen(session.runnerId, session.view().version);
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
