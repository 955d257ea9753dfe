/** Instants by which something must have ended: one timer for all of them, for most end long before. */
import type { CancelTimer, Clock } from './clock.ts';

interface Deadline {
  at: number;
  passed: () => void;
}

export class Deadlines {
  readonly #clock: Clock;
  readonly #pending = new Set<Deadline>();
  #armedFor = Number.POSITIVE_INFINITY;
  #disarm: CancelTimer = () => {};

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /**
   * Calls `passed` after `delayMs`, unless the returned is called before. Keeps no process alive.
   *
   * @example
   * const met = deadlines.after(30_000, () => job.fail(timeout()));
   */
  after(delayMs: number, passed: () => void): CancelTimer {
    const deadline: Deadline = { at: this.#clock.monotonic() + delayMs, passed };
    this.#pending.add(deadline);
    if (deadline.at < this.#armedFor) this.#arm(deadline.at, delayMs);
    // The timer stays: to set and to clear one costs more than to find, now and then, that it had nothing to do.
    return () => this.#pending.delete(deadline);
  }

  #arm(at: number, delayMs: number): void {
    this.#disarm();
    this.#armedFor = at;
    // Every, for it keeps no process alive; once is all it takes.
    this.#disarm = this.#clock.every(Math.max(1, Math.ceil(delayMs)), () => this.#look());
  }

  #look(): void {
    this.#disarm();
    this.#armedFor = Number.POSITIVE_INFINITY;
    const now = this.#clock.monotonic();
    for (const deadline of this.#pending) {
      if (deadline.at > now) continue;
      this.#pending.delete(deadline);
      deadline.passed();
    }
    let next = Number.POSITIVE_INFINITY;
    for (const { at } of this.#pending) next = Math.min(next, at);
    if (next < this.#armedFor) this.#arm(next, next - now);
  }
}
