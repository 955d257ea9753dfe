/** What a service's answer, or its silence, means to the person who asked. */
import { AppError } from '../errors.ts';

/** A failure whose answer told more than code and message (`sources test` tells every hop). */
export class ApiError extends AppError {
  readonly problem: Readonly<Record<string, unknown>>;

  constructor(
    code: string,
    options: { message: string; hint?: string | undefined; requestId?: string | undefined },
    problem: Record<string, unknown>,
  ) {
    super(code, options);
    this.problem = problem;
  }
}

const CODE_BY_STATUS: Record<number, string> = {
  400: 'invalid_request',
  401: 'unauthorized',
  403: 'forbidden',
  404: 'not_found',
  409: 'conflict',
  429: 'too_many_jobs',
};

const HINT_BY_CODE: Record<string, string> = {
  unauthorized: 'the key is wrong or revoked: semilayer login, or set SEMILAYER_API_KEY',
  forbidden: 'the key may not do this: semilayer whoami shows its role',
  no_runners_online: 'start one where the database is: semilayer run',
  source_not_assigned: 'semilayer runners assign <runner> <source>',
  runner_failed: 'try again; semilayer runners list shows which are online',
};

/** An answer of application/problem+json. A failure of the service's own is worth its request's ID to everybody. */
export function problemError(
  status: number,
  problem: Record<string, unknown>,
  { retryAfter, requestId }: { retryAfter?: string | undefined; requestId?: string | undefined } = {},
): ApiError {
  const code = textOr(
    problem.code,
    CODE_BY_STATUS[status] ?? (status >= 500 ? 'service_unavailable' : 'internal'),
  );
  const message = textOr(problem.detail, textOr(problem.title, `the service answered ${status}`));
  const wait = code === 'too_many_jobs' && retryAfter !== undefined && /^\d{1,6}$/.test(retryAfter);
  const hint = textOr(problem.hint, wait ? `try again in ${retryAfter} s` : (HINT_BY_CODE[code] ?? ''));
  const id = requestIdOf(problem.requestId) ?? requestIdOf(requestId);
  const told = code === 'internal' && id !== undefined ? `${message} (request ${id})` : message;
  return new ApiError(code, { message: told, hint: hint === '' ? undefined : hint, requestId: id }, problem);
}

function requestIdOf(value: unknown): string | undefined {
  return typeof value === 'string' && /^[\w.:-]{1,128}$/.test(value) ? value : undefined;
}

/** The failure that ends a stream of rows. */
export function streamError(failure: unknown): ApiError {
  const problem = typeof failure === 'object' && failure !== null ? (failure as Record<string, unknown>) : {};
  const code = textOr(problem.code, 'internal');
  return new ApiError(
    code,
    { message: textOr(problem.message, 'the job failed'), hint: HINT_BY_CODE[code] },
    problem,
  );
}

/** Something answers there, but not the service API. */
export function strangerError(origin: string, status: number, contentType: string | undefined): AppError {
  const what =
    contentType === undefined ? 'no content type' : (contentType.split(';', 1)[0] ?? '').slice(0, 80);
  return new AppError('service_unreachable', {
    message: `${origin} answered ${status} with ${what}, which is not SemiLayer's API`,
    hint: 'check --service-url or SEMILAYER_SERVICE_URL, and any proxy in between',
  });
}

export function redirectError(origin: string, location: string | undefined): AppError {
  const target =
    location !== undefined && URL.canParse(location, origin) ? new URL(location, origin).origin : 'nowhere';
  return new AppError('service_unreachable', {
    message: `${origin} redirects to ${target}; a key is not sent after a redirect`,
    hint:
      target === 'nowhere' || target === origin
        ? 'check --service-url'
        : `if that is the service: --service-url ${target}`,
  });
}

/** A status that only a proxy has: it wants to know who asks. */
export function proxyError(origin: string): AppError {
  return new AppError('service_unreachable', {
    message: `the proxy on the way to ${origin} wants a user name and password (HTTP 407)`,
    hint: 'put them into HTTP_PROXY or HTTPS_PROXY: http://user:password@host:port',
    retryable: true,
  });
}

export function incompleteError(cause?: unknown): AppError {
  return new AppError('incomplete_response', {
    message: 'the answer ended before it was complete',
    hint: 'try again; if it happens at the same point each time, a proxy in between may be cutting it',
    cause,
    retryable: true,
  });
}

export function cancelledError(): AppError {
  return new AppError('CANCELLED', { message: 'cancelled' });
}

function textOr(value: unknown, otherwise: string): string {
  return typeof value === 'string' && value !== '' ? value : otherwise;
}
