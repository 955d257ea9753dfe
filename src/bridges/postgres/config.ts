/** What a source's config says of a Postgres server: its URL or its fields, with `sslmode` as libpq means it. */
import { readFileSync } from 'node:fs';
import { userInfo } from 'node:os';
import type { ConnectionOptions } from 'node:tls';
import { SourceUnreachableError } from '../bridge.ts';

export type SslMode = 'disable' | 'allow' | 'prefer' | 'require' | 'verify-ca' | 'verify-full';
const SSL_MODES: readonly string[] = ['disable', 'allow', 'prefer', 'require', 'verify-ca', 'verify-full'];

/** TLS options of the driver, or none. */
export type Ssl = ConnectionOptions | false;

export interface PostgresConfig {
  /** A name, an address, or the directory of a Unix socket. */
  host: string;
  port: number;
  user: string;
  password: string;
  database: string;
  /** Run-time parameters of the startup message, as libpq's `options`. */
  options: string | undefined;
  applicationName: string;
  /** What to try, in this order, until a connection stands. */
  ssl: readonly Ssl[];
  /** Connections at most. */
  maxConnections: number;
  connectTimeoutMs: number;
}

const DEFAULT_PORT = 5432;
const DEFAULT_MAX_CONNECTIONS = 10;
/** Less than a job's usual deadline, so that its error says what failed. */
const DEFAULT_CONNECT_TIMEOUT_MS = 10_000;

type Fields = Record<string, unknown>;

/** @throws SourceUnreachableError for a config that names no server, in a sentence without its password. */
export function parseConfig(config: Fields): PostgresConfig {
  const given = { ...config, ...(config.url === undefined ? {} : fromUrl(config.url)) };
  const host = text(given, 'host') ?? 'localhost';
  const isSocket = host.startsWith('/');
  const seconds = number(given, 'connect_timeout');
  return {
    host,
    port: port(given),
    user: text(given, 'user', 'username') ?? userInfo().username,
    // Never left to the driver, which would take it from this process's own environment or home.
    password: text(given, 'password', 'pass') ?? '',
    database:
      text(given, 'database', 'db', 'dbname') ?? text(given, 'user', 'username') ?? userInfo().username,
    options: text(given, 'options'),
    applicationName: text(given, 'application_name') ?? 'semilayer',
    ssl: isSocket ? [false] : sslAttempts(given, host),
    maxConnections: maxConnections(given),
    connectTimeoutMs: seconds === undefined || seconds <= 0 ? DEFAULT_CONNECT_TIMEOUT_MS : seconds * 1000,
  };
}

function fromUrl(value: unknown): Fields {
  if (typeof value !== 'string' || value === '') throw bad('url is not a text');
  let url: URL;
  try {
    // An empty host is legal (the rest says it, or the default), but not in a URL with a user: a stand-in is.
    url = new URL(value.replace(/^(postgres(?:ql)?:\/\/[^/?#]*@)(?=[/?#]|$)/, '$1localhost'));
  } catch {
    throw bad(
      'url is no URL: write postgresql://user:password@host:5432/database, with %XX for special characters',
    );
  }
  if (url.protocol !== 'postgresql:' && url.protocol !== 'postgres:') {
    throw bad('url does not begin with postgresql://');
  }
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
 * libpq's meaning: `prefer`, the default, and `allow` take what the server has; `require` encrypts and trusts anybody,
 * unless a root certificate is named; `verify-ca` checks the certificate, `verify-full` its host name too.
 */
function sslAttempts(given: Fields, host: string): Ssl[] {
  const mode = text(given, 'sslmode', 'ssl_mode', 'sslMode') ?? modeOfFlag(given.ssl);
  if (!SSL_MODES.includes(mode)) throw bad(`sslmode is none of ${SSL_MODES.join(', ')}`);
  const root = text(given, 'sslrootcert', 'ca');
  const material: ConnectionOptions = {
    ...(root === undefined || root === 'system' ? {} : { ca: pem(root, 'sslrootcert') }),
    ...optionalPem(given, 'sslcert', 'cert'),
    ...optionalPem(given, 'sslkey', 'key'),
  };
  const unchecked = { ...material, rejectUnauthorized: false };
  const chain = { ...material, checkServerIdentity: () => undefined };
  switch (mode as SslMode) {
    case 'disable':
      return [false];
    case 'allow':
      return [false, unchecked];
    case 'prefer':
      return isLoopback(host) ? [false, unchecked] : [unchecked, false];
    case 'require':
      return [root === undefined ? unchecked : chain];
    case 'verify-ca':
      return [chain];
    case 'verify-full':
      return [material];
  }
}

/** `ssl: true` of the public bridges asks for encryption. */
function modeOfFlag(ssl: unknown): SslMode {
  if (ssl === true || ssl === 'true') return 'require';
  return ssl === false || ssl === 'false' ? 'disable' : 'prefer';
}

/** Nobody listens on the way to oneself: the cheaper attempt comes first. */
function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || host.startsWith('127.');
}

function optionalPem(given: Fields, key: string, option: 'cert' | 'key'): ConnectionOptions {
  const value = text(given, key);
  return value === undefined ? {} : { [option]: pem(value, key) };
}

/** The text itself, or that of the file which it names. */
function pem(value: string, key: string): string {
  if (value.includes('-----BEGIN')) return value;
  try {
    return readFileSync(value, 'utf8');
  } catch (error) {
    throw bad(
      `the file that ${key} names cannot be read (${(error as NodeJS.ErrnoException).code ?? 'unknown'})`,
    );
  }
}

function port(given: Fields): number {
  const value = number(given, 'port') ?? DEFAULT_PORT;
  if (!Number.isInteger(value) || value < 1 || value > 65_535)
    throw bad('port is not a number from 1 to 65535');
  return value;
}

function maxConnections(given: Fields): number {
  const value =
    number(given.pool === undefined ? given : (given.pool as Fields), 'max') ?? DEFAULT_MAX_CONNECTIONS;
  if (!Number.isInteger(value) || value < 1) throw bad('pool.max is not a whole number of 1 or more');
  return value;
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
  const value = given?.[key];
  if (value === undefined || value === null || value === '') return undefined;
  const parsed = typeof value === 'string' ? Number(value) : value;
  if (typeof parsed !== 'number' || !Number.isFinite(parsed)) throw bad(`${key} is not a number`);
  return parsed;
}

function bad(problem: string): SourceUnreachableError {
  return new SourceUnreachableError(`the config of this Postgres source cannot be used: ${problem}`);
}
