/** Byte credit of one job: the sender waits here until the caller has drained what is under way. */
import type { CreditTerms } from '../protocol/features.ts';
import type { JobAbort } from './job-abort.ts';

/** A small answer waits behind all that is under way. More than one grant: with less, sender and gateway would both wait. */
const SHARED_GRANTS = 1.5;
/** Of a gateway that does not say when it grants again: once a quarter of the window was taken, as the first did. */
const GRANT_FRACTION = 1 / 4;

export class Credit {
  #bytes: number;
  readonly #withheldBytes: number;
  readonly #isShared: () => boolean;
  #wake: (() => void) | undefined;

  /**
   * @param terms undefined where credit was not negotiated.
   * @param isShared whether other jobs want the connection too: then less of it is under way at once.
   */
  constructor(terms: CreditTerms | undefined, isShared: () => boolean) {
    this.#bytes = terms?.windowBytes ?? Number.POSITIVE_INFINITY;
    this.#withheldBytes = terms ? withheldBytes(terms) : 0;
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

function withheldBytes({ windowBytes, grantBytes = windowBytes * GRANT_FRACTION }: CreditTerms): number {
  return Math.max(0, windowBytes - SHARED_GRANTS * grantBytes);
}
