/** From whatever a bridge threw to the one error frame of a job, with nothing in it that must stay secret. */
import { SourceUnreachableError, UnsupportedOperatorError } from '../bridges/bridge.ts';
import { BridgeNotFoundError } from '../bridges/registry.ts';
import { AppError, messageOf } from '../errors.ts';

export type JobErrorCode =
  | 'SOURCE_NOT_ASSIGNED'
  | 'SOURCE_CONFIG_MISSING'
  | 'SOURCE_UNREACHABLE'
  | 'SOURCE_QUERY_FAILED'
  | 'UNSUPPORTED_OPERATOR'
  | 'UNSUPPORTED_JOB'
  | 'BRIDGE_NOT_FOUND'
  | 'ROW_TOO_LARGE'
  | 'CANCELLED'
  | 'QUERY_TIMEOUT'
  | 'INTERNAL';

/** A job that ends in an error frame. */
export class JobError extends AppError {
  constructor(code: JobErrorCode, message: string, cause?: unknown) {
    super(code, { message, cause });
  }
}

/** Longest message sent: a database may quote a whole query back. */
const MAX_MESSAGE_LENGTH = 2_000;

/** Shorter config values are words such as a host or user, which a message may well need. */
const MIN_SECRET_LENGTH = 4;

/** The frame's code and message for an error that a bridge threw while it ran a job. */
export function toJobError(
  error: unknown,
  secrets: readonly string[],
): { code: JobErrorCode; message: string } {
  const message = withoutSecrets(messageOf(error), secrets).slice(0, MAX_MESSAGE_LENGTH);
  if (error instanceof JobError) return { code: error.code as JobErrorCode, message };
  if (isNamed(error, UnsupportedOperatorError, 'UnsupportedOperatorError')) {
    return { code: 'UNSUPPORTED_OPERATOR', message };
  }
  if (isNamed(error, SourceUnreachableError, 'SourceUnreachableError'))
    return { code: 'SOURCE_UNREACHABLE', message };
  if (isNamed(error, BridgeNotFoundError, 'BridgeNotFoundError'))
    return { code: 'BRIDGE_NOT_FOUND', message };
  return {
    code: 'SOURCE_QUERY_FAILED',
    message: message === '' ? 'the bridge failed without a message' : message,
  };
}

/** A third-party bridge brings its own copy of the class, so the name decides too. */
function isNamed(error: unknown, type: abstract new (...args: never[]) => Error, name: string): boolean {
  return error instanceof type || (error instanceof Error && error.name === name);
}

/**
 * Every string of a config that may be secret: whole URLs, their passwords, and values of fields that are not
 * plainly public.
 */
export function secretsOf(config: Record<string, unknown>): string[] {
  const found: string[] = [];
  const collect = (key: string, value: unknown): void => {
    if (typeof value === 'object' && value !== null) {
      for (const [inner, nested] of Object.entries(value)) collect(inner, nested);
      return;
    }
    if (typeof value !== 'string' || value.length < MIN_SECRET_LENGTH || PUBLIC_FIELDS.has(key)) return;
    found.push(value);
    if (!URL.canParse(value)) return;
    const { password } = new URL(value);
    if (password.length >= MIN_SECRET_LENGTH) found.push(password, safeDecode(password));
  };
  collect('', config);
  // Longest first, so that a password inside a URL does not leave the rest of the URL standing.
  return found.sort((a, b) => b.length - a.length);
}

const PUBLIC_FIELDS = new Set(['host', 'port', 'user', 'username', 'database', 'schema', 'sslmode']);

function withoutSecrets(message: string, secrets: readonly string[]): string {
  let safe = message;
  for (const secret of secrets) safe = safe.replaceAll(secret, '[redacted]');
  return safe;
}

function safeDecode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
