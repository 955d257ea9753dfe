/** `semilayer whoami`. */
import type { Context } from '../cli/context.ts';
import { fingerprintOf } from '../protocol/token.ts';
import { openService } from './service.ts';

interface Identity {
  name: string;
  role: string;
  gatewayUrl: string | null;
  version: string | null;
}

export async function whoami(ctx: Context): Promise<void> {
  const { client, settings, key } = await openService(ctx);
  const { name, role, gatewayUrl = null, version = null } = (await client.get('/v1/whoami')) as Identity;
  const serviceUrl = settings.serviceUrl.value;
  const fingerprint = fingerprintOf(key);
  const context = settings.context?.value ?? null;
  ctx.output.record({ name, role, serviceUrl, gatewayUrl, fingerprint, version, context }, [
    ['name', name],
    ['role', role],
    ['service', serviceUrl],
    ['gateway', gatewayUrl],
    ['key', fingerprint],
    ['version', version],
  ]);
}
