/** The user's config file: read as plain JSON because every command does, written through conf. */
import { mkdir, readFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { AppError } from '../errors.ts';
import { loadConf } from './load-conf.ts';

export type Environment = Record<string, string | undefined>;

/** A service, the key that it accepted, and where its runners dial. */
export interface StoredContext {
  serviceUrl: string;
  gatewayUrl: string | null;
  /** Null after `logout`. */
  key: string | null;
}

export interface UserConfig {
  currentContext: string | undefined;
  /** The context that was current before: what `dev` goes back to, even after a crash of another `dev`. */
  previousContext: string | undefined;
  contexts: ReadonlyMap<string, StoredContext>;
  /** Those that another `dev` has taken the name of while it runs, the latest last. */
  shadowed: readonly ShadowedContext[];
}

export interface ShadowedContext extends StoredContext {
  name: string;
}

const CONFIG_NAME = 'config';
const NAME = /^[A-Za-z0-9][A-Za-z0-9._:[\]-]{0,127}$/;

/** The directory that `SEMILAYER_CONFIG_DIR` names, else the platform's place for such files. */
export function configDirectory(env: Environment): string {
  if (env.SEMILAYER_CONFIG_DIR) return env.SEMILAYER_CONFIG_DIR;
  if (process.platform === 'win32') {
    return join(env.APPDATA || join(homedir(), 'AppData', 'Roaming'), 'semilayer');
  }
  if (process.platform === 'darwin') return join(homedir(), 'Library', 'Preferences', 'semilayer');
  return join(env.XDG_CONFIG_HOME || join(env.HOME || homedir(), '.config'), 'semilayer');
}

export function configFile(env: Environment): string {
  return join(configDirectory(env), `${CONFIG_NAME}.json`);
}

/**
 * What the file says; empty where there is none.
 *
 * @throws AppError `invalid_config` naming the file.
 */
export async function readUserConfig(env: Environment): Promise<UserConfig> {
  const path = configFile(env);
  let text: string;
  try {
    text = await readFile(path, 'utf8');
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException;
    if (code === 'ENOENT')
      return { currentContext: undefined, previousContext: undefined, contexts: new Map(), shadowed: [] };
    throw invalid(path, `cannot be read (${code ?? 'unknown error'})`, cause);
  }
  let json: unknown;
  try {
    json = JSON.parse(text.replace(/^\ufeff/, ''));
  } catch {
    // The parser's own message quotes the text, and the text holds keys.
    throw invalid(path, 'is not JSON');
  }
  return parse(json, path);
}

/**
 * Replaces the file in one step, mode 0600.
 *
 * @throws AppError `invalid_config` when it cannot be written.
 */
export async function writeUserConfig(env: Environment, config: UserConfig): Promise<void> {
  const cwd = configDirectory(env);
  const Conf = await loadConf();
  try {
    await mkdir(cwd, { recursive: true, mode: 0o700 });
    const conf = new Conf<Record<string, unknown>>({
      cwd,
      configName: CONFIG_NAME,
      configFileMode: 0o600,
      clearInvalidConfig: false,
      accessPropertiesByDotNotation: false,
    });
    conf.store = {
      currentContext: config.currentContext ?? null,
      previousContext: config.previousContext ?? null,
      contexts: Object.fromEntries(config.contexts),
      ...(config.shadowed.length === 0 ? {} : { shadowed: config.shadowed }),
    };
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException;
    throw new AppError('invalid_config', {
      message: `the config file ${configFile(env)} cannot be written (${code ?? 'unknown error'})`,
      hint: 'make its directory writable, or name another with SEMILAYER_CONFIG_DIR',
      cause,
    });
  }
}

/** @throws AppError `usage` for what cannot name a context. */
export function checkContextName(name: string): void {
  if (NAME.test(name)) return;
  throw new AppError('usage', {
    message: `"${name}" cannot name a context`,
    hint: 'letters, digits, dots, colons, hyphens and underscores, at most 128, a letter or digit first',
  });
}

function parse(json: unknown, path: string): UserConfig {
  if (!isObject(json)) throw invalid(path, 'is not a JSON object');
  const { currentContext, previousContext, contexts = {}, shadowed = [] } = json;
  if (!isObject(contexts)) throw invalid(path, '"contexts" is not an object');
  const parsed = new Map<string, StoredContext>();
  for (const [name, value] of Object.entries(contexts)) parsed.set(name, parseContext(value, name, path));
  const known = (name: unknown): string | undefined =>
    typeof name === 'string' && parsed.has(name) ? name : undefined;
  return {
    currentContext: known(currentContext),
    previousContext: known(previousContext),
    contexts: parsed,
    shadowed: Array.isArray(shadowed) ? shadowed.map(one => parseShadowed(one, path)) : [],
  };
}

function parseContext(value: unknown, name: string, path: string): StoredContext {
  if (!isObject(value)) throw invalid(path, `context "${name}" is not an object`);
  const { serviceUrl, gatewayUrl = null, key = null } = value;
  if (typeof serviceUrl !== 'string' || !URL.canParse(serviceUrl)) {
    throw invalid(path, `context "${name}" has no valid serviceUrl`);
  }
  if (!isTextOrNull(gatewayUrl) || !isTextOrNull(key)) {
    throw invalid(path, `context "${name}" has a gatewayUrl or key that is not text`);
  }
  return { serviceUrl, gatewayUrl, key };
}

function parseShadowed(value: unknown, path: string): ShadowedContext {
  const name = isObject(value) ? value.name : undefined;
  if (typeof name !== 'string') throw invalid(path, '"shadowed" has a context without a name');
  return { name, ...parseContext(value, name, path) };
}

function isTextOrNull(value: unknown): value is string | null {
  return value === null || typeof value === 'string';
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function invalid(path: string, problem: string, cause?: unknown): AppError {
  return new AppError('invalid_config', {
    message: `the config file ${path} ${problem}`,
    hint: 'repair it, or delete it and run semilayer login again',
    cause,
  });
}
