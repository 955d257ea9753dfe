/** How a connection ended, and the pure decision on what to do next: the table of the protocol's close codes. */
import { CLOSE, retryAfterOf } from '../protocol/close-codes.ts';
import { PROTOCOL_VERSION } from '../protocol/limits.ts';

/** The end of one attempt to hold a connection. */
export type Ending =
  /** The WebSocket was open and closed; `ours` where this runner closed it. */
  | { kind: 'closed'; code: number; reason: string; ours?: true }
  /** The upgrade was answered with something other than 101. `message` names what it is. */
  | { kind: 'answered'; status: number; message: string; retryAfterMs?: number | undefined }
  /** No answer at all: DNS, connect, TLS, time out. */
  | { kind: 'unreachable'; message: string };

export interface History {
  /** Attempts since the connection last held. */
  failures: number;
  /** Milliseconds since the connection last held, or since the start. */
  outageMs: number;
  /** How many 4400 closes the last minute saw, this one included. */
  malformedInLastMinute: number;
  /** Whether the token came from a file, which may change under us. */
  tokenMayChange: boolean;
}

export type Decision =
  | { do: 'reconnect'; delayMs: number; reason: string }
  | { do: 'await-token'; code: number; reason: string }
  | { do: 'stop'; code: number; reason: string };

/** First retry within a quarter of a second: most cuts are a restart that is already over. */
const BACKOFF_BASE_MS = 250;
/** Quick while somebody may be watching … */
const BACKOFF_CAP_MS = 3_000;
const BACKOFF_QUICK_PHASE_MS = 300_000;
/** … and gentle for an outage that lasts. */
const BACKOFF_SLOW_CAP_MS = 30_000;
const MALFORMED_LIMIT = 5;

/** Full jitter: uniform between nothing and the exponential cap, so that a thousand runners do not return at once. */
export function backoffMs(history: Pick<History, 'failures' | 'outageMs'>, fraction: number): number {
  const cap = history.outageMs < BACKOFF_QUICK_PHASE_MS ? BACKOFF_CAP_MS : BACKOFF_SLOW_CAP_MS;
  const exponent = Math.min(history.failures, 16);
  return Math.round(fraction * Math.min(cap, BACKOFF_BASE_MS * 2 ** exponent));
}

/** What follows an ending. `fraction` is one draw from [0, 1). */
export function decide(ending: Ending, history: History, fraction: number): Decision {
  const reason = describe(ending);
  const backoff: Decision = { do: 'reconnect', delayMs: backoffMs(history, fraction), reason };
  const after = (delayMs: number | undefined): Decision =>
    delayMs === undefined ? backoff : { do: 'reconnect', delayMs: spread(delayMs, fraction), reason };

  if (ending.kind === 'unreachable') return backoff;
  if (ending.kind === 'answered') {
    switch (ending.status) {
      case 401:
      case 403:
        return refused(reason, history);
      case 426:
        return { do: 'stop', code: CLOSE.noCommonVersion, reason };
      case 429:
      case 503:
        return after(ending.retryAfterMs);
      default:
        return backoff;
    }
  }
  switch (ending.code) {
    case CLOSE.unauthorized:
      return refused(reason, history);
    case CLOSE.wrongRunner:
    case CLOSE.noCommonVersion:
      return { do: 'stop', code: ending.code, reason };
    case CLOSE.malformed:
      return history.malformedInLastMinute >= MALFORMED_LIMIT
        ? { do: 'stop', code: CLOSE.malformed, reason: `${reason} (${MALFORMED_LIMIT} times in a minute)` }
        : backoff;
    case CLOSE.nothingHeard:
      return { do: 'reconnect', delayMs: history.failures === 0 ? 0 : backoff.delayMs, reason };
    case CLOSE.tryAgainLater:
    case CLOSE.tooManyAttempts:
      return after(retryAfterOf(ending.reason));
    default:
      return backoff;
  }
}

/** One sentence for people. */
export function describe(ending: Ending): string {
  if (ending.kind !== 'closed') return ending.message;
  const { code, reason } = ending;
  if (ending.ours && !OURS_AS_WELL.has(code)) {
    return code === CLOSE.normal ? reason : `this runner closed the connection (${code}): ${reason}`;
  }
  const name = CLOSE_NAMES[code] ?? 'connection closed';
  return `${name} (${code})${saysMore(reason, name) ? `: ${reason}` : ''}`;
}

/** The same as one of few words, to count by. */
export function causeOf(ending: Ending): string {
  if (ending.kind === 'closed') return `close_${ending.code}`;
  return ending.kind === 'answered' ? `http_${ending.status}` : 'unreachable';
}

/** Codes whose name says the same whoever closed. */
const OURS_AS_WELL: ReadonlySet<number> = new Set([CLOSE.nothingHeard, CLOSE.noCommonVersion]);

/** Whether a peer's reason has a word that the name of its code has not. */
function saysMore(reason: string, name: string): boolean {
  const words = (text: string): string[] => text.toLowerCase().match(/[\p{L}\p{N}.=-]+/gu) ?? [];
  const said = new Set(words(name));
  return words(reason).some(word => !said.has(word));
}

const CLOSE_NAMES: Record<number, string> = {
  [CLOSE.normal]: 'closed by the gateway',
  [CLOSE.goingAway]: 'the gateway is going away',
  [CLOSE.abnormal]: 'connection lost',
  [CLOSE.messageTooBig]: 'frame too large',
  [CLOSE.serviceRestart]: 'the gateway is restarting',
  [CLOSE.tryAgainLater]: 'the gateway is overloaded',
  [CLOSE.malformed]: 'the gateway found a frame malformed or out of order',
  [CLOSE.unauthorized]: 'token refused, rotated or revoked',
  [CLOSE.wrongRunner]: 'the token belongs to another runner',
  [CLOSE.noCommonVersion]: `no common protocol version (this runner speaks ${PROTOCOL_VERSION})`,
  [CLOSE.nothingHeard]: 'nothing heard',
  [CLOSE.frameTooLarge]: 'frame too large',
  [CLOSE.tooManyAttempts]: 'too many connections or attempts',
};

function refused(reason: string, history: History): Decision {
  return history.tokenMayChange
    ? { do: 'await-token', code: CLOSE.unauthorized, reason }
    : { do: 'stop', code: CLOSE.unauthorized, reason };
}

/** Waits as told, and up to a second more, so that all who were told the same do not return together. */
function spread(delayMs: number, fraction: number): number {
  return delayMs + Math.round(fraction * 1000);
}
