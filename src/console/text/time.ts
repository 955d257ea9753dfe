/** Instants and durations as a person reads them. */

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
const DAY_MS = 24 * HOUR_MS;

/** "just now", "3 min ago", "5 h ago", "12 days ago"; "in 9 min" for what is to come. */
export function relativeTime(instant: string, now: number): string {
  const age = now - Date.parse(instant);
  const size = Math.abs(age);
  if (size < MINUTE_MS) return age >= 0 ? 'just now' : 'in less than 1 min';
  const amount =
    size < HOUR_MS
      ? `${Math.floor(size / MINUTE_MS)} min`
      : size < DAY_MS
        ? `${Math.floor(size / HOUR_MS)} h`
        : days(Math.floor(size / DAY_MS));
  return age >= 0 ? `${amount} ago` : `in ${amount}`;
}

function days(count: number): string {
  return count === 1 ? '1 day' : `${count} days`;
}

/** The whole instant in the reader's own zone, to the second. */
export function exactTime(instant: string): string {
  return new Date(instant).toLocaleString(undefined, { dateStyle: 'medium', timeStyle: 'medium' });
}

/** "14:03:22", with the date before it where it was another day. */
export function clockTime(instant: string, now: number): string {
  const then = new Date(instant);
  const time = then.toLocaleTimeString(undefined, { hourCycle: 'h23' });
  if (then.toDateString() === new Date(now).toDateString()) return time;
  return `${then.toLocaleDateString(undefined, { month: 'short', day: 'numeric' })} ${time}`;
}

/** "<0.1 ms", "0.4 ms", "12 ms", "1.2 s", "3 min 5 s", "7 days". */
export function durationText(ms: number): string {
  if (ms < 0.05) return '<0.1 ms';
  if (ms < 10) return `${Math.round(ms * 10) / 10} ms`;
  if (ms < 1_000) return `${Math.round(ms)} ms`;
  if (ms < MINUTE_MS) return `${Math.round(ms / 100) / 10} s`;
  if (ms >= DAY_MS) return withRest(ms, DAY_MS, days(Math.floor(ms / DAY_MS)), HOUR_MS, 'h');
  if (ms >= HOUR_MS) return withRest(ms, HOUR_MS, `${Math.floor(ms / HOUR_MS)} h`, MINUTE_MS, 'min');
  return withRest(ms, MINUTE_MS, `${Math.floor(ms / MINUTE_MS)} min`, 1_000, 's');
}

function withRest(ms: number, unitMs: number, whole: string, smallMs: number, small: string): string {
  const rest = Math.floor((ms % unitMs) / smallMs);
  return rest === 0 ? whole : `${whole} ${rest} ${small}`;
}

const UNITS: Record<string, number> = { ms: 1, s: 1_000, m: MINUTE_MS, h: HOUR_MS, d: DAY_MS };

/** Milliseconds of `10m`, `1h30m`, `7d`; undefined for anything else. */
export function parseDuration(text: string): number | undefined {
  const trimmed = text.trim();
  if (!/^(\d+(ms|s|m|h|d))+$/.test(trimmed)) return undefined;
  let total = 0;
  for (const [, amount, unit] of trimmed.matchAll(/(\d+)(ms|s|m|h|d)/g)) {
    total += Number(amount) * (UNITS[unit as string] as number);
  }
  return total;
}
