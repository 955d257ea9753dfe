/** One connected runner process: its socket, what it may do, and the jobs in flight on it. */
import type { WebSocket } from 'ws';
import type { Clock } from '../platform/clock.ts';
import { CLOSE } from '../protocol/close-codes.ts';
import { encodeFrame } from '../protocol/codec.ts';
import { type AcceptedFeatures, DEFAULT_CONCURRENCY } from '../protocol/features.ts';
import type {
  AssignedSource,
  ClientChunk,
  ClientFrame,
  DoneMeta,
  ServerFrame,
  ServerJob,
} from '../protocol/frames.ts';
import type { ClientRows } from '../protocol/raw-rows.ts';
import type { SessionView } from './services.ts';

/** What a session tells the job it carries. Called only for the session and attempt that own the job. */
export interface AttemptHandlers {
  chunk(frame: ClientChunk | ClientRows, bytes: number): void;
  done(meta: DoneMeta | undefined): void;
  error(code: string, message: string): void;
  /** The session is gone; nothing more comes. */
  lost(reason: string): void;
}

/** What a runner sends once it has been greeted. */
export type SessionFrame = Exclude<ClientFrame, { type: 'hello' }> | ClientRows;

/** Grants are gathered to a quarter window, so that they cost a frame in hundreds of kilobytes, not one a chunk. */
const GRANT_FRACTION = 4;
/** A runner that does not end a cancelled job within this time no longer counts it against its concurrency. */
const CANCEL_PATIENCE_MS = 10_000;
/** A peer that does not answer our close by then is cut. */
const CLOSE_PATIENCE_MS = 2_000;

/** Closes, and cuts a peer that does not answer in time, or at once where it was not heard before. */
export function closePatiently(socket: WebSocket, clock: Clock, code: number, reason: string): void {
  if (code === CLOSE.nothingHeard) {
    socket.close(code, reason);
    setImmediate(() => socket.terminate());
    return;
  }
  const cancel = clock.after(CLOSE_PATIENCE_MS, () => socket.terminate());
  socket.once('close', cancel);
  socket.close(code, reason);
}

export interface RunnerSessionOptions {
  id: string;
  socket: WebSocket;
  clock: Clock;
  runnerId: string;
  tokenHash: string;
  fingerprint: string;
  remoteAddress: string;
  instance: string | null;
  version: string | null;
  capabilities: string[];
  features: AcceptedFeatures;
  /** Pauses and resumes reading from the socket, liveness with it. */
  pauseReading: (paused: boolean) => void;
}

interface Attempt {
  handlers: AttemptHandlers | undefined;
  ungrantedBytes: number;
  forget: () => void;
}

export class RunnerSession {
  readonly id: string;
  readonly runnerId: string;
  readonly tokenHash: string;
  readonly connectedAt: number;
  readonly #options: RunnerSessionOptions;
  readonly #attempts = new Map<string, Attempt>();
  readonly #stalled = new Set<string>();
  #lastHeartbeatAt: number;
  #draining = false;
  #open = true;
  #closedWith: number | undefined;
  /** Called whenever a slot becomes free. */
  onSlotFree: () => void = () => {};

  constructor(options: RunnerSessionOptions) {
    this.#options = options;
    this.id = options.id;
    this.runnerId = options.runnerId;
    this.tokenHash = options.tokenHash;
    this.connectedAt = options.clock.now();
    this.#lastHeartbeatAt = this.connectedAt;
  }

  get inFlight(): number {
    return this.#attempts.size;
  }

  get draining(): boolean {
    return this.#draining;
  }

  /** Whether rows may come as lines in binary messages. */
  get takesRawRows(): boolean {
    return this.#options.features.rawRows !== undefined;
  }

  get open(): boolean {
    return this.#open;
  }

  /** The code with which this side closed. */
  get closedWith(): number | undefined {
    return this.#closedWith;
  }

  /** Whether one more job may be sent here. */
  get hasRoom(): boolean {
    const limit = this.#options.features.concurrency?.limit ?? DEFAULT_CONCURRENCY;
    return this.#open && !this.#draining && this.#attempts.size < limit;
  }

  /** A runner that names no bridge may have any. */
  canRun(bridge: string): boolean {
    const { capabilities } = this.#options;
    return capabilities.length === 0 || capabilities.includes(bridge);
  }

  view(): SessionView {
    const { instance, version, remoteAddress, fingerprint } = this.#options;
    return {
      id: this.id,
      runnerId: this.runnerId,
      instance,
      version,
      remoteAddress,
      connectedAt: this.connectedAt,
      lastHeartbeatAt: this.#lastHeartbeatAt,
      activeJobs: this.#attempts.size,
      fingerprint,
      draining: this.#draining,
    };
  }

  begin(frame: ServerJob, handlers: AttemptHandlers): void {
    this.#attempts.set(frame.id, { handlers, ungrantedBytes: 0, forget: () => {} });
    const { caller, ...anonymous } = frame;
    this.#send(caller && this.#options.features.caller ? frame : anonymous);
  }

  /** Nobody waits for this attempt any more: the runner is told, and the slot is free when it has ended the job. */
  cancel(wireId: string): void {
    const attempt = this.#attempts.get(wireId);
    if (!attempt?.handlers) return;
    attempt.handlers = undefined;
    this.#unstall(wireId);
    this.#send({ id: wireId, type: 'cancel' });
    attempt.forget = this.#options.clock.after(CANCEL_PATIENCE_MS, () => this.#free(wireId));
    // Chunks under way still hold credit; granting it lets a waiting sender reach its own cancel check.
  }

  /** The caller has taken `bytes` of this attempt: the runner may send as many more. */
  drained(wireId: string, bytes: number): void {
    const window = this.#options.features.credit?.windowBytes;
    const attempt = this.#attempts.get(wireId);
    if (window === undefined || !attempt) return;
    attempt.ungrantedBytes += bytes;
    if (attempt.ungrantedBytes * GRANT_FRACTION < window) return;
    this.#send({ id: wireId, type: 'credit', bytes: attempt.ungrantedBytes });
    attempt.ungrantedBytes = 0;
  }

  /** A version 1 runner knows no credit: while one of its jobs is backed up, its socket is not read. */
  setStalled(wireId: string, stalled: boolean): void {
    if (this.#options.features.credit) return;
    if (!stalled) return this.#unstall(wireId);
    this.#stalled.add(wireId);
    if (this.#stalled.size === 1) this.#options.pauseReading(true);
  }

  /** A frame after the handshake. Frames of jobs that are not ours, or no longer, are ignored. */
  received(frame: SessionFrame, bytes: number): 'heartbeat' | 'drain' | undefined {
    if (!this.#open) return undefined;
    if (frame.type === 'heartbeat') {
      this.#lastHeartbeatAt = this.#options.clock.now();
      return 'heartbeat';
    }
    if (frame.type === 'drain') {
      this.#draining = true;
      return 'drain';
    }
    const handlers = this.#attempts.get(frame.id)?.handlers;
    switch (frame.type) {
      case 'chunk':
      case 'rows':
        handlers?.chunk(frame, bytes);
        return undefined;
      case 'done':
        this.#free(frame.id);
        handlers?.done(frame.meta);
        return undefined;
      case 'error':
        this.#free(frame.id);
        handlers?.error(frame.code, frame.message);
        return undefined;
    }
  }

  assignmentsChanged(assignedSources: AssignedSource[]): void {
    this.#send({ type: 'assignments-changed', assignedSources });
  }

  acknowledge(assignedSources: AssignedSource[], serverVersion: number, withFeatures: boolean): void {
    const { features } = this.#options;
    this.#send({ type: 'hello-ack', serverVersion, assignedSources, ...(withFeatures ? { features } : {}) });
  }

  /** Ends the session now: every job learns it before this returns, and no later frame is looked at. */
  close(code: number, reason: string): void {
    const { socket, clock } = this.#options;
    this.#closedWith ??= code;
    this.lost(reason);
    // A paused socket would never see the answer to our close.
    if (socket.isPaused) socket.resume();
    closePatiently(socket, clock, code, reason);
  }

  /** The socket is gone, or about to be. Idempotent. */
  lost(reason: string): void {
    if (!this.#open) return;
    this.#open = false;
    const attempts = [...this.#attempts.values()];
    this.#attempts.clear();
    for (const attempt of attempts) attempt.forget();
    for (const attempt of attempts) attempt.handlers?.lost(reason);
  }

  /** Tells the runner to come back to another gateway, or to this one later. */
  goAway(): void {
    this.close(CLOSE.goingAway, 'gateway shutting down');
  }

  #free(wireId: string): void {
    const attempt = this.#attempts.get(wireId);
    if (!attempt) return;
    attempt.forget();
    this.#attempts.delete(wireId);
    this.#unstall(wireId);
    this.onSlotFree();
  }

  #unstall(wireId: string): void {
    if (this.#stalled.delete(wireId) && this.#stalled.size === 0) this.#options.pauseReading(false);
  }

  #send(frame: ServerFrame): void {
    const { socket } = this.#options;
    if (socket.readyState === socket.OPEN) socket.send(encodeFrame(frame));
  }
}
