/** What an error of the driver or the server means: whom to tell, and whether to ask again. */
import { SourceUnreachableError } from '../bridge.ts';
import { type MysqlConfig, placeOf } from './config.ts';

interface Failure {
  code?: string;
  errno?: number;
  fatal?: boolean;
  message?: string;
}

const SHUTDOWN = 1053;
const KILLED = 1927;
const IDLE_TOO_LONG = 4031;
/** No such table, no such column, collations that do not mix. */
const STALE = [1146, 1054, 1267, 1253];
const FULL = [1040, 1203, 1226];

/** Whether the connection is gone, whatever was asked on it. */
export function isConnectionLoss(error: unknown): boolean {
  const { errno, fatal, code } = error as Failure;
  return (
    fatal === true ||
    errno === SHUTDOWN ||
    errno === KILLED ||
    errno === IDLE_TOO_LONG ||
    /^(?:ECONNRESET|EPIPE|ETIMEDOUT|PROTOCOL_)/.test(code ?? '')
  );
}

/** Whether the server takes no further connection now. */
export function isFull(error: unknown): boolean {
  return FULL.includes((error as Failure).errno ?? 0);
}

/** Whether the table is no longer what it was when it was looked at. */
export function isStaleSchema(error: unknown): boolean {
  const { errno, name } = error as Failure & Error;
  return STALE.includes(errno ?? 0) || name === 'UnknownColumnError';
}

/** Whether the server may be reached without TLS. */
export function hasNoTls(error: unknown): boolean {
  return (error as Failure).code === 'HANDSHAKE_NO_SSL_SUPPORT';
}

/** The failure to reach the server, in one sentence that holds no secret. */
export function unreachable(error: unknown, config: MysqlConfig): SourceUnreachableError {
  if (error instanceof SourceUnreachableError) return error;
  return new SourceUnreachableError(sentence(error as Failure, config));
}

function sentence(failure: Failure, config: MysqlConfig): string {
  const { code = '', errno = 0, message = '' } = failure;
  const place = placeOf(config);
  const server = `the MySQL server at ${place}`;
  switch (errno) {
    case 1045:
    case 1698:
      return `${server} refused the user ${JSON.stringify(config.user)} or the password`;
    case 1044:
      return `the user ${JSON.stringify(config.user)} may not use the database ${JSON.stringify(config.database)} at ${place}`;
    case 1049:
      return `there is no database ${JSON.stringify(config.database)} at ${place}`;
    case SHUTDOWN:
    case KILLED:
    case IDLE_TOO_LONG:
      return `${server} closed the connection`;
    case 1129:
    case 1130:
      return `${server} takes no connections from this host`;
    case 1040:
    case 1203:
    case 1226:
      return `${server} has too many connections`;
    case 1820:
    case 1862:
      return `the password of the user ${JSON.stringify(config.user)} at ${place} has expired`;
    case 1251:
    case 2059:
      return `${server} wants a way of authentication that this bridge does not have`;
    case 3159:
      return `${server} takes encrypted connections alone: set ssl-mode to REQUIRED`;
    case 3118:
    case 4151:
      return `the account of the user ${JSON.stringify(config.user)} at ${place} is locked`;
    default:
      return (
        network(code, message, server, config) ??
        `${server} cannot be used (${code || errno || 'unknown error'})`
      );
  }
}

function network(code: string, message: string, server: string, config: MysqlConfig): string | undefined {
  if (code === 'HANDSHAKE_NO_SSL_SUPPORT') return `${server} does not speak TLS, which ssl-mode asks for`;
  const certificate = certificateFault(message);
  if (certificate) return `the certificate of ${server} ${certificate}`;
  if (code === 'HANDSHAKE_SSL_ERROR') return `no TLS connection to ${server} came about`;
  switch (code) {
    case 'ENOTFOUND':
    case 'EAI_AGAIN':
      return `the host ${JSON.stringify(config.host)} is unknown`;
    case 'ECONNREFUSED':
      return `nothing listens at ${placeOf(config)}`;
    case 'ENOENT':
      return `there is no socket at ${placeOf(config)}`;
    case 'EACCES':
      return `the socket at ${placeOf(config)} may not be used`;
    case 'ETIMEDOUT':
    case 'EHOSTUNREACH':
    case 'ENETUNREACH':
      return `${server} does not answer`;
    case 'ECONNRESET':
    case 'EPIPE':
    case 'PROTOCOL_CONNECTION_LOST':
      return `${server} closed the connection`;
    default:
      return undefined;
  }
}

/** OpenSSL's words, by what they mean to whoever has to act. */
function certificateFault(message: string): string | undefined {
  if (/has expired/i.test(message)) return 'has expired';
  if (/not yet valid/i.test(message)) return 'is not valid yet';
  if (/altname|does not match certificate/i.test(message)) return 'is for another host name';
  if (/self.signed|unable to (?:verify|get (?:local )?issuer)/i.test(message))
    return 'is issued by nobody that is trusted: name the authority with ssl-ca';
  return undefined;
}
