/** Instants, by how long ago they are; the exact one is there to be asked for. */
import { signal } from '@preact/signals';
import { exactTime, relativeTime } from '../text/time.ts';

const TICK_MS = 15_000;

/** Now, to a quarter of a minute. */
export const now = signal(Date.now());
setInterval(() => {
  now.value = Date.now();
}, TICK_MS);

export function Ago({ at }: { at: string }) {
  return (
    <time dateTime={at} title={exactTime(at)}>
      {relativeTime(at, Math.max(now.value, Date.now()))}
    </time>
  );
}
