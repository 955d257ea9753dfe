/** Whose address a request counts as: what the nearest proxy of ours says, and nothing that anybody else wrote. */
import type { IncomingMessage } from 'node:http';
import { type BlockList, isIP, type Socket } from 'node:net';

/** The client as the outermost trusted proxy saw it; without trusted proxies, whoever holds the socket. */
export function remoteAddressOf(request: IncomingMessage, trusted: BlockList | undefined): string {
  const own = withoutPort((request.socket as Socket).remoteAddress ?? '');
  if (!trusted) return own;
  const header = request.headers['x-forwarded-for'];
  const hops = (Array.isArray(header) ? header.join(',') : (header ?? '')).split(',');
  let client = own;
  // From the nearest: each hop is the word of the one behind it, and counts only as long as that one is ours.
  for (const hop of hops.reverse()) {
    if (!isTrusted(client, trusted)) return client;
    const address = withoutPort(hop.trim());
    if (isIP(address) === 0) return client;
    client = address;
  }
  return client;
}

function isTrusted(address: string, trusted: BlockList): boolean {
  const family = isIP(address);
  return family !== 0 && trusted.check(address, family === 6 ? 'ipv6' : 'ipv4');
}

/** Some proxies write the port as well, and a dual socket an IPv4 address as IPv6. */
function withoutPort(text: string): string {
  const bracketed = /^\[([^\]]+)\](?::\d+)?$/.exec(text)?.[1];
  const address = bracketed ?? text.replace(/^(\d+\.\d+\.\d+\.\d+):\d+$/, '$1');
  return address.replace(/^::ffff:(?=\d+\.\d+\.\d+\.\d+$)/i, '');
}
