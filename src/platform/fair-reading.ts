/** A source that may always have more is read in shares: between two of them whoever else is ready has a turn. */
import { bufferGarbage } from './buffer-garbage.ts';

/** A stream, or a socket of `ws`. */
export interface Pausable {
  pause(): void;
  resume(): void;
}

/** Node reads up to two megabytes in a row from a socket that is fast enough. Smaller shares cost the stream a sixth. */
const SHARE_BYTES = 524_288;

export class FairReading {
  readonly #source: Pausable;
  #shareBytes = 0;
  #resting = false;
  #paused = false;

  constructor(source: Pausable) {
    this.#source = source;
  }

  /** Tells of bytes that came, in a buffer that nobody keeps. */
  received(bytes: number): void {
    bufferGarbage.passedOn(bytes);
    this.#shareBytes += bytes;
    if (this.#shareBytes < SHARE_BYTES || this.#resting) return;
    this.#shareBytes = 0;
    this.#resting = true;
    this.#source.pause();
    setImmediate(() => {
      this.#resting = false;
      if (!this.#paused) this.#source.resume();
    });
  }

  /** For who cannot take more; what rests does not begin again before `resume`. */
  pause(): void {
    this.#paused = true;
    this.#source.pause();
  }

  resume(): void {
    this.#paused = false;
    if (!this.#resting) this.#source.resume();
  }
}
