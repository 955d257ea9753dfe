/** How long the link takes there and back: a WebSocket ping with a number in it, and the pong that brings it back. */
import type { Clock } from '../platform/clock.ts';

export interface RoundTripOptions {
  clock: Clock;
  ping: (payload: string) => void;
  measured: (durationMs: number) => void;
}

export class RoundTrip {
  readonly #options: RoundTripOptions;
  #asked = 0;
  #askedAt: number | undefined;

  constructor(options: RoundTripOptions) {
    this.#options = options;
  }

  /** Asks anew; an answer to what was asked before counts no more. */
  ask(): void {
    this.#asked++;
    this.#askedAt = this.#options.clock.monotonic();
    this.#options.ping(String(this.#asked));
  }

  /** A pong came; one that answers another ping, or that nobody asked for, says nothing. */
  answered(payload: string): void {
    if (this.#askedAt === undefined || payload !== String(this.#asked)) return;
    const durationMs = this.#options.clock.monotonic() - this.#askedAt;
    this.#askedAt = undefined;
    this.#options.measured(durationMs);
  }
}
