/** Notices that this process did not run for a while: its loop was blocked by a driver, or it or its machine slept. */
import type { Clock } from '../platform/clock.ts';

/** How often the loop is expected to turn. */
const TURN_MS = 500;
/** Shorter than that is a pause of the garbage collector or of a busy machine, and nobody waits for it. */
const NOTICEABLE_MS = 1_000;
/** A wall clock that is ahead by so much more than the monotonic one was not set: the machine was suspended. */
const SUSPENDED_MS = 5_000;

export type LoopEvent =
  /** The loop did not turn, and this process was at work all the while. */
  | { type: 'loop-blocked'; blockedMs: number }
  /** Nothing of this process ran. */
  | { type: 'woke'; sleptMs: number };

export interface LoopWatchOptions {
  clock: Clock;
  /** Milliseconds of processor time this process has used. */
  cpuMs: () => number;
  onEvent: (event: LoopEvent) => void;
}

/** Watches until the returned is called. */
export function watchLoop({ clock, cpuMs, onEvent }: LoopWatchOptions): () => void {
  let last = { monotonic: clock.monotonic(), wall: clock.now(), cpu: cpuMs() };
  return clock.every(TURN_MS, () => {
    const now = { monotonic: clock.monotonic(), wall: clock.now(), cpu: cpuMs() };
    const goneMs = now.monotonic - last.monotonic;
    const lateMs = goneMs - TURN_MS;
    // Linux stops the monotonic clock while the machine is suspended.
    const suspendedMs = now.wall - last.wall - goneMs;
    const busyMs = now.cpu - last.cpu;
    last = now;
    if (suspendedMs >= SUSPENDED_MS) onEvent({ type: 'woke', sleptMs: Math.round(suspendedMs + lateMs) });
    else if (lateMs < NOTICEABLE_MS) return;
    else if (busyMs >= lateMs / 2) onEvent({ type: 'loop-blocked', blockedMs: Math.round(lateMs) });
    else onEvent({ type: 'woke', sleptMs: Math.round(lateMs) });
  });
}

/** Of this process. */
export function processCpuMs(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1_000;
}
