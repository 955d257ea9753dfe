/** The agent that connections are made with: through the proxy that the environment names, for HTTP and WebSocket alike. */
import type { Agent } from 'node:http';
import { proxyOf } from './proxy.ts';

/**
 * An agent that goes through the proxy for that URL; undefined where the way is direct.
 *
 * @param options `ca`, PEM certificates to trust of a proxy that itself speaks TLS; `keepAlive`, not to close connections.
 * @throws AppError as `proxyOf`. Requests through it fail with an AppError `service_unreachable` that names the proxy.
 */
export async function proxyAgent(
  target: string,
  options: {
    env: Readonly<Record<string, string | undefined>>;
    ca?: readonly string[] | undefined;
    keepAlive?: boolean;
  },
): Promise<Agent | undefined> {
  const proxy = proxyOf(target, options.env);
  if (!proxy) return undefined;
  const { createProxyAgent } = await import('./proxy-agent.ts');
  return createProxyAgent(proxy, new URL(target), options);
}
