/** Byte credit of one job: the sender waits here until the caller has drained what is under way. */

import type { JobAbort } from './job-abort.ts';

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
  available(abort: JobAbort): Promise<void> | undefined {
    if (this.#bytes > 0 || abort.aborted) return undefined;
    return new Promise(resolve => {
      const forget = abort.onAbort(resolve);
      this.#wake = () => {
        forget();
        resolve();
      };
    });
  }

  #release(): void {
    const wake = this.#wake;
    this.#wake = undefined;
    wake?.();
  }
}
