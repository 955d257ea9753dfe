/** Names what answered an upgrade instead of a gateway: a proxy, a redirect, a web page, or the gateway refusing. */
import type { Ending } from './ending.ts';

export interface UpgradeAnswer {
  status: number;
  headers: Record<string, string | string[] | undefined>;
}

export function endingOfAnswer(answer: UpgradeAnswer): Ending {
  const { status } = answer;
  const text = (name: string): string => {
    const value = answer.headers[name];
    return (Array.isArray(value) ? value[0] : value) ?? '';
  };
  const said = (message: string): Ending => ({
    kind: 'answered',
    status,
    message,
    retryAfterMs: retryAfterMs(text('retry-after'), text('date')),
  });

  if (status === 401 || status === 403) return said(`token refused (HTTP ${status})`);
  if (status === 404) return said('HTTP 404: no gateway at this path; gateway URLs end in /connect');
  if (status === 407) return said('HTTP 407: a proxy wants a user name and password');
  if (status === 421) return said('HTTP 421: the gateway does not answer to this host name');
  if (status === 426)
    return said('HTTP 426: the gateway speaks no common protocol version (this runner speaks 1)');
  if (status === 429) return said('HTTP 429: too many connections or attempts');
  if (status === 503) return said('HTTP 503: the gateway is not ready');
  if (status >= 300 && status < 400) {
    return said(
      `HTTP ${status}: a redirect${redirectTarget(text('location'))}; the token is never sent along one`,
    );
  }
  if (text('content-type').startsWith('text/html')) {
    return said(`HTTP ${status} with a web page: a proxy or another site answered, not a gateway`);
  }
  if (status === 200) return said('HTTP 200: the upgrade to WebSocket was stripped on the way');
  return said(`HTTP ${status} instead of an upgrade`);
}

/** In seconds, or as a date: that is measured from the answer's own, for its clock need not be ours. An hour at most. */
function retryAfterMs(value: string, answeredAt: string): number | undefined {
  const waitMs = /^\d{1,9}$/.test(value) ? Number(value) * 1000 : Date.parse(value) - Date.parse(answeredAt);
  return Number.isNaN(waitMs) ? undefined : Math.min(Math.max(waitMs, 0), 3_600_000);
}

/** Only the origin: a path or query may hold what should not be logged. */
function redirectTarget(location: string): string {
  try {
    return ` to ${new URL(location).origin}`;
  } catch {
    return '';
  }
}
