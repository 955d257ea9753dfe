/** What went wrong with a server, told apart and said in one sentence that holds no password. */
import { DatabaseError } from 'pg';
import { SourceUnreachableError } from '../bridge.ts';

/** Errors of the server that mean the same question may do better: its schema, or what we knew of it, has changed. */
const SCHEMA_CODES = new Set([
  '0A000', // cached plan must not change result type
  '42703', // undefined column
  '42P01', // undefined table
  '42883', // undefined function: no such operator for these types
  '42846', // cannot coerce
  '42804', // datatype mismatch
  '22P02', // invalid text representation, of a type that the column no longer has
]);

/** The answer has other columns than the schema that was read said: read it again. */
export class StaleSchemaError extends Error {
  override readonly name = 'StaleSchemaError';
}

export function isStaleSchema(error: unknown): boolean {
  return error instanceof StaleSchemaError || SCHEMA_CODES.has(codeOf(error));
}

/** A pooler between us and the server moved the statement, or the transaction, to another connection. */
export function isLostStatement(error: unknown): boolean {
  const code = codeOf(error);
  return code === '26000' || code === '42P05';
}

/** The connection is of no more use: the server ended it, or the network did. */
export function isConnectionLoss(error: unknown): boolean {
  if (!(error instanceof Error) || error instanceof SourceUnreachableError) return false;
  if (error instanceof DatabaseError) {
    // 57P01 to 57P03: shut down, crashed, not up yet; 08: connection exceptions; FATAL: whatever it was, it is over.
    return error.severity === 'FATAL' || /^(?:57P0[123]|08)/.test(codeOf(error));
  }
  return typeof (error as NodeJS.ErrnoException).code === 'string'
    ? /^(?:ECONN|EPIPE|ETIMEDOUT|EHOST|ENET)/.test(codeOf(error))
    : /^Connection terminated|Client has encountered a connection error|not queryable/.test(error.message);
}

/** Why no connection stands. */
export function unreachable(error: unknown, host: string, port: number): SourceUnreachableError {
  if (error instanceof SourceUnreachableError) return error;
  return new SourceUnreachableError(sentence(error, host.startsWith('/') ? host : `${host}:${port}`), {
    cause: error,
  });
}

function sentence(error: unknown, where: string): string {
  const code = codeOf(error);
  const message = error instanceof Error ? error.message : '';
  const said = NETWORK[code] ?? TLS[code];
  if (said !== undefined) return `${where}: ${said}`;
  switch (code) {
    case '28P01':
      return `${where}: the server refused the user's password`;
    case '28000':
      return `${where}: the server does not let this user in (${message})`;
    case '3D000':
      return `${where}: ${message}`;
    case '53300':
      return `${where}: the server has no connection left for this user (${message})`;
    case '57P03':
      return `${where}: the server is starting up or shutting down`;
    default:
  }
  if (/does not support SSL/.test(message)) return `${where}: the server has no TLS, and sslmode asks for it`;
  if (/SCRAM|SASL/.test(message)) return `${where}: the server refused the user's password`;
  if (/timeout/i.test(message)) return `${where}: no answer in time`;
  if (/Connection terminated/.test(message)) return `${where}: the server closed the connection`;
  return `${where}: ${message === '' ? 'cannot connect' : message}`;
}

function codeOf(error: unknown): string {
  const code = (error as { code?: unknown } | null)?.code;
  return typeof code === 'string' ? code : '';
}

const NETWORK: Record<string, string> = {
  ENOTFOUND: 'no such host',
  EAI_AGAIN: 'no answer from the name server',
  ECONNREFUSED: 'connection refused: nothing listens there',
  ECONNRESET: 'connection reset',
  ENOENT: 'there is no server socket',
  EACCES: 'the server socket may not be opened',
  EHOSTUNREACH: 'no route to the host',
  ENETUNREACH: 'no route to the network',
  ETIMEDOUT: 'connection timed out',
};

const TLS: Record<string, string> = {
  CERT_HAS_EXPIRED: 'the server certificate has expired',
  CERT_NOT_YET_VALID: 'the server certificate is not valid yet',
  ERR_TLS_CERT_ALTNAME_INVALID: 'the server certificate is for another host name',
  DEPTH_ZERO_SELF_SIGNED_CERT: 'the server certificate is self-signed; name it with sslrootcert',
  SELF_SIGNED_CERT_IN_CHAIN:
    'the certificate chain ends in one that is not trusted; name it with sslrootcert',
  UNABLE_TO_VERIFY_LEAF_SIGNATURE:
    'the server certificate is signed by an unknown authority; name it with sslrootcert',
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY:
    'the server certificate is signed by an unknown authority; name it with sslrootcert',
};
