/** Byte credit of one job: the sender waits here until the caller has drained what is under way. */

import type { JobAbort } from './job-abort.ts';

/**
 * A small answer waits behind all that is under way. No less than this: a gateway grants again once a quarter of the
 * window was taken, so that with a quarter or less both would wait.
 */
const SHARED_FRACTION = 3 / 8;

export class Credit {
  #bytes: number;
  readonly #withheldBytes: number;
  readonly #isShared: () => boolean;
  #wake: (() => void) | undefined;

  /**
   * @param windowBytes what may be sent before the first grant; undefined where credit was not negotiated.
   * @param isShared whether other jobs want the connection too: then less of it is under way at once.
   */
  constructor(windowBytes: number | undefined, isShared: () => boolean) {
    this.#bytes = windowBytes ?? Number.POSITIVE_INFINITY;
    this.#withheldBytes = windowBytes === undefined ? 0 : windowBytes * (1 - SHARED_FRACTION);
    this.#isShared = isShared;
  }

  grant(bytes: number): void {
    this.#bytes += bytes;
    if (this.#mayBeSent) this.#release();
  }

  spend(bytes: number): void {
    this.#bytes -= bytes;
  }

  /** Resolves when something may be sent, or when the job was aborted. One frame may overdraw the account. */
  available(abort: JobAbort): Promise<void> | undefined {
    if (this.#mayBeSent || abort.aborted) return undefined;
    return new Promise(resolve => {
      const forget = abort.onAbort(resolve);
      this.#wake = () => {
        forget();
        resolve();
      };
    });
  }

  get #mayBeSent(): boolean {
    return this.#bytes > 0 && (this.#bytes > this.#withheldBytes || !this.#isShared());
  }

  #release(): void {
    const wake = this.#wake;
    this.#wake = undefined;
    wake?.();
  }
}
