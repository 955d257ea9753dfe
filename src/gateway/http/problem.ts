/** An error as HTTP answers it: application/problem+json with the product's code. */
import { STATUS_CODES } from 'node:http';
import { AppError } from '../../errors.ts';

/** Status of each code; every other job code of a runner is 502. */
const STATUS_BY_CODE: Record<string, number> = {
  invalid_request: 400,
  unsupported_operator: 400,
  usage: 400,
  unauthorized: 401,
  forbidden: 403,
  not_found: 404,
  method_not_allowed: 405,
  conflict: 409,
  slow_consumer: 408,
  body_too_large: 413,
  unsupported_media_type: 415,
  misdirected_request: 421,
  SOURCE_QUERY_FAILED: 422,
  too_many_jobs: 429,
  internal: 500,
  store_corrupt: 500,
  runner_failed: 502,
  no_runners_online: 503,
  source_not_assigned: 503,
  service_unavailable: 503,
  QUERY_TIMEOUT: 504,
};

export interface Problem {
  type: 'about:blank';
  title: string;
  status: number;
  detail: string;
  code: string;
  hint: string | null;
  requestId: string;
}

export interface ProblemAnswer {
  status: number;
  headers: Record<string, string>;
  body: Problem & Record<string, unknown>;
}

/** An error with further members for its answer (`sources test` tells of every hop even when all failed). */
export class DetailedError extends AppError {
  readonly members: Record<string, unknown>;

  constructor(error: AppError, members: Record<string, unknown>) {
    super(error.code, { message: error.message, hint: error.hint, cause: error, retryable: error.retryable });
    this.members = members;
  }
}

/** The code the API uses for what went wrong: a runner's UNSUPPORTED_OPERATOR is the caller's own mistake. */
export function apiCodeOf(error: AppError): string {
  return error.code === 'UNSUPPORTED_OPERATOR' ? 'unsupported_operator' : error.code;
}

export function statusOf(code: string): number {
  if (Object.hasOwn(STATUS_BY_CODE, code)) return STATUS_BY_CODE[code] as number;
  return /^[A-Z]/.test(code) ? 502 : 500;
}

/** Anything that is not ours is an internal error: its message may quote what must not leave. */
export function asAppError(error: unknown): AppError {
  if (error instanceof AppError) return error;
  return new AppError('internal', { message: 'the gateway failed to answer', cause: error });
}

export function problemOf(thrown: unknown, requestId: string): ProblemAnswer {
  const error = asAppError(thrown);
  const code = apiCodeOf(error);
  const status = statusOf(code);
  return {
    status,
    headers: {
      'content-type': 'application/problem+json',
      ...(status === 401 ? { 'www-authenticate': 'Bearer' } : {}),
      ...(status === 429 || code === 'service_unavailable' ? { 'retry-after': '1' } : {}),
    },
    body: {
      type: 'about:blank',
      title: STATUS_CODES[status] ?? 'Error',
      status,
      detail: error.message,
      code,
      hint: error.hint ?? null,
      requestId,
      ...(error instanceof DetailedError ? error.members : {}),
    },
  };
}
