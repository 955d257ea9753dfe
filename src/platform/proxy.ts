/** Which proxy a URL is reached through: `HTTPS_PROXY`, `HTTP_PROXY` and `NO_PROXY`, for HTTP and WebSocket alike. */
import { BlockList, isIP } from 'node:net';
import { AppError } from '../errors.ts';

type Environment = Readonly<Record<string, string | undefined>>;

export interface ProxySetting {
  /** With its user and password, where it has them: never shown. */
  readonly url: URL;
  /** The variable that names it. */
  readonly from: string;
}

const DEFAULT_PORTS: Record<string, string> = { 'http:': '80', 'ws:': '80', 'https:': '443', 'wss:': '443' };

/**
 * The proxy for a URL; undefined where the way is direct.
 *
 * @throws AppError `usage` for a variable that does not name an http:// or https:// proxy. It never quotes the value.
 * @example
 * proxyOf('wss://runner.semilayer.com/connect', { HTTPS_PROXY: 'proxy:3128' })?.url.host // proxy:3128
 */
export function proxyOf(target: string, env: Environment): ProxySetting | undefined {
  const url = new URL(target);
  const secure = url.protocol === 'https:' || url.protocol === 'wss:';
  const from = variableOf(secure ? 'HTTPS_PROXY' : 'HTTP_PROXY', env);
  if (from === undefined || isExcluded(url, env)) return undefined;
  const text = env[from] as string;
  const address = text.includes('://') ? text : `http://${text}`;
  const proxy = URL.canParse(address) ? new URL(address) : undefined;
  if (!proxy || !/^https?:$/.test(proxy.protocol) || proxy.hostname === '') {
    throw new AppError('usage', {
      message: `${from} does not name an http:// or https:// proxy`,
      hint: 'for example http://proxy.example.com:3128',
    });
  }
  return { url: proxy, from };
}

/** The proxy as it may be shown: without its user and password. */
export function shownProxy({ url }: ProxySetting): string {
  return `${url.protocol}//${url.username === '' && url.password === '' ? '' : '…@'}${url.host}`;
}

/** The name under which a variable is set, in capitals or in lower case; undefined where it is not. */
export function variableOf(name: string, env: Environment): string | undefined {
  return [name, name.toLowerCase()].find(one => env[one] !== undefined && env[one] !== '');
}

/** Names (with all below them), `.names`, addresses, CIDR blocks, each perhaps with a port, or `*`. */
function isExcluded(url: URL, env: Environment): boolean {
  const name = variableOf('NO_PROXY', env);
  if (name === undefined) return false;
  const host = url.hostname.replace(/^\[|\]$/g, '').toLowerCase();
  const port = url.port || DEFAULT_PORTS[url.protocol];
  return (env[name] as string)
    .toLowerCase()
    .split(/[\s,]+/)
    .filter(entry => entry !== '')
    .some(entry => excludes(entry, host, port));
}

function excludes(entry: string, host: string, port: string | undefined): boolean {
  if (entry === '*') return true;
  const { pattern, wantedPort } = partsOf(entry);
  if (wantedPort !== undefined && wantedPort !== port) return false;
  const family = isIP(host);
  if (family !== 0) return matchesAddress(pattern, host, family === 6 ? 'ipv6' : 'ipv4');
  const bare = pattern.replace(/^\*?\./, '');
  return bare !== '' && (host === bare || host.endsWith(`.${bare}`));
}

/** `host:port`, `[::1]:port`; the colons of a bare IPv6 address are its own. */
function partsOf(entry: string): { pattern: string; wantedPort: string | undefined } {
  if (isIP(entry.split('/', 1)[0] as string) !== 0) return { pattern: entry, wantedPort: undefined };
  const [, bracketed, plain = '', wantedPort] = /^(?:\[([^\]]*)\]|(.*?))(?::(\d+))?$/.exec(entry) ?? [];
  return { pattern: bracketed ?? plain, wantedPort };
}

function matchesAddress(pattern: string, host: string, family: 'ipv4' | 'ipv6'): boolean {
  const [address = '', prefix] = pattern.split('/');
  const kind = isIP(address);
  const longest = kind === 6 ? 128 : 32;
  const bits = prefix === undefined ? longest : Number(prefix);
  if (kind === 0 || !Number.isInteger(bits) || bits < 0 || bits > longest) return false;
  const list = new BlockList();
  list.addSubnet(address, bits, kind === 6 ? 'ipv6' : 'ipv4');
  return list.check(host, family);
}
