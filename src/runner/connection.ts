/** One connection to the gateway, from dial to ending: handshake, frames in and out, heartbeat, liveness. */
import { assertNever } from '../errors.ts';
import type { Clock } from '../platform/clock.ts';
import type { Deadlines } from '../platform/deadlines.ts';
import { CLOSE } from '../protocol/close-codes.ts';
import { decodeServerFrame, encodeFrame, redactFrame } from '../protocol/codec.ts';
import type { AcceptedFeatures } from '../protocol/features.ts';
import { FrameError } from '../protocol/frame-fields.ts';
import type { AssignedSource, ClientFrame, ServerFrame } from '../protocol/frames.ts';
import { HEARTBEAT_INTERVAL_MS, HELLO_TIMEOUT_MS, PROTOCOL_VERSION } from '../protocol/limits.ts';
import { Liveness } from '../protocol/liveness.ts';
import { RoundTrip } from '../protocol/round-trip.ts';
import type { Dial, Wire } from './dial.ts';
import type { Ending } from './ending.ts';
import type { RunnerEvent } from './events.ts';
import type { JobSlots } from './job-slots.ts';
import { JobTable, type JobWire } from './job-table.ts';
import type { Ledger } from './ledger/ledger.ts';
import type { Policy } from './policy/policy.ts';
import type { SourcePool } from './source-pool.ts';

export interface ConnectionOptions {
  url: string;
  token: string;
  ca?: string[] | undefined;
  runnerId: string;
  capabilities: string[];
  runtimeVersion: string;
  instance: string;
  concurrency: number;
  slots: JobSlots;
  deadlines: Deadlines;
  clock: Clock;
  dial: Dial;
  pool: SourcePool;
  policy?: Policy | undefined;
  ledger?: Ledger | undefined;
  onEvent: (event: RunnerEvent) => void;
  onFrame?: ((direction: 'in' | 'out', frame: unknown) => void) | undefined;
  onReady: () => void;
  onAssigned: (sources: AssignedSource[], changed: boolean) => void;
}

export class Connection {
  readonly #options: ConnectionOptions;
  readonly #liveness: Liveness;
  readonly #roundTrip: RoundTrip;
  readonly ended: Promise<Ending>;
  /** Resolves when the gateway says that it leaves. */
  readonly relieved: Promise<void>;
  #relieve!: () => void;
  #finish!: (ending: Ending) => void;
  #wire: Wire | undefined;
  #jobs: JobTable | undefined;
  #features: AcceptedFeatures = {};
  #over = false;
  #endingsHeard = 0;
  #heardOfEndings: () => void = () => {};
  #abortDial: () => void = () => {};
  #timers: (() => void)[] = [];
  /** Why we closed, where the peer's own words would be an echo of ours. */
  #ownEnding: Ending | undefined;

  constructor(options: ConnectionOptions) {
    this.#options = options;
    this.ended = new Promise(resolve => {
      this.#finish = resolve;
    });
    this.relieved = new Promise(resolve => {
      this.#relieve = resolve;
    });
    this.#liveness = new Liveness({
      clock: options.clock,
      ping: () => this.#afterReading(() => this.#wire?.ping()),
      dead: () => this.#close(CLOSE.nothingHeard, 'nothing heard'),
      bytesRead: () => this.#wire?.bytesRead() ?? 0,
      pace: () => (this.#jobs && this.#jobs.activeJobs > 0 ? this.#features.fastPing : undefined),
    });
    this.#roundTrip = new RoundTrip({
      clock: options.clock,
      ping: payload => this.#wire?.ping(payload),
      measured: durationMs => options.onEvent({ type: 'round-trip', durationMs }),
    });
  }

  /** Whether the gateway has greeted, and neither side has ended it. */
  get ready(): boolean {
    return this.#jobs !== undefined && !this.#over && this.#ownEnding === undefined;
  }

  get jobs(): JobTable | undefined {
    return this.#jobs;
  }

  start(): void {
    const { url, token, ca, dial } = this.#options;
    const attempt = dial(
      { url, token, ca },
      {
        open: wire => this.#opened(wire),
        text: text => this.#received(text),
        heard: () => this.#liveness.heard(),
        pong: payload => this.#roundTrip.answered(payload),
        ended: ending => this.#ended(ending),
      },
    );
    this.#abortDial = () => attempt.abort();
  }

  /** Tells the gateway that this runner leaves, where it understands. */
  announceDrain(): void {
    this.#jobs?.drain();
    if (this.#features.drain) this.#send({ type: 'drain' });
  }

  /** Resolves when the gateway has every ending that was sent, as far as it says so. */
  async endingsArrived(): Promise<void> {
    if (!this.#features.endings) return;
    while (this.#endingsHeard < (this.#jobs?.endings ?? 0)) {
      await new Promise<void>(resolve => {
        this.#heardOfEndings = resolve;
      });
    }
  }

  /** Asks for a sign of life now: this process has been away. */
  probe(): void {
    this.#liveness.probe();
  }

  /** Closes in an orderly way, or gives up a dial under way. */
  close(code: number, reason: string): void {
    if (this.#wire) this.#close(code, reason);
    else this.#abortDial();
  }

  /** Cuts the connection with nothing said. */
  abort(): void {
    this.#abortDial();
  }

  #opened(wire: Wire): void {
    const { runnerId, capabilities, runtimeVersion, instance, concurrency, clock } = this.#options;
    this.#wire = wire;
    this.#liveness.start();
    this.#timers.push(
      clock.after(HELLO_TIMEOUT_MS * 2, () => {
        // It said nothing wrong, it said nothing: a gateway that hangs is dialled for as long as it does.
        if (!this.#jobs) this.#close(CLOSE.nothingHeard, 'no hello-ack');
      }),
    );
    this.#send({
      type: 'hello',
      version: PROTOCOL_VERSION,
      runnerId,
      capabilities,
      runtimeVersion,
      instance,
      // Whoever watches the frames gets to see rows, not bytes.
      features: {
        concurrency: { limit: concurrency },
        drain: {},
        credit: {},
        caller: {},
        attempts: {},
        endings: {},
        fastPing: {},
        ...(this.#watched ? {} : { rawRows: {} }),
      },
    });
  }

  #received(text: string): void {
    if (this.#ownEnding) return;
    let frame: ReturnType<typeof decodeServerFrame>;
    try {
      frame = decodeServerFrame(text);
    } catch (error) {
      if (!(error instanceof FrameError)) throw error;
      if (error.jobId !== undefined && this.#jobs) {
        return this.#jobs.refuse(error.jobId, error.jobCode, `malformed job: ${error.reason}`);
      }
      this.#options.onEvent({
        type: 'warning',
        message: `the gateway sent a malformed frame: ${error.reason}`,
      });
      this.#close(CLOSE.malformed, error.reason);
      return;
    }
    if (frame.type === '$unknown') return;
    this.#options.onFrame?.('in', redactFrame(frame));
    this.#handle(frame);
  }

  #handle(frame: ServerFrame): void {
    if (frame.type === 'hello-ack') return this.#acknowledged(frame);
    const jobs = this.#jobs;
    if (!jobs) return this.#close(CLOSE.malformed, `${frame.type} before hello-ack`);
    switch (frame.type) {
      case 'assignments-changed':
        jobs.assign(frame.assignedSources);
        return this.#options.onAssigned(frame.assignedSources, true);
      case 'job':
        return jobs.begin(frame);
      case 'cancel':
        return jobs.cancel(frame.id);
      case 'credit':
        return jobs.grant(frame.id, frame.bytes);
      case 'ping':
        return this.#heartbeat();
      case 'drain':
        if (this.#features.drain) this.#relieve();
        return;
      case 'ended':
        this.#endingsHeard = frame.count;
        return this.#heardOfEndings();
      default:
        return assertNever(frame);
    }
  }

  #acknowledged(frame: Extract<ServerFrame, { type: 'hello-ack' }>): void {
    const { clock, pool, policy, ledger, slots, deadlines, onEvent } = this.#options;
    const wire = this.#wire;
    if (this.#jobs || !wire) return this.#close(CLOSE.malformed, 'second hello-ack');
    if (frame.serverVersion < 1)
      return this.#close(CLOSE.noCommonVersion, `gateway speaks ${frame.serverVersion}`);
    this.#features = frame.features ?? {};
    this.#jobs = new JobTable({
      wire: this.#watched ? this.#watchedWire(wire) : wire,
      pool,
      policy,
      ledger,
      clock,
      slots,
      deadlines,
      acceptMs: this.#features.attempts?.acceptMs,
      credit: this.#features.credit,
      rawRows: !this.#watched && this.#features.rawRows !== undefined,
      onEvent,
    });
    this.#jobs.assign(frame.assignedSources);
    this.#timers.push(
      clock.every(HEARTBEAT_INTERVAL_MS, () =>
        this.#afterReading(() => {
          this.#heartbeat();
          this.#roundTrip.ask();
        }),
      ),
    );
    this.#roundTrip.ask();
    this.#options.onAssigned(frame.assignedSources, false);
    this.#options.onReady();
  }

  /** What a timer has to say: after a sleep the reason for which the link was given up is read first; a write cuts it. */
  #afterReading(say: () => void): void {
    setImmediate(() => {
      if (!this.#over) say();
    });
  }

  #heartbeat(): void {
    this.#send({
      type: 'heartbeat',
      stats: {
        activeJobs: this.#jobs?.activeJobs ?? 0,
        memoryMb: Math.round(process.memoryUsage.rss() / 1_048_576),
      },
    });
  }

  get #watched(): boolean {
    return this.#options.onFrame !== undefined;
  }

  #watchedWire(wire: Wire): JobWire {
    return { send: text => this.#sendText(text as string), writable: () => wire.writable() };
  }

  #send(frame: ClientFrame): void {
    this.#sendText(encodeFrame(frame));
  }

  #sendText(text: string): void {
    this.#wire?.send(text);
    this.#options.onFrame?.('out', JSON.parse(text));
  }

  #close(code: number, reason: string): void {
    this.#ownEnding ??= { kind: 'closed', code, reason, ours: true };
    this.#liveness.stop();
    this.#wire?.close(code, reason);
  }

  #ended(ending: Ending): void {
    this.#over = true;
    this.#liveness.stop();
    for (const cancel of this.#timers.splice(0)) cancel();
    this.#jobs?.close();
    this.#finish(this.#ownEnding ?? ending);
  }
}
