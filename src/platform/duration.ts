/** Durations as people write them: `500ms`, `25s`, `10m`, `1h30m`, `7d`. */
import { AppError } from '../errors.ts';

const UNIT_MS: Record<string, number> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 };
const DURATION = /^(?:\d+(?:ms|s|m|h|d))+$/;
const PART = /(\d+)(ms|s|m|h|d)/g;

/**
 * Milliseconds of a duration such as `1h30m`.
 *
 * @param what names the value in the error (`--grace-period`).
 * @throws AppError `usage` when the text is not a duration or lies outside `[minMs, maxMs]`.
 */
export function parseDuration(
  text: string,
  what: string,
  range: { minMs?: number; maxMs?: number } = {},
): number {
  const { minMs = 0, maxMs = Number.MAX_SAFE_INTEGER } = range;
  const trimmed = text.trim();
  if (!DURATION.test(trimmed)) {
    throw new AppError('usage', {
      message: `${what}: "${trimmed}" is not a duration`,
      hint: 'write 500ms, 25s, 10m, 1h30m or 7d',
    });
  }
  let total = 0;
  for (const [, digits, unit] of trimmed.matchAll(PART)) total += Number(digits) * UNIT_MS[unit as string]!;
  if (total < minMs || total > maxMs) {
    throw new AppError('usage', {
      message: `${what}: ${trimmed} is out of range`,
      hint: `from ${formatDuration(minMs)} to ${formatDuration(maxMs)}`,
    });
  }
  return total;
}

/** As a person would say it: whole seconds from one second on, 1049 is `1s`. */
export function roughDuration(durationMs: number): string {
  return formatDuration(durationMs < 1_000 ? durationMs : Math.round(durationMs / 1_000) * 1_000);
}

/** The shortest exact spelling: 5400000 is `1h30m`, 1500 is `1s500ms`, 0 is `0ms`. */
export function formatDuration(durationMs: number): string {
  let rest = Math.round(durationMs);
  if (rest <= 0) return '0ms';
  let text = '';
  for (const unit of ['d', 'h', 'm', 's', 'ms']) {
    const size = UNIT_MS[unit]!;
    const count = Math.floor(rest / size);
    if (count > 0) text += `${count}${unit}`;
    rest -= count * size;
  }
  return text;
}
