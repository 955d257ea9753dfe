/** How many jobs run, in all and of each source: shared by the connections of a runner, of which two may overlap. */

export interface JobSlotsOptions {
  /** Jobs at once. */
  concurrency: number;
  /** Jobs at once of one source. */
  concurrencyOf: (source: string) => number;
}

export class JobSlots {
  readonly #options: JobSlotsOptions;
  readonly #bySource = new Map<string, number>();
  readonly #listeners = new Set<() => void>();
  #taken = 0;

  constructor(options: JobSlotsOptions) {
    this.#options = options;
  }

  hasRoom(source: string): boolean {
    const { concurrency, concurrencyOf } = this.#options;
    return this.#taken < concurrency && (this.#bySource.get(source) ?? 0) < concurrencyOf(source);
  }

  take(source: string): void {
    this.#taken++;
    this.#bySource.set(source, (this.#bySource.get(source) ?? 0) + 1);
  }

  /** Whoever waits looks again before this returns. */
  give(source: string): void {
    this.#taken--;
    const left = (this.#bySource.get(source) ?? 0) - 1;
    if (left > 0) this.#bySource.set(source, left);
    else this.#bySource.delete(source);
    for (const listener of [...this.#listeners]) listener();
  }

  /** Calls `listener` whenever a slot becomes free, until the returned is called. */
  onFree(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }
}
