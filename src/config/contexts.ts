/** The contexts of the user's config file: which there are, which is current. */
import { AppError } from '../errors.ts';
import {
  checkContextName,
  type Environment,
  readUserConfig,
  type StoredContext,
  type UserConfig,
  updateUserConfig,
} from './user-config.ts';

/**
 * Stores a context under that name and makes it current; the one to go back to is kept beside it: the one that was
 * current, or, where this name already was, the one before it.
 */
export async function saveContext(env: Environment, name: string, context: StoredContext): Promise<void> {
  checkContextName(name);
  await updateUserConfig(env, config => withCurrent(config, name, context));
}

/** As `saveContext`, for as long as a `dev` runs: a context of this name is kept, for `restoreContext` to bring back. */
export async function shadowContext(env: Environment, name: string, context: StoredContext): Promise<void> {
  checkContextName(name);
  await updateUserConfig(env, config => {
    const hidden = config.contexts.get(name);
    const shadowed = hidden ? [...config.shadowed, { name, ...hidden }] : config.shadowed;
    return withCurrent({ ...config, shadowed }, name, context);
  });
}

/**
 * Undoes `shadowContext`: the latest context that it hid and whose service still runs is back, else the one that was
 * current before. What another process has stored or chosen since is left alone.
 */
export async function restoreContext(
  env: Environment,
  name: string,
  serviceUrl: string,
  runs: (serviceUrl: string) => Promise<boolean>,
): Promise<void> {
  const { shadowed } = await readUserConfig(env);
  const others = shadowed.filter(one => one.name === name && one.serviceUrl !== serviceUrl);
  const alive = await Promise.all(others.map(one => runs(one.serviceUrl)));
  const dead = new Set(others.filter((_, index) => !alive[index]).map(one => one.serviceUrl));
  await updateUserConfig(env, config => withoutDev(config, name, serviceUrl, dead));
}

function withoutDev(
  config: UserConfig,
  name: string,
  serviceUrl: string,
  dead: ReadonlySet<string>,
): UserConfig {
  const isOver = (url: string): boolean => url === serviceUrl || dead.has(url);
  const kept = config.shadowed.filter(one => one.name !== name || !isOver(one.serviceUrl));
  // Another `dev` has the name: it is not to bring this one back.
  if (config.contexts.get(name)?.serviceUrl !== serviceUrl) return { ...config, shadowed: kept };
  const back = kept.findLast(one => one.name === name);
  if (back) {
    const { name: _, ...context } = back;
    const contexts = new Map(config.contexts).set(name, context);
    return { ...config, contexts, shadowed: kept.filter(one => one !== back) };
  }
  const { previousContext: previous } = config;
  const contexts = without(config, name);
  const before = previous !== undefined && contexts.has(previous) ? previous : undefined;
  const currentContext = config.currentContext === name ? before : config.currentContext;
  return { currentContext, previousContext: undefined, contexts, shadowed: kept };
}

/** @throws AppError `not_found`. */
export async function makeCurrent(env: Environment, name: string): Promise<void> {
  await updateUserConfig(env, config => {
    contextNamed(config, name);
    const previousContext = config.currentContext === name ? config.previousContext : config.currentContext;
    return { ...config, currentContext: name, previousContext };
  });
}

/** @throws AppError `not_found`. */
export async function removeContext(env: Environment, name: string): Promise<void> {
  await updateUserConfig(env, config => {
    contextNamed(config, name);
    return {
      ...config,
      currentContext: config.currentContext === name ? undefined : config.currentContext,
      previousContext: config.previousContext === name ? undefined : config.previousContext,
      contexts: without(config, name),
    };
  });
}

/** Forgets the key of a context and keeps its URLs. */
export async function forgetKey(env: Environment, name: string): Promise<void> {
  await updateUserConfig(env, config => {
    const context = contextNamed(config, name);
    return { ...config, contexts: new Map(config.contexts).set(name, { ...context, key: null }) };
  });
}

/** @throws AppError `not_found`, saying who asked for it. */
export function contextNamed(config: UserConfig, name: string, from?: string): StoredContext {
  const context = config.contexts.get(name);
  if (context) return context;
  throw new AppError('not_found', {
    message: `there is no context named "${name}"${from === undefined ? '' : ` (from ${from})`}`,
    hint: 'semilayer context list shows those there are; semilayer login makes one',
  });
}

function without(config: UserConfig, name: string): Map<string, StoredContext> {
  const contexts = new Map(config.contexts);
  contexts.delete(name);
  return contexts;
}

function withCurrent(config: UserConfig, name: string, context: StoredContext): UserConfig {
  const previousContext = config.currentContext === name ? config.previousContext : config.currentContext;
  const contexts = new Map(config.contexts).set(name, context);
  return { ...config, currentContext: name, previousContext, contexts };
}
