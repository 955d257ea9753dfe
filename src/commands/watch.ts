/** A picture that is kept current: by the service's event stream, and by asking again where there is none. */
import type { Client } from '../api/client.ts';
import type { Context } from '../cli/context.ts';
import { AppError } from '../errors.ts';

/** How old a picture may be without events, and how often a terminal is told the time anew. */
const PERIOD_MS = 1_000;

export interface Picture {
  /** Asks the service, and shows what is new; the first time whatever there is. */
  refresh(): Promise<void>;
  /** Shows the same again: times age. */
  repaint(): void;
  /** Events that it depends on. */
  concerns(type: string): boolean;
}

/** Until interrupted, which is its ordinary end. A service that restarts is waited for. */
export async function watch(picture: Picture, client: Client, ctx: Context): Promise<void> {
  const stop = new AbortController();
  const dispose = ctx.signals.on(['SIGINT', 'SIGTERM', 'SIGHUP', 'SIGBREAK'], () => stop.abort());
  try {
    await picture.refresh();
    await new Watch(picture, client, ctx, stop.signal).run();
  } finally {
    dispose();
  }
}

class Watch {
  readonly #picture: Picture;
  readonly #client: Client;
  readonly #ctx: Context;
  readonly #stop: AbortSignal;
  /** Something has happened since the picture was taken. */
  #stale = false;
  #live = false;
  #lost = false;
  #wake: () => void = () => {};

  constructor(picture: Picture, client: Client, ctx: Context, stop: AbortSignal) {
    this.#picture = picture;
    this.#client = client;
    this.#ctx = ctx;
    this.#stop = stop;
  }

  async run(): Promise<void> {
    const following = this.#follow();
    while (!this.#stop.aborted) {
      await this.#pause();
      if (this.#stop.aborted) break;
      // Without a stream of events only asking tells.
      if (this.#stale || !this.#live) await this.#refresh();
      else this.#picture.repaint();
    }
    await following;
  }

  /** A change, or a second. Changes that come while the last is being asked about are one. */
  async #pause(): Promise<void> {
    const { clock } = this.#ctx;
    const woken = new AbortController();
    this.#wake = () => woken.abort();
    const stop = AbortSignal.any([woken.signal, this.#stop]);
    if (!this.#stale) await clock.sleep(PERIOD_MS, stop);
  }

  async #refresh(): Promise<void> {
    const { output } = this.#ctx;
    this.#stale = false;
    try {
      await this.#picture.refresh();
      if (this.#lost) output.note('the service answers again');
      this.#lost = false;
    } catch (error) {
      if (!(error instanceof AppError && error.retryable)) throw error;
      if (!this.#lost) output.warn(`${error.message}; still trying`);
      this.#lost = true;
    }
  }

  /** Takes the events up again where they broke off, for as long as the service has any. */
  async #follow(): Promise<void> {
    let lastId: string | undefined;
    while (!this.#stop.aborted) {
      try {
        for await (const events of this.#client.events('/v1/events', { lastId, signal: this.#stop })) {
          this.#live = true;
          lastId = events[events.length - 1]?.id ?? lastId;
          if (events.some(one => this.#picture.concerns(one.type))) this.#changed();
        }
      } catch (error) {
        const over = error instanceof AppError && !error.retryable && error.code !== 'incomplete_response';
        this.#live = false;
        if (over || this.#stop.aborted) return;
      }
      await this.#ctx.clock.sleep(PERIOD_MS, this.#stop);
      // What happened in between may have been missed.
      this.#changed();
    }
  }

  #changed(): void {
    this.#stale = true;
    this.#wake();
  }
}
