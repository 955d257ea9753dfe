/** The service a command speaks to: which, with what key, and the client for it. */
import { type Client, createClient } from '../api/client.ts';
import type { Context } from '../cli/context.ts';
import { readCaFile } from '../config/ca-file.ts';
import { gatherInput, isHosted, resolveService, type ServiceSettings } from '../config/resolve.ts';
import { AppError } from '../errors.ts';
import { proxyAgent } from '../platform/agent.ts';

/** Of something that can be no name, what is still worth showing: names have 63 characters at most, IDs 36. */
const MAX_SHOWN = 100;

export interface Service {
  client: Client;
  settings: ServiceSettings;
  key: string;
}

/** @throws AppError `no_credential` when there is no key, `usage` and `invalid_config` for settings that cannot be. */
export async function openService(ctx: Context): Promise<Service> {
  const settings = resolveService(await gatherInput(ctx));
  const key = settings.key?.value;
  if (key === undefined) {
    throw new AppError('no_credential', {
      message: `no API key for ${settings.serviceUrl.value} (from ${settings.serviceUrl.from})`,
      hint: 'semilayer login, or set SEMILAYER_API_KEY; to try things out: semilayer dev',
    });
  }
  if (settings.overridden) {
    const { fingerprintOf } = await import('../protocol/token.ts');
    ctx.output.warn(
      `SEMILAYER_API_KEY (${fingerprintOf(key)}) goes before the key of ${settings.overridden.from} (${fingerprintOf(settings.overridden.value)})`,
    );
  }
  return { client: await clientOf(ctx, settings.serviceUrl.value, key), settings, key };
}

/** @param signal ends whatever is under way. */
export async function clientOf(
  ctx: Context,
  serviceUrl: string,
  key: string | undefined,
  signal?: AbortSignal,
): Promise<Client> {
  const ca = await readCaFile(ctx.global.caFile, ctx.env);
  return createClient({
    serviceUrl,
    key,
    ca,
    agent: await proxyAgent(serviceUrl, { env: ctx.env, ca }),
    version: ctx.version,
    signal,
    insecure:
      ctx.global.insecure || ctx.env.SEMILAYER_INSECURE === '1' || ctx.env.SEMILAYER_INSECURE === 'true',
  });
}

/**
 * What runners of this service must be told to dial: undefined for the hosted one, which they find by themselves, and
 * where the service does not say.
 */
export async function gatewayToTell(service: Service): Promise<string | undefined> {
  const { settings, client } = service;
  if (isHosted(settings.serviceUrl.value)) return undefined;
  if (settings.gatewayUrl) return settings.gatewayUrl.value;
  try {
    const { gatewayUrl } = (await client.get('/v1/whoami')) as { gatewayUrl?: unknown };
    return typeof gatewayUrl === 'string' ? gatewayUrl : undefined;
  } catch {
    // A hint is no reason to fail what has been done.
    return undefined;
  }
}

/** `/v1/runners/edge-1`: a record by ID or name. */
export function recordPath(collection: 'runners' | 'sources' | 'keys', idOrName: string): string {
  // Encoded or not, a URL cannot hold these as a segment, nor what is far longer than any name.
  if (idOrName === '' || idOrName === '.' || idOrName === '..' || idOrName.length > MAX_SHOWN) {
    const shown = idOrName.length > MAX_SHOWN ? `${idOrName.slice(0, MAX_SHOWN)}…` : idOrName;
    throw new AppError('not_found', {
      message: `"${shown}" names none of the ${collection}`,
      hint: `semilayer ${collection} list`,
    });
  }
  return `/v1/${collection}/${encodeURIComponent(idOrName)}`;
}

/** Every item of a list. */
export async function everyItem<T>(client: Client, path: string, read: (item: unknown) => T): Promise<T[]> {
  const items: T[] = [];
  for await (const page of client.pages(path)) items.push(...page.map(read));
  return items;
}
