/** Whether the peer is still there: a ping after silence, and an ending after more of it. */
import type { CancelTimer, Clock } from '../platform/clock.ts';
import { DEAD_AFTER_SILENCE_MS, PING_AFTER_SILENCE_MS } from './limits.ts';

/** How often silence is measured: the ping and the ending come at most this late. */
const CHECK_INTERVAL_MS = 250;
/** A check this late means that this process slept (SIGSTOP, a laptop's lid): the silence says nothing of the peer. */
const LATE_MS = 3_000;

export interface LivenessOptions {
  clock: Clock;
  ping: () => void;
  /** Called once. */
  dead: () => void;
  /** Bytes received so far: half of a large frame is a sign of life that no message has told of. */
  bytesRead?: () => number;
}

export class Liveness {
  readonly #options: LivenessOptions;
  #heardAt = 0;
  #checkedAt = 0;
  #bytes = 0;
  #pinged = false;
  #suspended = false;
  #leave: CancelTimer | undefined;

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
    this.#heardAt = this.#options.clock.monotonic();
    this.#pinged = false;
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

  stop(): void {
    this.#leave?.();
    this.#leave = undefined;
  }

  #check(): void {
    const { clock, ping, dead, bytesRead } = this.#options;
    const now = clock.monotonic();
    const late = now - this.#checkedAt > LATE_MS;
    this.#checkedAt = now;
    if (this.#suspended) return;
    const bytes = bytesRead?.() ?? 0;
    if (bytes !== this.#bytes) {
      this.#bytes = bytes;
      this.heard();
    }
    if (late && now - this.#heardAt >= PING_AFTER_SILENCE_MS) {
      // Ask again, with the whole time for the answer, before calling the peer dead.
      this.#heardAt = now - PING_AFTER_SILENCE_MS;
      this.#pinged = true;
      ping();
      return;
    }
    const silenceMs = now - this.#heardAt;
    if (silenceMs >= DEAD_AFTER_SILENCE_MS) {
      this.stop();
      dead();
    } else if (silenceMs >= PING_AFTER_SILENCE_MS && !this.#pinged) {
      this.#pinged = true;
      ping();
    }
  }
}

/** One timer a clock for all connections: ten thousand of them cost four wake-ups a second. */
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
