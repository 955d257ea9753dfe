/** The contexts of the user's config file: which there are, which is current. */
import { AppError } from '../errors.ts';
import {
  checkContextName,
  type Environment,
  type StoredContext,
  type UserConfig,
  updateUserConfig,
} from './user-config.ts';

/**
 * Stores a context under that name and makes it current.
 *
 * @returns the context to go back to: the one that was current, or, where this name already was, the one before it.
 */
export async function saveContext(
  env: Environment,
  name: string,
  context: StoredContext,
): Promise<{ current: string | undefined }> {
  checkContextName(name);
  let before: string | undefined;
  await updateUserConfig(env, config => {
    before = config.currentContext === name ? config.previousContext : config.currentContext;
    const contexts = new Map(config.contexts).set(name, context);
    return { currentContext: name, previousContext: before, contexts };
  });
  return { current: before };
}

/** Undoes `saveContext`, unless another process has stored or chosen something else under it since. */
export async function restoreContext(
  env: Environment,
  name: string,
  serviceUrl: string,
  previous: string | undefined,
): Promise<void> {
  await updateUserConfig(env, config => {
    if (config.contexts.get(name)?.serviceUrl !== serviceUrl) return config;
    const contexts = without(config, name);
    const back = previous !== undefined && contexts.has(previous) ? previous : undefined;
    const currentContext = config.currentContext === name ? back : config.currentContext;
    return { currentContext, previousContext: undefined, contexts };
  });
}

/** @throws AppError `not_found`. */
export async function makeCurrent(env: Environment, name: string): Promise<void> {
  await updateUserConfig(env, config => {
    contextNamed(config, name);
    const previousContext = config.currentContext === name ? config.previousContext : config.currentContext;
    return { currentContext: name, previousContext, contexts: config.contexts };
  });
}

/** @throws AppError `not_found`. */
export async function removeContext(env: Environment, name: string): Promise<void> {
  await updateUserConfig(env, config => {
    contextNamed(config, name);
    return {
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
