/** The end of a job before its time, heard by the runtime without the cost of an event listener for each that waits. */

export class JobAbort {
  readonly #controller = new AbortController();
  readonly #listeners = new Set<() => void>();

  /** For bridges, which take the platform's. */
  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  get aborted(): boolean {
    return this.#controller.signal.aborted;
  }

  get reason(): unknown {
    return this.#controller.signal.reason;
  }

  /** The first reason stays. */
  abort(reason: Error): void {
    if (this.aborted) return;
    this.#controller.abort(reason);
    for (const listener of [...this.#listeners]) listener();
  }

  /** Calls `listener` once the job is aborted, at once where it was, until the returned is called. */
  onAbort(listener: () => void): () => void {
    if (this.aborted) {
      listener();
      return () => {};
    }
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }
}
