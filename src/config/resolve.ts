/** Which service, which key, which gateway: each value with where it came from. */
import { AppError } from '../errors.ts';
import { contextNamed } from './contexts.ts';
import { type ProjectFile, readProjectFile } from './project-file.ts';
import {
  configFile,
  type Environment,
  readUserConfig,
  type StoredContext,
  type UserConfig,
} from './user-config.ts';

export const HOSTED_SERVICE_URL = 'https://api.semilayer.com';
export const HOSTED_GATEWAY_URL = 'wss://runner.semilayer.com/connect';

/** A value, and the flag, variable, file or context that it came from. */
export interface Resolved<T = string> {
  readonly value: T;
  readonly from: string;
}

export interface ResolveInput {
  env: Environment;
  flags: { serviceUrl?: string | undefined; context?: string | undefined };
  project: ProjectFile | undefined;
  user: UserConfig;
}

export interface ServiceSettings {
  readonly context: Resolved | undefined;
  readonly serviceUrl: Resolved;
  readonly key: Resolved | undefined;
  /** Undefined where the service has yet to be asked (`GET /v1/whoami`). */
  readonly gatewayUrl: Resolved | undefined;
  /** A key of the context in use that another, from the environment, goes before. */
  readonly overridden?: Resolved | undefined;
}

/** What the resolvers read of a command's context. */
export interface ConfigSources {
  env: Environment;
  cwd: string;
  global: { serviceUrl?: string | undefined; context?: string | undefined };
  output?: { warn(text: string): void };
}

export async function gatherInput(ctx: ConfigSources): Promise<ResolveInput> {
  const flags = { serviceUrl: ctx.global.serviceUrl, context: ctx.global.context };
  const [project, user] = await Promise.all([readProjectFile(ctx.cwd), readUserConfig(ctx.env)]);
  if (user.notice !== undefined) ctx.output?.warn(user.notice);
  return { env: ctx.env, flags, project, user };
}

/**
 * The service and the key for it. URL and key go together: a stored key is for the origin that accepted it, a key from
 * the environment for the URL of a flag or the environment, else for the hosted service.
 *
 * @throws AppError `usage` when an environment key would go elsewhere than the context says, `not_found` for a context
 * that is not there.
 */
export function resolveService(input: ResolveInput): ServiceSettings {
  const { env, flags, user } = input;
  const name = contextName(input);
  const explicitUrl = explicitServiceUrl(input);
  // With URL and key both at hand, a context that a file names has nothing to add: it need not be there, as in CI.
  const needed = explicitUrl === undefined || environmentKey(env) === undefined || namedForThisCall(input);
  const context =
    name && (needed || user.contexts.has(name.value)) ? contextNamed(user, name.value, name.from) : undefined;
  if (explicitUrl !== undefined) {
    const serviceUrl = { ...explicitUrl, value: checkedServiceUrl(explicitUrl) };
    const same = context && sameOrigin(context.serviceUrl, serviceUrl.value) ? context : undefined;
    const stored = storedKey(same, name);
    const key = environmentKey(env) ?? stored;
    const overridden = stored !== undefined && stored.value !== key?.value ? stored : undefined;
    return freeze({ context: name, serviceUrl, key, gatewayUrl: storedGateway(same, name), overridden });
  }
  const environment = environmentKey(env);
  // A context on the command line was asked for with its key: flags go before the environment.
  const asked = flags.context !== undefined && context !== undefined && context.key !== null;
  if (environment && !asked) {
    if (name && context && !sameOrigin(context.serviceUrl, HOSTED_SERVICE_URL)) {
      throw new AppError('usage', {
        message: `SEMILAYER_API_KEY is set, and without a URL it is for ${HOSTED_SERVICE_URL}, but context "${name.value}" (from ${name.from}) is ${context.serviceUrl}`,
        hint: `set SEMILAYER_SERVICE_URL to the service the key is for, or unset SEMILAYER_API_KEY to use the context`,
      });
    }
    const serviceUrl = context && name ? { value: context.serviceUrl, from: contextLabel(name) } : HOSTED;
    const stored = storedKey(context, name);
    const overridden = stored !== undefined && stored.value !== environment.value ? stored : undefined;
    const gatewayUrl = storedGateway(context, name);
    return freeze({ context: name, serviceUrl, key: environment, gatewayUrl, overridden });
  }
  const serviceUrl = context && name ? { value: context.serviceUrl, from: contextLabel(name) } : HOSTED;
  const gatewayUrl = storedGateway(context, name);
  return freeze({ context: name, serviceUrl, key: storedKey(context, name), gatewayUrl });
}

/** The gateway that runners dial: the flag, the environment, the context in use, the hosted one. */
export async function resolveGatewayUrl(ctx: ConfigSources, flag: string | undefined): Promise<Resolved> {
  if (flag !== undefined) return { value: flag, from: '--gateway-url' };
  if (ctx.env.SEMILAYER_GATEWAY_URL)
    return { value: ctx.env.SEMILAYER_GATEWAY_URL, from: 'SEMILAYER_GATEWAY_URL' };
  const input = await gatherInput(ctx);
  const name = contextName(input);
  if (!name) return { value: HOSTED_GATEWAY_URL, from: 'default' };
  const context = contextNamed(input.user, name.value, name.from);
  return { value: context.gatewayUrl ?? gatewayOf(context.serviceUrl), from: contextLabel(name) };
}

/** The context in use: flag, environment, project, the user's current one. */
export function contextName({ env, flags, project, user }: ResolveInput): Resolved | undefined {
  if (flags.context !== undefined) return { value: flags.context, from: '--context' };
  if (env.SEMILAYER_CONTEXT) return { value: env.SEMILAYER_CONTEXT, from: 'SEMILAYER_CONTEXT' };
  if (project?.context !== undefined) return { value: project.context, from: project.path };
  if (user.currentContext !== undefined) return { value: user.currentContext, from: configFile(env) };
  return undefined;
}

/** Whether somebody asked for the context here and now, rather than a file for every call. */
function namedForThisCall({ env, flags }: ResolveInput): boolean {
  return flags.context !== undefined || Boolean(env.SEMILAYER_CONTEXT);
}

/** Whether the service is the hosted one, whose gateway needs no telling. */
export function isHosted(serviceUrl: string): boolean {
  return sameOrigin(serviceUrl, HOSTED_SERVICE_URL);
}

/**
 * The URL as requests use it: no slash at the end.
 *
 * @throws AppError `usage` when it is not http(s), or holds a user, a query or a fragment. It never quotes the URL.
 */
export function checkedServiceUrl({ value, from }: Resolved): string {
  const url = URL.canParse(value) ? new URL(value) : undefined;
  if (!url || !/^https?:$/.test(url.protocol)) {
    throw new AppError('usage', {
      message: `${from}: the service URL is not an http:// or https:// URL`,
      hint: `for example ${HOSTED_SERVICE_URL}`,
    });
  }
  if (url.username !== '' || url.password !== '' || url.search !== '' || url.hash !== '') {
    throw new AppError('usage', {
      message: `${from}: the service URL must not hold a user, a password, a query or a fragment`,
      hint: 'the key goes into SEMILAYER_API_KEY, or semilayer login',
    });
  }
  return url.origin + url.pathname.replace(/\/+$/, '');
}

const HOSTED: Resolved = { value: HOSTED_SERVICE_URL, from: 'default' };

/** A URL that was given for this call; a context on the command line goes before the environment's URL. */
function explicitServiceUrl({ env, flags }: ResolveInput): Resolved | undefined {
  if (flags.serviceUrl !== undefined) return { value: flags.serviceUrl, from: '--service-url' };
  if (env.SEMILAYER_SERVICE_URL && flags.context === undefined) {
    return { value: env.SEMILAYER_SERVICE_URL, from: 'SEMILAYER_SERVICE_URL' };
  }
  return undefined;
}

function environmentKey(env: Environment): Resolved | undefined {
  return env.SEMILAYER_API_KEY ? { value: env.SEMILAYER_API_KEY, from: 'SEMILAYER_API_KEY' } : undefined;
}

function storedKey(context: StoredContext | undefined, name: Resolved | undefined): Resolved | undefined {
  return context?.key && name ? { value: context.key, from: contextLabel(name) } : undefined;
}

function storedGateway(context: StoredContext | undefined, name: Resolved | undefined): Resolved | undefined {
  return context?.gatewayUrl && name ? { value: context.gatewayUrl, from: contextLabel(name) } : undefined;
}

export function contextLabel(name: Resolved): string {
  return `context "${name.value}"`;
}

/** A service of ours takes runners at `/connect` on the same port. */
function gatewayOf(serviceUrl: string): string {
  if (isHosted(serviceUrl)) return HOSTED_GATEWAY_URL;
  const { protocol, host } = new URL(serviceUrl);
  return `${protocol === 'https:' ? 'wss:' : 'ws:'}//${host}/connect`;
}

export function sameOrigin(one: string, other: string): boolean {
  return new URL(one).origin === new URL(other).origin;
}

function freeze(settings: ServiceSettings): ServiceSettings {
  return Object.freeze(settings);
}
