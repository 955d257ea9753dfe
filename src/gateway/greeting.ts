/** A connection from its upgrade on: the handshake, then its frames to the session it becomes. */
import type { IncomingMessage } from 'node:http';
import type { RawData, WebSocket } from 'ws';
import type { Clock } from '../platform/clock.ts';
import { coalesce } from '../platform/coalesce.ts';
import { FairReading } from '../platform/fair-reading.ts';
import type { Random } from '../platform/random.ts';
import { CLOSE } from '../protocol/close-codes.ts';
import { decodeClientFrame } from '../protocol/codec.ts';
import { type AcceptedFeatures, acceptFeatures } from '../protocol/features.ts';
import { FrameError } from '../protocol/frame-fields.ts';
import type { AssignedSource, ClientHello } from '../protocol/frames.ts';
import { HELLO_TIMEOUT_MS, PROTOCOL_VERSION } from '../protocol/limits.ts';
import { Liveness } from '../protocol/liveness.ts';
import { decodeRows } from '../protocol/raw-rows.ts';
import { RoundTrip } from '../protocol/round-trip.ts';
import type { Store } from '../store/store.ts';
import type { AttemptLimit } from './attempt-limit.ts';
import type { GatewayMetrics } from './metrics.ts';
import { closePatiently, RunnerSession, type SessionFrame } from './runner-session.ts';
import type { InMemorySessions } from './session-directory.ts';
import { TokenBucket } from './token-bucket.ts';

/** Far more than cross with the cancels of 1,024 jobs, or come of a runner that beats for each of its pings. */
const IDLE_FRAMES = { capacity: 20_000, perSecond: 1_000 };

/** Replicas of one runner. Beyond it something starts them and does not know when to stop. */
const MAX_SESSIONS_PER_RUNNER = 1_024;

const LEAVING = 'gateway shutting down';

export interface GreetingOptions {
  store: Store;
  sessions: InMemorySessions;
  clock: Clock;
  random: Random;
  assignedSources: (runnerId: string) => Promise<AssignedSource[]>;
  /** Whether new sessions are welcome; false while the gateway leaves. */
  accepting: () => boolean;
  /** A runner was seen, with the version it says it runs. */
  onSeen: (runnerId: string, version: string | null) => void;
  metrics: Pick<GatewayMetrics, 'sessionEnded' | 'roundTrip'>;
}

/** What is kept of the token's runner for as long as the connection lasts: of ten thousand, every word counts. */
export interface Admission {
  runnerId: string;
  runnerName: string;
  tokenHash: string;
  fingerprint: string;
}

export interface Arrival extends Admission {
  remoteAddress: string;
  attempts: AttemptLimit;
  /** Those that have not said hello yet. */
  silent: Set<Greeting>;
}

/** A connection that has authenticated and not said hello yet, then the session it becomes. */
export class Greeting {
  readonly #options: GreetingOptions;
  readonly #socket: WebSocket;
  readonly #arrival: Arrival;
  readonly #liveness: Liveness;
  readonly #roundTrip: RoundTrip;
  readonly #transport: IncomingMessage['socket'];
  readonly #idleFrames: TokenBucket;
  readonly #reading: FairReading;
  #session: RunnerSession | undefined;
  #helloSeen = false;
  #closing = false;
  #cancelTimer: () => void = () => {};

  /** The request is not kept: its head would be, for as long as the connection lasts. */
  constructor(
    options: GreetingOptions,
    socket: WebSocket,
    transport: IncomingMessage['socket'],
    arrival: Arrival,
  ) {
    this.#options = options;
    this.#socket = socket;
    this.#arrival = arrival;
    this.#transport = transport;
    this.#idleFrames = new TokenBucket(options.clock, IDLE_FRAMES);
    this.#reading = new FairReading(socket);
    transport.setNoDelay(true);
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
    const { silent } = this.#arrival;
    const cancel = this.#options.clock.after(HELLO_TIMEOUT_MS, () =>
      // This process may have stood still: what came meanwhile is read first.
      setImmediate(() => {
        if (!this.#helloSeen) this.#close(CLOSE.malformed, 'no hello');
      }),
    );
    silent.add(this);
    this.#cancelTimer = () => {
      cancel();
      silent.delete(this);
    };
  }

  /** This gateway leaves: whoever has not said hello is not waited for. */
  goAway(): void {
    this.#close(CLOSE.goingAway, LEAVING);
  }

  #message(data: RawData, isBinary: boolean): void {
    if (this.#closing) return;
    this.#liveness.heard();
    const bytes = (data as Buffer).length;
    this.#reading.received(bytes);
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
    const { runnerId, runnerName, tokenHash, fingerprint, remoteAddress } = this.#arrival;
    this.#cancelTimer();
    this.#cancelTimer = () => {};
    if (!Number.isInteger(hello.version) || hello.version < 1)
      return this.#close(CLOSE.malformed, 'hello.version');
    if ((hello.minVersion ?? 1) > PROTOCOL_VERSION) {
      return this.#close(
        CLOSE.noCommonVersion,
        `gateway speaks ${PROTOCOL_VERSION}, runner needs ${hello.minVersion}`,
      );
    }
    const named = hello.runnerId.toLowerCase() === runnerId || hello.runnerId === runnerName;
    if (!named) {
      const { attempts } = this.#arrival;
      const waitSeconds = attempts.failed(remoteAddress) ?? attempts.failed(runnerId);
      return waitSeconds === undefined
        ? this.#close(CLOSE.wrongRunner, 'the token belongs to another runner')
        : this.#close(CLOSE.tooManyAttempts, `too many attempts; retry-after=${waitSeconds}`);
    }
    if (!accepting()) return this.goAway();
    if (sessions.countOf(runnerId) >= MAX_SESSIONS_PER_RUNNER)
      return this.#close(CLOSE.tooManyAttempts, 'too many sessions of this runner; retry-after=30');

    const session = new RunnerSession({
      id: random.uuid(),
      socket: this.#socket,
      beforeWrite: coalesce(this.#transport),
      clock,
      runnerId,
      tokenHash,
      fingerprint,
      remoteAddress,
      instance: hello.instance ?? null,
      version: hello.runtimeVersion ?? null,
      capabilities: hello.capabilities,
      features: shared(acceptFeatures(hello.features ?? {})),
      pauseReading: paused => this.#pauseReading(paused),
    });
    const sources = await assignedSources(runnerId);
    if (this.#socket.readyState !== this.#socket.OPEN) return;
    // The sessions may have been sent away meanwhile: nobody would end this one.
    if (!accepting()) return this.goAway();
    // In the directory first, looked up again after: a rotation on either side of this line finds the session.
    session.acknowledge(sources, PROTOCOL_VERSION, hello.features !== undefined);
    this.#session = session;
    sessions.add(session);
    this.#roundTrip.ask();
    const still = await store.findTokenHolder(tokenHash);
    if (still?.id !== runnerId) {
      sessions.remove(session);
      return session.close(CLOSE.unauthorized, 'token rotated or revoked');
    }
    onSeen(runnerId, session.view().version);
    // An assignment may have changed while its list was being read.
    const now = await assignedSources(runnerId);
    if (JSON.stringify(now) !== JSON.stringify(sources)) session.assignmentsChanged(now);
  }

  #pauseReading(paused: boolean): void {
    if (paused) {
      this.#liveness.suspend();
      this.#reading.pause();
    } else {
      this.#reading.resume();
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

/** The runners of one version agree on the same: ten thousand of them on one object. */
function shared(features: AcceptedFeatures): AcceptedFeatures {
  const key = JSON.stringify(features);
  const known = agreed.get(key);
  if (known) return known;
  if (agreed.size < MAX_AGREED) agreed.set(key, features);
  return features;
}

const agreed = new Map<string, AcceptedFeatures>();
const MAX_AGREED = 100;
