/** The one error type of the product, and the one table from error code to exit status. */

/** Exit statuses of the program. `semilayer help exit-codes` prints this table. */
export const EXIT = {
  ok: 0,
  failure: 1,
  usage: 2,
  notFound: 3,
  noCredential: 4,
  conflict: 5,
  unreachable: 6,
  jobFailed: 7,
  refused: 77,
  drainTimedOut: 124,
  interrupted: 130,
  terminated: 143,
} as const;

/** Every error code that is ours to raise, with the exit status it ends the program with. */
const EXIT_BY_CODE = {
  internal: EXIT.failure,
  store_corrupt: EXIT.failure,
  store_newer: EXIT.failure,
  doctor_failed: EXIT.failure,
  not_ready: EXIT.failure,
  demo_failed: EXIT.failure,
  ledger_broken: EXIT.failure,
  ledger_failed: EXIT.failure,
  protocol_error: EXIT.failure,
  unexpected_answer: EXIT.failure,
  usage: EXIT.usage,
  invalid_config: EXIT.usage,
  invalid_request: EXIT.usage,
  unsupported_operator: EXIT.usage,
  protocol_unsupported: EXIT.usage,
  not_found: EXIT.notFound,
  no_credential: EXIT.noCredential,
  conflict: EXIT.conflict,
  port_in_use: EXIT.conflict,
  data_dir_in_use: EXIT.conflict,
  too_many_jobs: EXIT.unreachable,
  runner_failed: EXIT.unreachable,
  slow_consumer: EXIT.unreachable,
  no_runners_online: EXIT.unreachable,
  source_not_assigned: EXIT.unreachable,
  service_unreachable: EXIT.unreachable,
  service_unavailable: EXIT.unreachable,
  incomplete_response: EXIT.unreachable,
  SOURCE_NOT_ASSIGNED: EXIT.jobFailed,
  SOURCE_CONFIG_MISSING: EXIT.jobFailed,
  SOURCE_UNREACHABLE: EXIT.jobFailed,
  SOURCE_QUERY_FAILED: EXIT.jobFailed,
  UNSUPPORTED_OPERATOR: EXIT.jobFailed,
  UNSUPPORTED_JOB: EXIT.jobFailed,
  BRIDGE_NOT_FOUND: EXIT.jobFailed,
  ROW_TOO_LARGE: EXIT.jobFailed,
  CANCELLED: EXIT.jobFailed,
  QUERY_TIMEOUT: EXIT.jobFailed,
  INTERNAL: EXIT.jobFailed,
  unauthorized: EXIT.refused,
  forbidden: EXIT.refused,
  misdirected_request: EXIT.refused,
  token_refused: EXIT.refused,
  drain_timed_out: EXIT.drainTimedOut,
  interrupted: EXIT.interrupted,
} as const;

export type ErrorCode = keyof typeof EXIT_BY_CODE;

export interface AppErrorOptions {
  /** What happened, in one sentence, with no secret in it. */
  message: string;
  /** What to do next, where there is something to do. */
  hint?: string | undefined;
  cause?: unknown;
  /** By which the service's own log tells of the call that failed. */
  requestId?: string | undefined;
  /** Whether the same call may succeed later with nothing changed by the user. */
  retryable?: boolean;
}

/**
 * An error the product raises on purpose: the reader learns what happened and what to type next.
 *
 * @example
 * throw new AppError('not_found', { message: 'no runner named "edge-1"', hint: 'semilayer runners list' });
 */
export class AppError extends Error {
  override readonly name = 'AppError';
  readonly code: ErrorCode | (string & {});
  readonly hint: string | undefined;
  readonly requestId: string | undefined;
  readonly retryable: boolean;

  constructor(code: ErrorCode | (string & {}), options: AppErrorOptions) {
    super(options.message, options.cause === undefined ? undefined : { cause: options.cause });
    this.code = code;
    this.hint = options.hint;
    this.requestId = options.requestId;
    this.retryable = options.retryable ?? false;
  }
}

/** Every code that is ours to raise. */
export const ERROR_CODES = Object.keys(EXIT_BY_CODE) as ErrorCode[];

/** Exit status of an error code; a code we do not know (a newer service's) is an unexpected failure. */
export function exitStatusOf(code: string): number {
  return Object.hasOwn(EXIT_BY_CODE, code) ? EXIT_BY_CODE[code as ErrorCode] : EXIT.failure;
}

/** Proof to the compiler that a switch names every variant; at run time, a defect. */
export function assertNever(value: never): never {
  throw new AppError('internal', { message: `unexpected variant ${JSON.stringify(value)}` });
}

/** The message of anything that was thrown, which need not be an error, nor be kind to whoever looks at it. */
export function messageOf(error: unknown): string {
  try {
    return String(error instanceof Error ? error.message : error);
  } catch {
    return 'something was thrown that says nothing of itself';
  }
}
