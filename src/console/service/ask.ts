/** Requests to the service API with the session of this tab. */
import { Problem, problemOf } from './problem.ts';
import type { Page } from './records.ts';
import { end, sessionToken } from './session.ts';

export interface Question {
  method?: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  body?: unknown;
  accept?: string;
  signal?: AbortSignal;
}

/**
 * The answer, not yet read.
 *
 * @throws Problem for anything but 2xx; a TypeError where the gateway cannot be reached.
 */
export async function askRaw(path: string, question: Question = {}): Promise<Response> {
  const { method = 'GET', body, accept = 'application/json', signal } = question;
  const asking = sessionToken();
  const response = await fetch(path, {
    method,
    headers: {
      accept,
      authorization: `Bearer ${asking}`,
      ...(body === undefined ? {} : { 'content-type': 'application/json' }),
    },
    cache: 'no-store',
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    ...(signal ? { signal } : {}),
  });
  if (response.ok) return response;
  // Unless somebody signed in meanwhile: that answer was for the session before.
  if (response.status === 401 && asking === sessionToken()) end('This session is over. Sign in again.');
  throw await problemOf(response);
}

export async function ask<T>(path: string, question: Question = {}): Promise<T> {
  const response = await askRaw(path, question);
  return (response.status === 204 ? undefined : await response.json()) as T;
}

/** Every item of a list, page after page. */
export async function askAll<T>(path: string, filter: Record<string, string> = {}): Promise<T[]> {
  const items: T[] = [];
  let cursor: string | null = null;
  do {
    const query = new URLSearchParams({ ...filter, limit: '1000', ...(cursor === null ? {} : { cursor }) });
    const page: Page<T> = await ask(`${path}?${query}`);
    items.push(...page.items);
    cursor = page.nextCursor;
  } while (cursor !== null);
  return items;
}

export function isMissing(error: unknown): boolean {
  return error instanceof Problem && error.status === 404;
}
