/** Whether the peer is still there: a ping after silence, and an ending after more of it. */
import type { CancelTimer, Clock } from '../platform/clock.ts';
import type { Pace } from './features.ts';
import { DEAD_AFTER_SILENCE_MS, PING_AFTER_SILENCE_MS } from './limits.ts';

/** How often silence is measured: the ping comes at most this late; the ending has a timer of its own once it is near. */
const CHECK_INTERVAL_MS = 500;
/** The ending comes this much before the time is over, so that whoever watches has heard of it by then. */
const LEAD_MS = 250;
/** A check this late means that this process slept (SIGSTOP, a laptop's lid): the silence says nothing of the peer. */
const LATE_MS = 3_000;

const PACE: Readonly<Pace> = { pingMs: PING_AFTER_SILENCE_MS, deadMs: DEAD_AFTER_SILENCE_MS };

export interface LivenessOptions {
  clock: Clock;
  ping: () => void;
  /** Called once. */
  dead: () => void;
  /** Bytes received so far: half of a large frame is a sign of life that no message has told of. */
  bytesRead?: () => number;
  /** The pace that holds now, where another than the protocol's may; undefined for that one. */
  pace?: () => Pace | undefined;
}

export class Liveness {
  readonly #options: LivenessOptions;
  #heardAt = 0;
  #checkedAt = 0;
  #bytes = 0;
  /** When the silence was broken by a ping of ours. */
  #pingedAt: number | undefined;
  #suspended = false;
  #leave: CancelTimer | undefined;
  #cancelLast: CancelTimer | undefined;

  constructor(options: LivenessOptions) {
    this.#options = options;
  }

  start(): void {
    if (this.#leave) return;
    this.heard();
    this.#checkedAt = this.#heardAt;
    this.#leave = rounds.join(this.#options.clock, () => this.#check());
  }

  /** Something came in. */
  heard(): void {
    const { clock, bytesRead } = this.#options;
    this.#heardAt = clock.monotonic();
    // Its bytes are told of with it: the next check must not take them for something later.
    this.#bytes = bytesRead?.() ?? 0;
    this.#pingedAt = undefined;
  }

  /** We are not reading on purpose: silence means nothing until `resume`. */
  suspend(): void {
    this.#suspended = true;
  }

  resume(): void {
    if (!this.#suspended) return;
    this.#suspended = false;
    this.heard();
  }

  /** Asks now, with no more time for the answer than there would be after a silence: whoever slept wants to know soon. */
  probe(): void {
    if (!this.#leave || this.#suspended) return;
    this.#ask(this.#options.clock.monotonic());
  }

  stop(): void {
    this.#leave?.();
    this.#leave = undefined;
    this.#cancelLast?.();
    this.#cancelLast = undefined;
  }

  #check(): void {
    const { clock, ping, dead, bytesRead } = this.#options;
    const now = clock.monotonic();
    const late = now - this.#checkedAt > LATE_MS;
    this.#checkedAt = now;
    if (this.#suspended) return;
    if ((bytesRead?.() ?? 0) !== this.#bytes) this.heard();
    const { pingMs, deadMs } = this.#pace();
    const silenceMs = now - this.#heardAt;
    // After a sleep: ask again, with the whole time for the answer, before calling the peer dead.
    if (late && silenceMs >= pingMs) return this.#ask(now);
    if (silenceMs < pingMs) return;
    if (this.#pingedAt === undefined) {
      this.#pingedAt = now;
      ping();
      return;
    }
    // Where the pace has just become quicker, the silence so far was a right of the peer's: it was asked first.
    const answerMs = deadMs - pingMs - CHECK_INTERVAL_MS - LEAD_MS;
    const leftMs = Math.max(deadMs - LEAD_MS - silenceMs, answerMs - (now - this.#pingedAt));
    if (leftMs <= 0) {
      this.stop();
      dead();
    } else if (leftMs < CHECK_INTERVAL_MS) {
      this.#cancelLast?.();
      this.#cancelLast = clock.after(leftMs, () => this.#check());
    }
  }

  #ask(now: number): void {
    this.#heardAt = now - this.#pace().pingMs;
    this.#pingedAt = now;
    this.#options.ping();
  }

  #pace(): Pace {
    return this.#options.pace?.() ?? PACE;
  }
}

/** One timer a clock for all connections: ten thousand of them cost two wake-ups a second. */
class Rounds {
  readonly #byClock = new WeakMap<Clock, { members: Set<() => void>; cancel: CancelTimer }>();

  join(clock: Clock, check: () => void): CancelTimer {
    let round = this.#byClock.get(clock);
    if (!round) {
      const members = new Set<() => void>();
      const cancel = clock.every(CHECK_INTERVAL_MS, () => {
        // A set may lose members while it is walked; one that joins is looked at in this round already.
        for (const member of members) member();
      });
      round = { members, cancel };
      this.#byClock.set(clock, round);
    }
    const { members, cancel } = round;
    members.add(check);
    return () => {
      members.delete(check);
      if (members.size > 0) return;
      cancel();
      if (this.#byClock.get(clock)?.members === members) this.#byClock.delete(clock);
    };
  }
}

const rounds = new Rounds();
