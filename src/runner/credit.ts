/** Byte credit of one job: the sender waits here until the caller has drained what is under way. */

export class Credit {
  #bytes: number;
  #wake: (() => void) | undefined;

  /** @param windowBytes what may be sent before the first grant; undefined where credit was not negotiated. */
  constructor(windowBytes: number | undefined) {
    this.#bytes = windowBytes ?? Number.POSITIVE_INFINITY;
  }

  grant(bytes: number): void {
    this.#bytes += bytes;
    if (this.#bytes > 0) this.#release();
  }

  spend(bytes: number): void {
    this.#bytes -= bytes;
  }

  /** Resolves when something may be sent, or when the job was aborted. One frame may overdraw the account. */
  available(signal: AbortSignal): Promise<void> | undefined {
    if (this.#bytes > 0 || signal.aborted) return undefined;
    return new Promise(resolve => {
      const done = (): void => {
        signal.removeEventListener('abort', done);
        resolve();
      };
      this.#wake = done;
      signal.addEventListener('abort', done, { once: true });
    });
  }

  #release(): void {
    const wake = this.#wake;
    this.#wake = undefined;
    wake?.();
  }
}
