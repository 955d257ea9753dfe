/** Agents that go through a proxy, loaded when one is set; what the proxy refuses is said to be the proxy's doing. */
import type { Agent, ClientRequest } from 'node:http';
import type { TcpNetConnectOpts } from 'node:net';
import { HttpProxyAgent } from 'http-proxy-agent';
import { HttpsProxyAgent } from 'https-proxy-agent';
import { AppError, messageOf } from '../errors.ts';
import { type ProxySetting, shownProxy } from './proxy.ts';

/** Longest wait for the proxy to open the tunnel; an attempt at the gateway gives up after as long. */
const TUNNEL_TIMEOUT_MS = 10_000;

/** Plain HTTP is asked for by its full address; everything else goes through a tunnel (`CONNECT`). */
export function createProxyAgent(
  proxy: ProxySetting,
  target: URL,
  { ca, keepAlive }: { ca?: readonly string[] | undefined; keepAlive?: boolean },
): Agent {
  const options = { ...(ca === undefined ? {} : { ca: [...ca] }), ...(keepAlive ? { keepAlive } : {}) };
  return target.protocol === 'http:'
    ? new ForwardingAgent(proxy, options)
    : new TunnelAgent(proxy, target, options);
}

class TunnelAgent extends HttpsProxyAgent<string> {
  readonly #proxy: ProxySetting;
  readonly #target: string;

  constructor(proxy: ProxySetting, target: URL, options: { ca?: string[]; keepAlive?: boolean }) {
    super(proxy.url.href, options);
    this.#proxy = proxy;
    this.#target = target.host;
  }

  override async connect(
    request: ClientRequest,
    options: Parameters<HttpsProxyAgent<string>['connect']>[1],
  ): ReturnType<HttpsProxyAgent<string>['connect']> {
    let status = 200;
    request.once('proxyConnect', (answer: { statusCode: number }) => {
      status = answer.statusCode;
    });
    const socket = await within(this, this.#proxy, () => super.connect(request, options));
    if (status === 200) return socket;
    // The library would hand the proxy's answer over as the gateway's own.
    socket.destroy();
    throw refusedError(this.#proxy, this.#target, status);
  }
}

class ForwardingAgent extends HttpProxyAgent<string> {
  readonly #proxy: ProxySetting;

  constructor(proxy: ProxySetting, options: { ca?: string[]; keepAlive?: boolean }) {
    super(proxy.url.href, options);
    this.#proxy = proxy;
  }

  override async connect(
    request: Parameters<HttpProxyAgent<string>['connect']>[0],
    options: Parameters<HttpProxyAgent<string>['connect']>[1],
  ): ReturnType<HttpProxyAgent<string>['connect']> {
    return await within(this, this.#proxy, () => super.connect(request, options));
  }
}

/** The proxy said no, in answer to CONNECT. */
export function refusedError(proxy: ProxySetting, target: string, status: number): AppError {
  const wantsPassword = status === 407;
  return new AppError('service_unreachable', {
    message: `the proxy ${shownProxy(proxy)} (from ${proxy.from}) ${
      wantsPassword ? 'wants a user name and password' : `does not let through to ${target}`
    } (HTTP ${status})`,
    hint: wantsPassword
      ? `put them into ${proxy.from}: http://user:password@${proxy.url.host}`
      : `let it allow CONNECT to ${target}, or name the host in NO_PROXY if no proxy is needed`,
    retryable: true,
  });
}

/** Whatever fails in there fails on the way to the proxy: the TLS of what lies behind it begins later. */
async function within<T>(
  agent: { connectOpts: object },
  proxy: ProxySetting,
  connect: () => Promise<T>,
): Promise<T> {
  const controller = new AbortController();
  const timer = setTimeout(() => controller.abort(), TUNNEL_TIMEOUT_MS);
  // Read when the socket is made, which `connect` does before it waits for anything.
  const options: Pick<TcpNetConnectOpts, 'signal'> = { signal: controller.signal };
  Object.assign(agent.connectOpts, options);
  try {
    return await connect();
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException;
    const what = controller.signal.aborted
      ? `did not answer within ${TUNNEL_TIMEOUT_MS / 1000} s`
      : `cannot be reached (${code ?? messageOf(cause)})`;
    throw new AppError('service_unreachable', {
      message: `the proxy ${shownProxy(proxy)} (from ${proxy.from}) ${what}`,
      hint: `check ${proxy.from}, or name the host in NO_PROXY if no proxy is needed`,
      cause,
      retryable: true,
    });
  } finally {
    clearTimeout(timer);
  }
}
