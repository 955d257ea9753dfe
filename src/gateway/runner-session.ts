/** One connected runner process: its socket, what it may do, and the jobs in flight on it. */
import type { WebSocket } from 'ws';
import { assertNever } from '../errors.ts';
import type { Clock } from '../platform/clock.ts';
import { CLOSE } from '../protocol/close-codes.ts';
import { encodeFrame, encodeJob } from '../protocol/codec.ts';
import {
  type AcceptedFeatures,
  CREDIT_GRANT_BYTES,
  DEFAULT_CONCURRENCY,
  type Pace,
} from '../protocol/features.ts';
import type {
  AssignedSource,
  ClientChunk,
  ClientFrame,
  ClientReject,
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
  /** The runner did not begin it. */
  rejected(): void;
  /** The session is gone; nothing more comes. */
  lost(reason: string): void;
}

/** What a runner sends once it has been greeted. */
export type SessionFrame = Exclude<ClientFrame, { type: 'hello' }> | ClientRows;

/** A runner that does not end a cancelled job within this time no longer counts it against its concurrency. */
const CANCEL_PATIENCE_MS = 10_000;
/** A peer that does not answer our close by then is cut. */
const CLOSE_PATIENCE_MS = 2_000;
/** How long a runner that had no room for a source is taken at its word, where none of its jobs ends sooner. */
const BUSY_MS = 250;

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
  /** To be called before each write to the socket, with its size. */
  beforeWrite: (bytes: number) => void;
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
  sourceId: string;
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
  /** Jobs whose callers do not keep up; there are none of most sessions for ever. */
  #stalled: Set<string> | undefined;
  /** When each job of which nothing was heard yet was sent, oldest first; empty where jobs are not accepted. */
  readonly #unheard = new Map<string, number>();
  /** Sources for which the runner had no room. */
  #busy: Set<string> | undefined;
  #lastHeartbeatAt: number;
  #draining = false;
  #open = true;
  #endings = 0;
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

  /** Whether one more job of this source may be sent here. */
  hasRoom(sourceId: string): boolean {
    const limit = this.#options.features.concurrency?.limit ?? DEFAULT_CONCURRENCY;
    return this.#open && !this.#draining && this.#attempts.size < limit && !this.#busy?.has(sourceId);
  }

  /** What silence means on this connection now; undefined for what the protocol says of every one. */
  get pace(): Pace | undefined {
    return this.#attempts.size > 0 ? this.#options.features.fastPing : undefined;
  }

  /** Whether nothing was heard of this job for longer than the runner has to take it. */
  isOverdue(wireId: string): boolean {
    return this.#overdue(this.#unheard.get(wireId));
  }

  /** Whether the runner takes what it is sent in time. The loop of one that does not may be blocked. */
  get answering(): boolean {
    const [oldest] = this.#unheard.values();
    return !this.#overdue(oldest);
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
    const { features, clock } = this.#options;
    const sourceId = frame.params.source.id;
    this.#attempts.set(frame.id, { handlers, sourceId, ungrantedBytes: 0, forget: () => {} });
    if (features.attempts) this.#unheard.set(frame.id, clock.monotonic());
    const { id, params, deadlineMs, caller, attempt } = frame;
    const agreed: ServerJob = { id, type: 'job', params, deadlineMs };
    if (caller && features.caller) agreed.caller = caller;
    if (attempt !== undefined && features.attempts) agreed.attempt = attempt;
    this.#sendText(encodeJob(agreed));
  }

  /** Nobody waits for this attempt any more: the runner is told, and the slot is free when it has ended the job. */
  cancel(wireId: string): void {
    const attempt = this.#attempts.get(wireId);
    if (!attempt?.handlers) return;
    attempt.handlers = undefined;
    this.#unstall(wireId);
    this.#send({ id: wireId, type: 'cancel' });
    attempt.forget = this.#options.clock.after(CANCEL_PATIENCE_MS, () => this.#free(wireId));
  }

  /** The caller has taken `bytes` of this attempt: the runner may send as many more. */
  drained(wireId: string, bytes: number): void {
    const { credit } = this.#options.features;
    const attempt = this.#attempts.get(wireId);
    if (!credit || !attempt) return;
    attempt.ungrantedBytes += bytes;
    if (attempt.ungrantedBytes < CREDIT_GRANT_BYTES) return;
    this.#send({ id: wireId, type: 'credit', bytes: attempt.ungrantedBytes });
    attempt.ungrantedBytes = 0;
  }

  /**
   * A version 1 runner knows no credit: while one of its jobs is backed up, its socket is not read.
   *
   * @returns whether that is how it is paced.
   */
  setStalled(wireId: string, stalled: boolean): boolean {
    if (this.#options.features.credit) return false;
    if (stalled) {
      this.#stalled ??= new Set();
      this.#stalled.add(wireId);
      if (this.#stalled.size === 1) this.#options.pauseReading(true);
    } else this.#unstall(wireId);
    return true;
  }

  /**
   * A frame after the handshake. Frames of jobs that are not ours, or no longer, do nothing.
   *
   * @returns what there was to notice; `idle` for a frame that nothing came of.
   */
  received(frame: SessionFrame, bytes: number): 'heartbeat' | 'drain' | 'idle' | undefined {
    if (!this.#open) return undefined;
    if (frame.type === 'heartbeat') {
      this.#lastHeartbeatAt = this.#options.clock.now();
      return 'heartbeat';
    }
    if (frame.type === 'drain') {
      if (!this.#options.features.drain) return 'idle';
      this.#draining = true;
      this.#acknowledgeEndings();
      return 'drain';
    }
    const handlers = this.#attempts.get(frame.id)?.handlers;
    const begun = !this.#unheard.delete(frame.id);
    switch (frame.type) {
      case 'chunk':
      case 'rows':
        handlers?.chunk(frame, bytes);
        break;
      case 'accept':
        return 'idle';
      case 'reject':
        // Rows of it may have reached the caller: another attempt would go into the same stream.
        if (begun) return 'idle';
        this.#rejected(frame);
        handlers?.rejected();
        break;
      case 'done':
        this.#ended(frame.id);
        handlers?.done(frame.meta);
        break;
      case 'error':
        this.#ended(frame.id);
        handlers?.error(frame.code, frame.message);
        break;
      default:
        return assertNever(frame);
    }
    return handlers ? undefined : 'idle';
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
    this.dismiss(code, reason);
    this.lost(reason);
  }

  /** Tells the runner alone; whoever calls this says `lost` in the same turn, or a frame of the runner's might count. */
  dismiss(code: number, reason: string): void {
    const { socket, clock } = this.#options;
    this.#closedWith ??= code;
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

  /** This gateway leaves: a runner that understands dials anew before it lets this connection go. */
  announceLeaving(): void {
    if (this.#options.features.drain) this.#send({ type: 'drain' });
  }

  /** Tells the runner to come back to another gateway, or to this one later. */
  goAway(): void {
    this.close(CLOSE.goingAway, 'gateway shutting down');
  }

  #ended(wireId: string): void {
    this.#endings++;
    // What has ended made room, perhaps for the source that had none.
    this.#busy = undefined;
    this.#free(wireId);
    this.#acknowledgeEndings();
  }

  /** Whoever leaves waits to hear that its endings have come; of others nobody wants to know. */
  #acknowledgeEndings(): void {
    if (this.#draining && this.#options.features.endings) this.#send({ type: 'ended', count: this.#endings });
  }

  #rejected({ id, reason }: ClientReject): void {
    const sourceId = this.#attempts.get(id)?.sourceId;
    if (sourceId === undefined) return;
    if (reason === 'draining') this.#draining = true;
    else {
      this.#busy ??= new Set();
      this.#busy.add(sourceId);
      this.#options.clock.after(BUSY_MS, () => {
        if (this.#busy?.delete(sourceId)) this.onSlotFree();
      });
    }
    this.#free(id);
  }

  #overdue(sentAt: number | undefined): boolean {
    const { features, clock } = this.#options;
    return sentAt !== undefined && clock.monotonic() - sentAt >= (features.attempts?.acceptMs ?? 0);
  }

  #free(wireId: string): void {
    const attempt = this.#attempts.get(wireId);
    if (!attempt) return;
    this.#unheard.delete(wireId);
    attempt.forget();
    this.#attempts.delete(wireId);
    this.#unstall(wireId);
    this.onSlotFree();
  }

  #unstall(wireId: string): void {
    if (this.#stalled?.delete(wireId) && this.#stalled.size === 0) this.#options.pauseReading(false);
  }

  #send(frame: ServerFrame): void {
    this.#sendText(encodeFrame(frame));
  }

  #sendText(text: string): void {
    const { socket, beforeWrite } = this.#options;
    if (socket.readyState !== socket.OPEN) return;
    beforeWrite(text.length);
    socket.send(text);
  }
}
