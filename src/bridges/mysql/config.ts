/** What a source's config says of a MySQL or MariaDB server: its URL or its fields, with `ssl-mode` as MySQL means it. */
import { readFileSync } from 'node:fs';
import { isIP } from 'node:net';
import { SourceUnreachableError } from '../bridge.ts';

const SSL_MODES = ['DISABLED', 'PREFERRED', 'REQUIRED', 'VERIFY_CA', 'VERIFY_IDENTITY'] as const;
type SslMode = (typeof SSL_MODES)[number];

/** TLS options of the driver. */
export interface Ssl {
  rejectUnauthorized: boolean;
  verifyIdentity: boolean;
  ca?: string;
  cert?: string;
  key?: string;
}

export interface MysqlConfig {
  host: string;
  port: number;
  /** A Unix socket in place of host and port. */
  socketPath: string | undefined;
  user: string;
  password: string;
  database: string | undefined;
  ssl: Ssl | undefined;
  /** Whether a server without TLS will do. */
  plainWillDo: boolean;
  /** Connections at most. */
  maxConnections: number;
  connectTimeoutMs: number;
}

const DEFAULT_PORT = 3306;
const DEFAULT_MAX_CONNECTIONS = 10;
/** Less than a job's usual deadline, so that its error says what failed. */
const CONNECT_TIMEOUT_MS = 10_000;

type Fields = Record<string, unknown>;

/** @throws SourceUnreachableError for a config that names no server, in a sentence without its password. */
export function parseConfig(config: Fields): MysqlConfig {
  const given = { ...config, ...(config.url === undefined ? {} : fromUrl(config.url)) };
  const host = text(given, 'host', 'hostname') ?? 'localhost';
  const socketPath = text(given, 'socketPath', 'socket') ?? (host.startsWith('/') ? host : undefined);
  const user = text(given, 'user', 'username');
  if (user === undefined) throw bad('it names no user');
  return {
    host,
    port: port(given),
    socketPath,
    user,
    password: text(given, 'password', 'pass') ?? '',
    database: text(given, 'database', 'db'),
    ...tls(given, host, socketPath !== undefined),
    maxConnections: maxConnections(given),
    connectTimeoutMs: CONNECT_TIMEOUT_MS,
  };
}

/** Where the server is, for messages. */
export function placeOf({ host, port, socketPath }: MysqlConfig): string {
  return socketPath ?? `${host.includes(':') ? `[${host}]` : host}:${port}`;
}

function fromUrl(value: unknown): Fields {
  if (typeof value !== 'string' || value === '') throw bad('url is not a text');
  let url: URL;
  try {
    // An empty host is legal (the rest says it, or the default), but not in a URL with a user: a stand-in is.
    url = new URL(value.replace(/^((?:mysql|mariadb):\/\/[^/?#]*@)(?=[/?#]|$)/i, '$1localhost'));
  } catch {
    throw bad(
      'url is no URL: write mysql://user:password@host:3306/database, with %XX for special characters',
    );
  }
  if (url.protocol !== 'mysql:' && url.protocol !== 'mariadb:') throw bad('url does not begin with mysql://');
  if (url.hash !== '') throw bad('url holds a #: write it as %23');
  const fields: Fields = {};
  const put = (key: string, part: string): void => {
    if (part !== '') fields[key] = decoded(part, key);
  };
  put('host', url.hostname.replace(/^\[(.*)\]$/, '$1'));
  put('port', url.port);
  put('user', url.username);
  put('password', url.password);
  put('database', url.pathname.replace(/^\//, ''));
  for (const [key, parameter] of url.searchParams) fields[key] = parameter;
  return fields;
}

function decoded(part: string, key: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    throw bad(`the ${key} in url holds a % that begins no escape: write it as %25`);
  }
}

/**
 * PREFERRED, the default, encrypts where the server can; REQUIRED encrypts and trusts anybody, unless an authority is
 * named; VERIFY_CA checks who issued the certificate, VERIFY_IDENTITY its host name too.
 */
function tls(given: Fields, host: string, isSocket: boolean): Pick<MysqlConfig, 'ssl' | 'plainWillDo'> {
  const ca = pem(given, 'ssl-ca', 'sslCa', 'sslca', 'ca');
  const mode = sslMode(given) ?? (ca === undefined ? 'PREFERRED' : 'VERIFY_CA');
  if (mode === 'DISABLED' || (isSocket && mode === 'PREFERRED')) return { ssl: undefined, plainWillDo: true };
  if (mode === 'VERIFY_IDENTITY' && isIP(host) !== 0) {
    throw bad('ssl-mode VERIFY_IDENTITY checks a host name, and host is an address');
  }
  const cert = pem(given, 'ssl-cert', 'sslCert', 'cert');
  const key = pem(given, 'ssl-key', 'sslKey', 'key');
  return {
    ssl: {
      rejectUnauthorized: mode.startsWith('VERIFY') || (mode === 'REQUIRED' && ca !== undefined),
      verifyIdentity: mode === 'VERIFY_IDENTITY',
      ...(ca === undefined ? {} : { ca }),
      ...(cert === undefined ? {} : { cert }),
      ...(key === undefined ? {} : { key }),
    },
    plainWillDo: mode === 'PREFERRED',
  };
}

function sslMode(given: Fields): SslMode | undefined {
  const { ssl } = given;
  // `ssl: true` of the public bridges asks for encryption.
  if (ssl === true || ssl === 'true') given = { sslMode: 'REQUIRED', ...given };
  else if (ssl === false || ssl === 'false') given = { sslMode: 'DISABLED', ...given };
  else if (typeof ssl === 'string') given = { sslMode: ssl, ...given };
  else if (ssl !== undefined && ssl !== null) throw bad('ssl is neither true, false nor an ssl-mode');
  const mode = text(given, 'ssl-mode', 'ssl_mode', 'sslmode', 'sslMode');
  if (mode === undefined) return undefined;
  const known = SSL_MODES.find(one => one === mode.toUpperCase().replaceAll('-', '_'));
  if (known) return known;
  throw bad(`ssl-mode is none of ${SSL_MODES.join(', ')}`);
}

/** The text itself, or that of the file which it names. */
function pem(given: Fields, ...keys: string[]): string | undefined {
  const value = text(given, ...keys);
  if (value === undefined || value.includes('-----BEGIN')) return value;
  try {
    return readFileSync(value, 'utf8');
  } catch (error) {
    const { code = 'unknown' } = error as NodeJS.ErrnoException;
    throw bad(`the file that ${keys[0]} names cannot be read (${code})`);
  }
}

function port(given: Fields): number {
  const value = number(given, 'port') ?? DEFAULT_PORT;
  if (Number.isInteger(value) && value >= 1 && value <= 65_535) return value;
  throw bad('port is not a number from 1 to 65535');
}

function maxConnections(given: Fields): number {
  const { pool } = given;
  const from = typeof pool === 'object' && pool !== null ? (pool as Fields) : {};
  const value = number(from, 'max') ?? number(given, 'pool.max') ?? DEFAULT_MAX_CONNECTIONS;
  if (Number.isInteger(value) && value >= 1) return value;
  throw bad('pool.max is not a whole number of 1 or more');
}

function text(given: Fields, ...keys: string[]): string | undefined {
  for (const key of keys) {
    const value = given[key];
    if (value === undefined || value === null || value === '') continue;
    if (typeof value !== 'string') throw bad(`${key} is not a text`);
    if (value.includes('\0')) throw bad(`${key} holds a NUL`);
    return value;
  }
  return undefined;
}

function number(given: Fields, key: string): number | undefined {
  const value = given[key];
  if (value === undefined || value === null || value === '') return undefined;
  const parsed = typeof value === 'string' ? Number(value) : value;
  if (typeof parsed === 'number' && Number.isFinite(parsed)) return parsed;
  throw bad(`${key} is not a number`);
}

function bad(problem: string): SourceUnreachableError {
  return new SourceUnreachableError(`the config of this MySQL source cannot be used: ${problem}`);
}
