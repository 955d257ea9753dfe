/** Small writes of one turn of the loop leave in one system call. */
import type { Writable } from 'node:stream';

/** What is larger is worth a call of its own, and should not wait. */
const SMALL_BYTES = 16_384;

/** To be called before each write, with its size. */
export function coalesce(socket: Pick<Writable, 'cork' | 'uncork'>): (bytes: number) => void {
  let corked = false;
  return bytes => {
    if (corked || bytes > SMALL_BYTES) return;
    corked = true;
    socket.cork();
    // After whatever else is ready now has been read, and before the loop waits again.
    setImmediate(() => {
      corked = false;
      socket.uncork();
    });
  };
}
