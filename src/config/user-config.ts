/** The user's config file: read as plain JSON because every command does, written through conf. */
import { readFileSync, renameSync } from 'node:fs';
import { homedir } from 'node:os';
import { join, sep } from 'node:path';
import { AppError } from '../errors.ts';
import { withFileLock } from '../platform/file-lock.ts';
import { makeDirectory } from '../platform/make-directory.ts';
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
  /** Why there is nothing of it here though there is a file. */
  notice?: string;
}

export interface ShadowedContext extends StoredContext {
  name: string;
}

const EMPTY: UserConfig = {
  currentContext: undefined,
  previousContext: undefined,
  contexts: new Map(),
  shadowed: [],
};
const TEXT_OR_NULL = { type: ['string', 'null'] } as const;
/** What conf lets pass when it writes. */
const SCHEMA = {
  currentContext: TEXT_OR_NULL,
  previousContext: TEXT_OR_NULL,
  contexts: {
    type: 'object',
    additionalProperties: {
      type: 'object',
      properties: { serviceUrl: { type: 'string' }, gatewayUrl: TEXT_OR_NULL, key: TEXT_OR_NULL },
      required: ['serviceUrl', 'gatewayUrl', 'key'],
    },
  },
  shadowed: { type: 'array', items: { type: 'object', required: ['name', 'serviceUrl'] } },
} as const;

const CONFIG_NAME = 'config';
const NAME = /^[A-Za-z0-9][A-Za-z0-9._:[\]-]{0,127}$/;

/** The directory that `SEMILAYER_CONFIG_DIR` names, else the platform's place for such files. */
export function configDirectory(env: Environment): string {
  if (env.SEMILAYER_CONFIG_DIR) return env.SEMILAYER_CONFIG_DIR;
  if (process.platform === 'win32') {
    return join(env.APPDATA || join(home(env), 'AppData', 'Roaming'), 'semilayer');
  }
  if (process.platform === 'darwin') return join(home(env), 'Library', 'Preferences', 'semilayer');
  return join(env.XDG_CONFIG_HOME || join(home(env), '.config'), 'semilayer');
}

/** A container may run as a user that the system does not know: it has no home, and nothing is found in it. */
function home(env: Environment): string {
  if (env.HOME) return env.HOME;
  try {
    return homedir();
  } catch {
    return sep;
  }
}

export function configFile(env: Environment): string {
  return join(configDirectory(env), `${CONFIG_NAME}.json`);
}

/**
 * What the file says; empty where there is none, or none that this user may read. A file that is damaged is set aside
 * under another name, never written over.
 *
 * @throws AppError `invalid_config` naming the file, when it says what cannot be.
 */
export async function readUserConfig(env: Environment): Promise<UserConfig> {
  const path = configFile(env);
  let text: string;
  try {
    // Every command waits for it, and threads to read it beside them would take longer to start.
    text = readFileSync(path, 'utf8');
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException;
    if (code === 'ENOENT' || code === 'ENOTDIR') return EMPTY;
    // A home that is somebody else's: the environment alone may well be enough.
    if (code === 'EACCES' || code === 'EPERM') {
      return { ...EMPTY, notice: `the config file ${path} cannot be read (${code})` };
    }
    throw invalid(path, `cannot be read (${code ?? 'unknown error'})`, cause);
  }
  const json = parseJson(text);
  if (isObject(json)) return parse(json, path);
  const aside = setAside(path);
  return {
    ...EMPTY,
    notice: `the config file ${path} was damaged; it is now ${aside}, and nothing is configured`,
  };
}

/**
 * Reads, changes and replaces the file in one step, mode 0600; writers wait for each other.
 *
 * @throws AppError `invalid_config` when it cannot be written, or was damaged.
 */
export async function updateUserConfig(
  env: Environment,
  change: (config: UserConfig) => UserConfig,
): Promise<void> {
  const path = configFile(env);
  try {
    await makeDirectory(configDirectory(env));
    await withFileLock(path, async () => {
      const config = await readUserConfig(env);
      if (config.notice !== undefined) {
        throw new AppError('invalid_config', {
          message: config.notice,
          hint: 'run the command again to begin anew, or repair the file and put it back',
        });
      }
      await store(env, change(config));
    });
  } catch (cause) {
    if (cause instanceof AppError) throw cause;
    const { code } = cause as NodeJS.ErrnoException;
    throw new AppError('invalid_config', {
      message: `the config file ${path} cannot be written (${code ?? 'unknown error'})`,
      hint: 'make its directory writable, or name another with SEMILAYER_CONFIG_DIR; SEMILAYER_SERVICE_URL and SEMILAYER_API_KEY need no file',
      cause,
    });
  }
}

async function store(env: Environment, config: UserConfig): Promise<void> {
  const Conf = await loadConf();
  const conf = new Conf<Record<string, unknown>>({
    cwd: configDirectory(env),
    configName: CONFIG_NAME,
    configFileMode: 0o600,
    clearInvalidConfig: false,
    accessPropertiesByDotNotation: false,
    schema: SCHEMA,
  });
  conf.store = {
    currentContext: config.currentContext ?? null,
    previousContext: config.previousContext ?? null,
    contexts: Object.fromEntries(config.contexts),
    ...(config.shadowed.length === 0 ? {} : { shadowed: config.shadowed }),
  };
}

/** @returns the new name; of several processes that find the damage one renames, and the others name the same file. */
function setAside(path: string): string {
  const aside = `${path}.damaged-${new Date().toISOString().replace(/[:.]/g, '-')}`;
  try {
    renameSync(path, aside);
    return aside;
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === 'ENOENT') return `${path}.damaged-…`;
    throw invalid(path, 'is damaged, and cannot be set aside', cause);
  }
}

/** The parser's own message quotes the text, and the text holds keys. */
function parseJson(text: string): unknown {
  try {
    return JSON.parse(text.replace(/^\ufeff/, ''));
  } catch {
    return undefined;
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

function parse(json: Record<string, unknown>, path: string): UserConfig {
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
