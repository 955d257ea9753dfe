/** Failed authentications by address: too many are told to wait, and the right token is never among them. */
import { isIPv6 } from 'node:net';
import type { Clock } from '../platform/clock.ts';

/** A rack of runners behind one address that all hold a rotated token stays below it; guessing gets nowhere. */
const MAX_FAILURES = 100;
const WINDOW_MS = 60_000;
/** Beyond it the oldest go, so that nobody can fill the memory with addresses. */
const MAX_ADDRESSES = 10_000;

interface Window {
  failures: number;
  endsAt: number;
}

export class AttemptLimit {
  readonly #clock: Clock;
  readonly #windows = new Map<string, Window>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /**
   * Notes a failed authentication; to be asked only after one, so that whoever has the right token is let in.
   *
   * @returns seconds to wait when there were too many, else undefined.
   */
  failed(address: string): number | undefined {
    const now = this.#clock.monotonic();
    const key = networkOf(address);
    const known = this.#windows.get(key);
    const window = known && known.endsAt > now ? known : { failures: 0, endsAt: now + WINDOW_MS };
    window.failures++;
    // Put back at the end: the first of the map is then the one that began longest ago.
    if (window !== known) {
      this.#windows.delete(key);
      this.#windows.set(key, window);
      this.#forget();
    }
    return window.failures > MAX_FAILURES ? Math.max(1, Math.ceil((window.endsAt - now) / 1000)) : undefined;
  }

  #forget(): void {
    if (this.#windows.size <= MAX_ADDRESSES) return;
    const [oldest] = this.#windows.keys();
    if (oldest !== undefined) this.#windows.delete(oldest);
  }
}

/** One subscriber of IPv6 has 2^64 addresses: the network stands for all of them. */
function networkOf(address: string): string {
  const [bare = ''] = address.split('%');
  if (!isIPv6(bare)) return address;
  const [head = '', tail] = bare.toLowerCase().split('::');
  const groups = head === '' ? [] : head.split(':');
  const missing = tail === undefined ? 0 : 8 - groups.length - (tail === '' ? 0 : tail.split(':').length);
  const all = [...groups, ...Array<string>(Math.max(0, missing)).fill('0'), ...(tail?.split(':') ?? [])];
  return `${all
    .slice(0, 4)
    .map(group => group.replace(/^0+(?=.)/, ''))
    .join(':')}::/64`;
}
