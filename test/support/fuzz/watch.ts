/** What a process under fire must not do: throw at nobody, warn, grow. */
import assert from 'node:assert/strict';

export interface Watch {
  /** Bytes on the heap, after everything unreachable has gone. */
  heapBytes(): Promise<number>;
  /** @throws AssertionError naming what was seen since. */
  verify(): void;
}

/** The process must have been started with `--expose-gc`. */
export function watchProcess(): Watch {
  const seen: unknown[] = [];
  for (const event of ['uncaughtException', 'unhandledRejection', 'warning'] as const)
    process.on(event, (what: unknown) => seen.push(what));
  const { gc } = globalThis;
  if (!gc) throw new Error('needs node --expose-gc');
  return {
    async heapBytes() {
      for (let round = 0; round < 3; round++) {
        // What closes does so a few turns of the loop later.
        await new Promise(resolve => setTimeout(resolve, 50));
        gc();
      }
      return process.memoryUsage().heapUsed;
    },
    verify() {
      assert.deepEqual(seen, [], 'thrown at nobody, or warned of');
    },
  };
}
