/** What a check of the doctor found. */

export interface Finding {
  name: string;
  status: 'ok' | 'warning' | 'failed';
  message: string;
  /** What to do, where there is something to do. */
  hint: string | null;
  /** What the check took, where that says something. */
  durationMs: number | null;
}

type Told = Partial<Pick<Finding, 'hint' | 'durationMs'>>;

export function ok(name: string, message: string, told: Told = {}): Finding {
  return { name, status: 'ok', message, hint: null, durationMs: null, ...told };
}

export function warning(name: string, message: string, hint: string, told: Told = {}): Finding {
  return { name, status: 'warning', message, hint, durationMs: null, ...told };
}

export function failed(name: string, message: string, hint: string | null, told: Told = {}): Finding {
  return { name, status: 'failed', message, hint, durationMs: null, ...told };
}

/** Milliseconds, to the tenth where they are few. */
export function elapsed(sinceMs: number, nowMs: number): number {
  const ms = nowMs - sinceMs;
  return ms < 10 ? Math.round(ms * 10) / 10 : Math.round(ms);
}
