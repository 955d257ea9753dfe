/** When each runner was last seen, gathered in memory and written in batches: a heartbeat costs no disk write. */
import type { Clock } from '../platform/clock.ts';
import type { Store } from '../store/store.ts';

/** Well inside the 30 s that a crash may cost. */
const FLUSH_INTERVAL_MS = 10_000;

export class LastSeen {
  readonly #store: Store;
  readonly #clock: Clock;
  #seen = new Map<string, { at: number; version: string | null }>();
  #writing = new Map<string, { at: number; version: string | null }>();
  #cancel: () => void = () => {};

  constructor(store: Store, clock: Clock) {
    this.#store = store;
    this.#clock = clock;
  }

  /** When a runner was last seen, where that is later than what the store knows. */
  of(runnerId: string): { at: number; version: string | null } | undefined {
    return this.#seen.get(runnerId) ?? this.#writing.get(runnerId);
  }

  start(): void {
    this.#cancel = this.#clock.every(FLUSH_INTERVAL_MS, () => void this.#flush());
  }

  note(runnerId: string, version: string | null): void {
    this.#seen.set(runnerId, { at: this.#clock.now(), version });
  }

  async close(): Promise<void> {
    this.#cancel();
    await this.#flush();
  }

  async #flush(): Promise<void> {
    if (this.#seen.size === 0) return;
    const batch = this.#seen;
    this.#seen = new Map();
    this.#writing = batch;
    try {
      await this.#store.recordSeen([...batch].map(([runnerId, seen]) => ({ runnerId, ...seen })));
    } catch {
      // Kept for the next round, unless newer sightings came in meanwhile.
      for (const [runnerId, seen] of batch) if (!this.#seen.has(runnerId)) this.#seen.set(runnerId, seen);
    }
  }
}
