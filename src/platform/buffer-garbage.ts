/**
 * Has V8 free the buffers that a stream has passed on, before it would by itself. They are young garbage, which a minor
 * collection frees in half a millisecond. But V8 makes one when objects fill its young space, and buffers hardly do:
 * their bytes are outside, where they count towards the limit for a major collection. Of a fast stream there were
 * twenty of those a second, each of milliseconds (docs/performance.md).
 */
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

/** Below the eight megabytes by which V8 lets a small heap grow between two major collections, of all a stream allocates. */
const BYTES_PER_COLLECTION = 2 * 1_048_576;

export class BufferGarbage {
  readonly #collect: () => void;
  #bytes = 0;

  constructor(collect: () => void) {
    this.#collect = collect;
  }

  /** Tells of so many bytes that left in a buffer which nobody keeps. */
  passedOn(bytes: number): void {
    this.#bytes += bytes;
    if (this.#bytes < BYTES_PER_COLLECTION) return;
    this.#bytes = 0;
    this.#collect();
  }
}

/** The heap is the process's, and so is its garbage. */
export const bufferGarbage = new BufferGarbage(() => {
  minorCollection ??= findMinorCollection();
  minorCollection();
});

let minorCollection: (() => void) | undefined;

/** V8 shows its collector to contexts that are made while the flag is set: one is, and the program's own never see it. */
function findMinorCollection(): () => void {
  const { gc: shown } = globalThis;
  if (shown) return () => void shown({ type: 'minor' });
  setFlagsFromString('--expose-gc');
  try {
    const gc: unknown = runInNewContext("typeof gc === 'function' ? gc : undefined");
    return typeof gc === 'function' ? () => gc({ type: 'minor' }) : () => {};
  } finally {
    setFlagsFromString('--no-expose-gc');
  }
}
