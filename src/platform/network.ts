/** What counts as this machine. */
import { BlockList, isIP } from 'node:net';
import { AppError } from '../errors.ts';

const loopback = new BlockList();
loopback.addSubnet('127.0.0.0', 8, 'ipv4');
loopback.addAddress('::1', 'ipv6');

/** Whether a host of a URL (brackets and all) is a loopback name or address; `127.evil.com` is not. */
export function isLoopbackHost(host: string): boolean {
  const bare = host.replace(/^\[|\]$/g, '').toLowerCase();
  if (bare === 'localhost' || bare.endsWith('.localhost')) return true;
  const family = isIP(bare);
  return family !== 0 && loopback.check(bare, family === 6 ? 'ipv6' : 'ipv4');
}

/**
 * The addresses of `10.0.0.0/8`, `::1` and the like.
 *
 * @throws AppError `usage` naming the one that is neither an address nor a CIDR block.
 */
export function parseCidrs(texts: readonly string[], what: string): BlockList {
  const list = new BlockList();
  for (const text of texts.flatMap(one => one.split(','))) {
    const [address = '', prefix, ...rest] = text.trim().split('/');
    const family = isIP(address);
    const bits =
      prefix === undefined ? (family === 6 ? 128 : 32) : /^\d{1,3}$/.test(prefix) ? Number(prefix) : -1;
    if (family === 0 || rest.length > 0 || bits < 0 || bits > (family === 6 ? 128 : 32)) {
      throw new AppError('usage', {
        message: `${what}: "${text}" is not an address or a CIDR block`,
        hint: 'for example 10.0.0.0/8',
      });
    }
    list.addSubnet(address, bits, family === 6 ? 'ipv6' : 'ipv4');
  }
  return list;
}
