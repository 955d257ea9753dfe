/** `semilayer login`: a key is checked first, and remembered with the service that accepted it. */
import type { Context } from '../cli/context.ts';
import { saveContext } from '../config/contexts.ts';
import {
  checkedServiceUrl,
  contextName,
  gatherInput,
  HOSTED_SERVICE_URL,
  type Resolved,
  type ResolveInput,
} from '../config/resolve.ts';
import { checkContextName } from '../config/user-config.ts';
import { AppError } from '../errors.ts';
import { sanitise } from '../output/sanitise.ts';
import { fingerprintOf } from '../protocol/token.ts';
import { mayAsk, promptsOf } from './ask.ts';
import { clientOf } from './service.ts';
import { readStdin } from './source-url.ts';

export interface LoginFlags {
  apiKeyStdin?: boolean;
}

export async function login(flags: LoginFlags, ctx: Context): Promise<void> {
  const { output } = ctx;
  const input = await gatherInput(ctx);
  const serviceUrl = checkedServiceUrl(serviceToJoin(input));
  const name = input.flags.context ?? (ctx.env.SEMILAYER_CONTEXT || new URL(serviceUrl).host);
  checkContextName(name);
  const key = await readKey(flags, serviceUrl, ctx);
  const client = await clientOf(ctx, serviceUrl, key);
  const answer = (await client.get('/v1/whoami')) as { name?: string; role?: string; gatewayUrl?: string };
  const gatewayUrl = typeof answer.gatewayUrl === 'string' ? answer.gatewayUrl : null;
  await saveContext(ctx.env, name, { serviceUrl, gatewayUrl, key });
  const fingerprint = fingerprintOf(key);
  const { name: keyName = null, role = null } = answer;
  if (output.json)
    output.document({ context: name, serviceUrl, gatewayUrl, name: keyName, role, fingerprint });
  output.success(`logged in to ${serviceUrl} as ${sanitise(`${keyName} (${role})`)}, key ${fingerprint}`);
  output.note(`context "${name}" is now current`);
  output.next('semilayer runners list');
  if (ctx.env.SEMILAYER_API_KEY && flags.apiKeyStdin) {
    output.warn('SEMILAYER_API_KEY is set and goes before what login remembers; unset it');
  }
}

/** A flag, the environment, the context that is named and there already, else the hosted service. */
function serviceToJoin(input: ResolveInput): Resolved {
  const { flags, env, user } = input;
  if (flags.serviceUrl !== undefined) return { value: flags.serviceUrl, from: '--service-url' };
  const named = flags.context === undefined ? undefined : user.contexts.get(flags.context);
  if (named) return { value: named.serviceUrl, from: '--context' };
  if (env.SEMILAYER_SERVICE_URL) return { value: env.SEMILAYER_SERVICE_URL, from: 'SEMILAYER_SERVICE_URL' };
  const chosen = env.SEMILAYER_CONTEXT ? contextName(input) : undefined;
  const known = chosen && user.contexts.get(chosen.value);
  return known
    ? { value: known.serviceUrl, from: 'SEMILAYER_CONTEXT' }
    : { value: HOSTED_SERVICE_URL, from: 'default' };
}

async function readKey(flags: LoginFlags, serviceUrl: string, ctx: Context): Promise<string> {
  if (flags.apiKeyStdin) {
    const key = (await readStdin(ctx)).trim();
    if (key === '') throw new AppError('usage', { message: '--api-key-stdin: there is no key on stdin' });
    return key;
  }
  if (ctx.env.SEMILAYER_API_KEY) return ctx.env.SEMILAYER_API_KEY;
  if (!mayAsk(ctx)) {
    throw new AppError('usage', {
      message: 'no API key, and nobody can be asked for one here',
      hint: 'pipe it in with --api-key-stdin, or set SEMILAYER_API_KEY',
    });
  }
  const key = await (await promptsOf(ctx)).secret(`API key for ${serviceUrl}`);
  if (key === '') throw new AppError('usage', { message: 'no key was entered' });
  return key;
}
