/** What went wrong, in words that a person can act on. */

export class Problem extends Error {
  readonly status: number;
  readonly code: string;
  readonly hint: string | null;
  /** Further members of the answer; `sources test` tells of its hops there. */
  readonly members: Record<string, unknown>;

  constructor(
    message: string,
    detail: { status: number; code: string; hint?: string | null; members?: Record<string, unknown> },
  ) {
    super(message);
    this.status = detail.status;
    this.code = detail.code;
    this.hint = detail.hint ?? null;
    this.members = detail.members ?? {};
  }
}

/** The error of an answer that was not 2xx, whoever wrote it: a proxy in between may have. */
export async function problemOf(response: Response): Promise<Problem> {
  const body = (await response.json().catch(() => ({}))) as Record<string, unknown>;
  const text = (key: string): string | null => (typeof body[key] === 'string' ? (body[key] as string) : null);
  return new Problem(text('detail') ?? `The gateway answered with HTTP ${response.status}.`, {
    status: response.status,
    code: text('code') ?? `http_${response.status}`,
    hint: text('hint'),
    members: body,
  });
}

/** @returns a sentence for anything thrown. */
export function wordsOf(error: unknown): string {
  if (error instanceof Problem) return error.message;
  if (error instanceof DOMException && error.name === 'AbortError') return 'Cancelled.';
  if (error instanceof TypeError) return 'The gateway does not answer. Is it running, and is the network up?';
  return error instanceof Error ? error.message : String(error);
}
