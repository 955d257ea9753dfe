/** What the role of the session allows; the service decides, the page only leaves away what it would refuse. */
import type { Identity } from './records.ts';
import { session } from './session.ts';

export type Act = 'read' | 'query' | 'operate';

const ACTS: Record<Identity['role'], readonly Act[]> = {
  admin: ['read', 'query', 'operate'],
  operator: ['read', 'query', 'operate'],
  'read-only': ['read'],
  'query-only': ['query'],
};

export function may(act: Act): boolean {
  const now = session.value;
  return now.state === 'yes' && (ACTS[now.me.role] ?? []).includes(act);
}
