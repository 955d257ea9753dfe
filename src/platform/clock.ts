/** The clock port: every wait and every timestamp of the product goes through it, so tests can turn it by hand. */

/** Cancels a timer; calling it twice, or after the timer fired, does nothing. */
export type CancelTimer = () => void;

export interface Clock {
  /** Wall clock, milliseconds since the epoch. May jump. */
  now(): number;
  /** Monotonic clock, milliseconds from an arbitrary start. Never jumps back. */
  monotonic(): number;
  /** Calls `fn` once after `delayMs` (clamped to 0 … 2^31-1; a Node timer beyond that fires at once). */
  after(delayMs: number, fn: () => void): CancelTimer;
  /** Calls `fn` every `periodMs`, without keeping the process alive. */
  every(periodMs: number, fn: () => void): CancelTimer;
  /** Resolves after `delayMs`, or at once when `signal` aborts (it never rejects: the caller looks at the signal). */
  sleep(delayMs: number, signal?: AbortSignal): Promise<void>;
}

/** Longest delay a Node timer honours, in milliseconds; anything longer fires at once. */
export const MAX_TIMER_MS = 2_147_483_647;

export const systemClock: Clock = {
  now: () => Date.now(),
  monotonic: () => performance.now(),
  after(delayMs, fn) {
    const timer = setTimeout(fn, clampDelay(delayMs));
    return () => clearTimeout(timer);
  },
  every(periodMs, fn) {
    const timer = setInterval(fn, clampDelay(periodMs));
    timer.unref();
    return () => clearInterval(timer);
  },
  sleep: (delayMs, signal) => sleepOn(systemClock, delayMs, signal),
};

/** `Clock.sleep` for any clock that has `after`. */
export function sleepOn(clock: Pick<Clock, 'after'>, delayMs: number, signal?: AbortSignal): Promise<void> {
  return new Promise(resolve => {
    if (signal?.aborted) return resolve();
    const wake = (): void => {
      cancel();
      signal?.removeEventListener('abort', wake);
      resolve();
    };
    const cancel = clock.after(delayMs, wake);
    signal?.addEventListener('abort', wake, { once: true });
  });
}

function clampDelay(delayMs: number): number {
  return Math.min(Math.max(delayMs, 0), MAX_TIMER_MS);
}
