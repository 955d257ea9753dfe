/** `semilayer gateway`: service API, gateway and Console in one process, until it is told to stop. */
import { readFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { bridgeManifests } from '../bridges/manifests.ts';
import type { Context } from '../cli/context.ts';
import { AppError, EXIT, messageOf } from '../errors.ts';
import { type GatewayHandle, type GatewayOptions, startGateway } from '../gateway/gateway.ts';
import { isLoopbackHost, parseCidrs } from '../platform/network.ts';
import { integer } from './run-settings.ts';

/** As `semilayer run` gives its jobs by default. */
const GRACE_PERIOD_MS = 25_000;

export interface GatewayFlags {
  port?: string;
  host?: string;
  publicUrl?: string;
  allowedHost?: string[];
  dataDir?: string;
  tlsCert?: string;
  tlsKey?: string;
  trustedProxy?: string[];
  metricsOpen?: boolean;
}

export async function gatewayCommand(flags: GatewayFlags, ctx: Context): Promise<number> {
  const stop = new AbortController();
  let signals = 0;
  let serving: GatewayHandle | undefined;
  // Meant for the runners beside it, and by itself the end of a process.
  const unmoved = ctx.signals.on(['SIGUSR2'], name =>
    ctx.output.note(`${name}: a gateway has no other log level`),
  );
  const dispose = ctx.signals.on(['SIGINT', 'SIGTERM', 'SIGHUP', 'SIGBREAK'], name => {
    // With certificates it is what their renewal sends; without, a terminal that was closed.
    if (name === 'SIGHUP' && flags.tlsCert !== undefined) return void reloadTls(flags, serving, ctx);
    if (++signals === 1) {
      ctx.output.note(`${name}: draining; again to leave at once`);
      stop.abort();
    } else {
      ctx.exitNow(EXIT.ok);
    }
  });
  try {
    const gateway = await startGateway(await gatewayOptions(flags, ctx));
    announce(gateway, ctx);
    serving = gateway;
    await new Promise<void>(done => {
      if (stop.signal.aborted) done();
      stop.signal.addEventListener('abort', () => done(), { once: true });
    });
    await gateway.close({ gracePeriodMs: GRACE_PERIOD_MS });
    ctx.output.note('stopped');
    return 0;
  } finally {
    unmoved();
    dispose();
  }
}

/** Whatever is wrong with the new files, the old certificate goes on being served. */
async function reloadTls(
  flags: GatewayFlags,
  gateway: GatewayHandle | undefined,
  ctx: Context,
): Promise<void> {
  try {
    const tls = await readTls(flags);
    if (!tls || !gateway) return;
    gateway.reloadTls(tls);
    ctx.output.note('SIGHUP: the certificate was read again');
  } catch (error) {
    ctx.output.warn(`SIGHUP: the certificate stays as it was: ${messageOf(error)}`);
  }
}

async function readTls({ tlsCert, tlsKey }: GatewayFlags): Promise<GatewayOptions['tls']> {
  if (tlsCert === undefined || tlsKey === undefined) return undefined;
  return { cert: await readPem(tlsCert, '--tls-cert'), key: await readPem(tlsKey, '--tls-key') };
}

function announce(gateway: GatewayHandle, ctx: Context): void {
  const { output } = ctx;
  const { firstKey } = gateway;
  if (firstKey?.from === 'made') {
    output.data(`SEMILAYER_API_KEY=${firstKey.secret}`);
    output.note(`first admin key ${firstKey.fingerprint}: printed once on stdout, keep it`);
  } else if (firstKey?.from === 'environment') {
    output.note(`first admin key ${firstKey.fingerprint} taken from SEMILAYER_API_KEY`);
  }
  output.note(`listening on ${gateway.url}`);
  if (firstKey?.from === 'made') {
    output.next(`in another terminal, semilayer login --service-url ${gateway.url} --api-key-stdin`);
  }
}

/** @throws AppError `usage` for settings that cannot go together. */
async function gatewayOptions(flags: GatewayFlags, ctx: Context): Promise<GatewayOptions> {
  const host = flags.host ?? '127.0.0.1';
  const publicUrl = flags.publicUrl === undefined ? undefined : checkedPublicUrl(flags.publicUrl);
  if ((flags.tlsCert === undefined) !== (flags.tlsKey === undefined)) {
    throw new AppError('usage', { message: '--tls-cert and --tls-key go together' });
  }
  const tls = await readTls(flags);
  const behindTls = tls !== undefined || publicUrl?.startsWith('https:') === true;
  if (!isLoopbackHost(host) && !behindTls && !ctx.global.insecure) {
    throw new AppError('usage', {
      message: `${host} can be reached from other machines, and keys and tokens would cross the network unencrypted`,
      hint: 'give --tls-cert and --tls-key, or an https --public-url behind a proxy that ends TLS, or --insecure',
    });
  }
  return {
    host,
    port: integer(flags.port ?? '4400', '--port', 0, 65_535),
    dataDir: resolve(ctx.cwd, flags.dataDir ?? 'semilayer-data'),
    publicUrl,
    allowedHosts: flags.allowedHost ?? [],
    tls,
    trustedProxies:
      flags.trustedProxy === undefined ? undefined : parseCidrs(flags.trustedProxy, '--trusted-proxy'),
    metricsOpen: flags.metricsOpen ?? false,
    offeredKey: ctx.env.SEMILAYER_API_KEY,
    version: ctx.version,
    bridges: bridgeManifests,
    clock: ctx.clock,
    random: ctx.random,
    onWarning: message => ctx.output.warn(message),
  };
}

function checkedPublicUrl(text: string): string {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (
    !url ||
    !/^https?:$/.test(url.protocol) ||
    url.pathname !== '/' ||
    url.search !== '' ||
    url.username !== ''
  ) {
    throw new AppError('usage', {
      message: '--public-url must be an http:// or https:// address without a path',
      hint: 'for example https://gateway.example.com',
    });
  }
  return url.origin;
}

async function readPem(path: string, flag: string): Promise<string> {
  try {
    return await readFile(path, 'utf8');
  } catch (cause) {
    const code = (cause as NodeJS.ErrnoException).code ?? 'unreadable';
    throw new AppError('usage', { message: `${flag}: ${path} cannot be read (${code})`, cause });
  }
}
