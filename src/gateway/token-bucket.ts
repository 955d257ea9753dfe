/** A rate with room for bursts: what refills by the second is taken one at a time. */
import type { Clock } from '../platform/clock.ts';

export interface Rate {
  /** What may be taken at once. */
  capacity: number;
  perSecond: number;
}

export class TokenBucket {
  readonly #clock: Clock;
  readonly #rate: Rate;
  #left: number;
  #filledAt: number;

  constructor(clock: Clock, rate: Rate) {
    this.#clock = clock;
    this.#rate = rate;
    this.#left = rate.capacity;
    this.#filledAt = clock.monotonic();
  }

  /** Whether there was one to take. */
  take(): boolean {
    if (this.#left < 1) this.#fill();
    if (this.#left < 1) return false;
    this.#left--;
    return true;
  }

  #fill(): void {
    const now = this.#clock.monotonic();
    const { capacity, perSecond } = this.#rate;
    this.#left = Math.min(capacity, this.#left + ((now - this.#filledAt) / 1_000) * perSecond);
    this.#filledAt = now;
  }
}
