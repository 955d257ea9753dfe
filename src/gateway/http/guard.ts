/** Who may address us: a browser lured to another site's page must not reach a gateway on its own machine. */
import type { IncomingMessage } from 'node:http';
import { AppError } from '../../errors.ts';
import { isLoopbackHost } from '../../platform/network.ts';

export interface GuardOptions {
  /** The port we listen on. */
  port: () => number;
  tls: boolean;
  /** Origin of the public URL, where there is one. */
  publicUrl: string | undefined;
  /** `host` or `host:port`, lower case. */
  allowedHosts: readonly string[];
}

interface Authority {
  host: string;
  port: number;
}

/** Hosts that were found to be ours are few, but for the ways to write them. */
const MAX_REMEMBERED = 64;

export class Guard {
  readonly #options: GuardOptions;
  readonly #ours = new Set<string>();

  constructor(options: GuardOptions) {
    this.#options = options;
  }

  /**
   * Checks the `Host` and, where a browser sends one, the `Origin` of a request.
   *
   * @throws AppError `invalid_request` (400), `misdirected_request` (421) or `forbidden` (403).
   */
  check(request: IncomingMessage): void {
    const { host, origin } = request.headers;
    if (countOf(request, 'host') > 1) {
      // Node goes by the first; a proxy in front may have gone by the last.
      throw new AppError('invalid_request', { message: 'a request has one Host' });
    }
    if (!this.#isOurs(host)) {
      throw new AppError('misdirected_request', {
        message: 'this gateway does not answer to that host name',
        hint: 'start it with --public-url or --allowed-host naming the host that clients use',
      });
    }
    if (origin !== undefined && !originIsOurs(origin, host, this.#options)) {
      throw new AppError('forbidden', {
        message: 'requests from the pages of other sites are not answered',
        hint: 'use the Console at its own address',
      });
    }
  }

  #isOurs(host: string | undefined): boolean {
    if (host === undefined) return false;
    if (this.#ours.has(host)) return true;
    if (!hostIsOurs(host, this.#options)) return false;
    if (this.#ours.size < MAX_REMEMBERED) this.#ours.add(host);
    return true;
  }
}

/** How often a header was sent: `headers` tells of one alone. */
function countOf({ rawHeaders }: IncomingMessage, name: string): number {
  let count = 0;
  for (let at = 0; at < rawHeaders.length; at += 2) {
    const given = rawHeaders[at] as string;
    if (given.length === name.length && given.toLowerCase() === name) count++;
  }
  return count;
}

function hostIsOurs(host: string, options: GuardOptions): boolean {
  const { publicUrl, allowedHosts, tls } = options;
  const authority = authorityOf(`${tls ? 'https' : 'http'}://${host}`);
  if (!authority) return false;
  if (isLoopbackHost(authority.host) && authority.port === options.port()) return true;
  if (publicUrl !== undefined && new URL(publicUrl).host === new URL(publicScheme(publicUrl) + host).host)
    return true;
  return allowedHosts.some(allowed => allowed === authority.host || allowed === host.toLowerCase());
}

function originIsOurs(origin: string, host: string | undefined, options: GuardOptions): boolean {
  if (!URL.canParse(origin)) return false;
  const own = [
    `${options.tls ? 'https' : 'http'}://${host}`,
    ...(options.publicUrl === undefined ? [] : [options.publicUrl]),
    // A proxy in front of an allowed host may end TLS for it.
    ...(options.allowedHosts.length > 0 && !isLoopbackHost(authorityOf(`http://${host}`)?.host ?? '')
      ? [`https://${host}`]
      : []),
  ];
  return own.some(one => URL.canParse(one) && new URL(one).origin === new URL(origin).origin);
}

/** Nothing but a host and a port: `http://localhost:4400@evil.com` and the like have no authority here. */
function authorityOf(text: string): Authority | undefined {
  if (!URL.canParse(text)) return undefined;
  const url = new URL(text);
  if (
    url.username !== '' ||
    url.password !== '' ||
    url.pathname !== '/' ||
    url.search !== '' ||
    url.hash !== ''
  ) {
    return undefined;
  }
  const port = url.port === '' ? (url.protocol === 'https:' ? 443 : 80) : Number(url.port);
  return { host: url.hostname.toLowerCase(), port };
}

function publicScheme(publicUrl: string): string {
  return `${new URL(publicUrl).protocol}//`;
}
