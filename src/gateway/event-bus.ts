/** Events of this gateway, with the last ones kept for a listener that comes back. */
import type { Clock } from '../platform/clock.ts';
import type { EventBus, GatewayEvent } from './services.ts';

/** Enough for a page that was away for a minute on a busy gateway. */
const KEPT_EVENTS = 1_000;

export type NumberedEvent = GatewayEvent & { id: number; at: number };

export class InMemoryEvents implements EventBus {
  readonly #clock: Clock;
  readonly #listeners = new Set<(event: NumberedEvent) => void>();
  readonly #kept: NumberedEvent[] = [];
  #lastId = 0;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  publish(event: GatewayEvent): void {
    const numbered = { ...event, id: ++this.#lastId, at: this.#clock.now() };
    this.#kept.push(numbered);
    // Dropped in blocks: a shift for each event would move the whole array each time.
    if (this.#kept.length > KEPT_EVENTS * 2) this.#kept.splice(0, KEPT_EVENTS);
    for (const listener of [...this.#listeners]) listener(numbered);
  }

  subscribe(listener: (event: NumberedEvent) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** What was published after the event with this id, as far as it is kept. */
  since(id: number): NumberedEvent[] {
    return this.#kept.filter(event => event.id > id);
  }
}
