/** Instants as people say them. */

const STEPS: readonly [limitMs: number, sizeMs: number, unit: string][] = [
  [60_000, 1_000, 's'],
  [3_600_000, 60_000, 'min'],
  [86_400_000, 3_600_000, 'h'],
  [Number.POSITIVE_INFINITY, 86_400_000, 'd'],
];

/** `12 s ago`, `in 5 min`; a text that is no instant is given back as it is. */
export function relativeTime(rfc3339: string, nowMs: number): string {
  const at = Date.parse(rfc3339);
  if (Number.isNaN(at)) return rfc3339;
  const distanceMs = Math.abs(nowMs - at);
  if (distanceMs < 1_000) return 'now';
  const [, sizeMs, unit] = STEPS.find(([limitMs]) => distanceMs < limitMs) as (typeof STEPS)[number];
  const span = `${Math.floor(distanceMs / sizeMs)} ${unit}`;
  return at > nowMs ? `in ${span}` : `${span} ago`;
}
