/** Who is signed in: a session token that lives in this tab alone, and the role it has. */
import { signal } from '@preact/signals';
import { Problem, problemOf, wordsOf } from './problem.ts';
import type { Identity } from './records.ts';

/** Of the tab, not of the browser: another tab, another port, another site has none of it. */
const STORED_AS = 'semilayer-session';

export type SignedIn =
  | { state: 'no'; reason: string | null }
  | { state: 'checking' }
  | { state: 'yes'; me: Identity };

export const session = signal<SignedIn>({ state: 'checking' });

let token: string | null = null;

export function sessionToken(): string | null {
  return token;
}

/** What a new runner must know of this gateway. */
export function gatewayFacts(): Pick<Identity, 'gatewayUrl' | 'version'> {
  const now = session.peek();
  if (now.state !== 'yes') return { gatewayUrl: '', version: '' };
  return { gatewayUrl: now.me.gatewayUrl, version: now.me.version };
}

/** Takes the code out of the address bar before anything else happens with it. */
export function takeLinkCode(): string | null {
  const code = new URLSearchParams(location.hash.slice(1)).get('code');
  if (code !== null) history.replaceState(null, '', location.pathname);
  return code;
}

/** With the code of a one-time link, else with what this tab still has. */
export async function begin(code: string | null): Promise<void> {
  try {
    if (code !== null) keep(await redeem(code));
    else token = sessionStorage.getItem(STORED_AS);
    if (token === null) session.value = { state: 'no', reason: null };
    else await identify();
  } catch (error) {
    // Nobody refused it: the token stays, and a reload tries again.
    if (!(error instanceof Problem)) session.value = { state: 'no', reason: wordsOf(error) };
    else end(code === null ? 'This session is over. Sign in again.' : `${error.message}.`);
  }
}

/** The key is traded for a session and not kept. */
export async function signInWithKey(key: string): Promise<void> {
  const headers = { authorization: `Bearer ${key}`, 'content-type': 'application/json' };
  const response = await fetch('/v1/session/links', { method: 'POST', headers, body: '{}' });
  if (!response.ok) throw await problemOf(response);
  const { code } = (await response.json()) as { code: string };
  keep(await redeem(code));
  await identify();
}

export async function signOut(): Promise<void> {
  const ending = token;
  end(null);
  if (ending === null) return;
  await fetch('/v1/session', { method: 'DELETE', headers: { authorization: `Bearer ${ending}` } }).catch(
    () => {},
  );
}

/** The service no longer knows the session. */
export function end(reason: string | null): void {
  token = null;
  sessionStorage.removeItem(STORED_AS);
  session.value = { state: 'no', reason };
}

function keep(given: string): void {
  token = given;
  sessionStorage.setItem(STORED_AS, given);
}

async function redeem(code: string): Promise<string> {
  const response = await fetch('/v1/session', {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ code }),
  });
  if (!response.ok) throw await problemOf(response);
  return ((await response.json()) as { token: string }).token;
}

async function identify(): Promise<void> {
  const response = await fetch('/v1/whoami', { headers: { authorization: `Bearer ${token}` } });
  if (!response.ok) throw await problemOf(response);
  session.value = { state: 'yes', me: (await response.json()) as Identity };
}
