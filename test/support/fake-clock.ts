/** A clock that tests turn by hand: timers fire in order, and promises settle between them. */
import { type Clock, sleepOn } from '../../src/platform/clock.ts';

interface Timer {
  at: number;
  order: number;
  periodMs: number | undefined;
  fn: () => void;
}

export class FakeClock implements Clock {
  #now: number;
  #order = 0;
  readonly #timers = new Set<Timer>();
  /** How far the time of day was set forward, or back; timers do not notice. */
  jumpedMs = 0;

  constructor(startMs = 1_700_000_000_000) {
    this.#now = startMs;
  }

  now(): number {
    return this.#now + this.jumpedMs;
  }

  monotonic(): number {
    return this.#now;
  }

  after(delayMs: number, fn: () => void): () => void {
    return this.#add(delayMs, fn, undefined);
  }

  every(periodMs: number, fn: () => void): () => void {
    return this.#add(periodMs, fn, periodMs);
  }

  sleep(delayMs: number, signal?: AbortSignal): Promise<void> {
    return sleepOn(this, delayMs, signal);
  }

  /** Timers that wait to fire. */
  get pending(): number {
    return this.#timers.size;
  }

  /** Turns the clock by `ms`, firing what falls due on the way, each with promises settled before the next. */
  async advance(ms: number): Promise<void> {
    const end = this.#now + ms;
    await settle();
    for (;;) {
      const due = [...this.#timers]
        .filter(t => t.at <= end)
        .sort((a, b) => a.at - b.at || a.order - b.order)[0];
      if (!due) break;
      this.#now = Math.max(this.#now, due.at);
      if (due.periodMs === undefined) this.#timers.delete(due);
      else due.at += due.periodMs;
      due.fn();
      await settle();
    }
    this.#now = end;
    await settle();
  }

  /** Jumps ahead with nothing fired on the way, as for a process that was stopped; timers are late afterwards. */
  leap(ms: number): void {
    this.#now += ms;
  }

  /** As of a process that was busy or stopped: what fell due fires now, before anything that came meanwhile is read. */
  stall(ms: number): void {
    this.#now += ms;
    for (const timer of [...this.#timers].sort((a, b) => a.at - b.at || a.order - b.order)) {
      if (timer.at > this.#now || !this.#timers.has(timer)) continue;
      if (timer.periodMs === undefined) this.#timers.delete(timer);
      else timer.at = this.#now + timer.periodMs;
      timer.fn();
    }
  }

  #add(delayMs: number, fn: () => void, periodMs: number | undefined): () => void {
    const timer: Timer = { at: this.#now + Math.max(0, delayMs), order: this.#order++, periodMs, fn };
    this.#timers.add(timer);
    return () => this.#timers.delete(timer);
  }
}

/** Lets every promise that can settle without the outside world settle. */
export async function settle(): Promise<void> {
  for (let turn = 0; turn < 10; turn++) await new Promise<void>(resolve => setImmediate(resolve));
}
