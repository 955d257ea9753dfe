/** Bridges by package name: ours, loaded when first asked for, and those installed beside the runner. */
import { createRequire, isBuiltin } from 'node:module';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { messageOf } from '../errors.ts';
import type { BridgeClass } from './bridge.ts';

type Loader = () => Promise<BridgeClass>;

const loaders = new Map<string, Loader>([
  ['@semilayer/bridge-mysql', async () => (await import('./mysql/mysql-bridge.ts')).MysqlBridge],
  ['@semilayer/bridge-postgres', async () => (await import('./postgres/postgres-bridge.ts')).PostgresBridge],
  ['@semilayer/bridge-sqlite', async () => (await import('./sqlite/sqlite-bridge.ts')).SqliteBridge],
]);

/** Package names as npm has them: nothing that could be a path. */
const PACKAGE_NAME = /^(?:@[a-z0-9~-][a-z0-9._~-]*\/)?[a-z0-9~-][a-z0-9._~-]*$/;
const SHORT_NAMES = ['postgres', 'mysql', 'sqlite'];

/** No bridge of that name is built in or installed; the job fails with BRIDGE_NOT_FOUND. */
export class BridgeNotFoundError extends Error {
  override readonly name = 'BridgeNotFoundError';
}

/** `sqlite` is short for `@semilayer/bridge-sqlite`; a package name stays as it is. */
export function bridgePackageName(name: string): string {
  return SHORT_NAMES.includes(name) ? `@semilayer/bridge-${name}` : name;
}

/** Names of the bridges that need no installing. */
export function listBridges(): string[] {
  return [...loaders.keys()].sort();
}

/**
 * Makes a bridge known under a name, in place of one that had it.
 *
 * @param bridge the class, or a function that loads it when it is first needed.
 */
export function registerBridge(
  name: string,
  bridge: BridgeClass | { load: () => Promise<BridgeClass> },
): void {
  loaders.set(name, typeof bridge === 'function' ? async () => bridge : bridge.load);
}

/**
 * The class of a bridge.
 *
 * @throws BridgeNotFoundError saying what to install where the runner runs.
 */
export async function resolveBridge(name: string): Promise<BridgeClass> {
  const packageName = bridgePackageName(name);
  const load = loaders.get(packageName);
  return load ? await load() : await loadInstalled(packageName);
}

/** Looked up from the directory the runner was started in: that is where its operator installs packages. */
async function loadInstalled(name: string): Promise<BridgeClass> {
  if (!PACKAGE_NAME.test(name) || isBuiltin(name)) {
    throw new BridgeNotFoundError('the bridge of this source is not the name of a package');
  }
  const found = bridgeClassOf(await importPackage(name, installed(name)), name);
  if (!found) throw new BridgeNotFoundError(`the package ${name} exports no bridge class`);
  return found;
}

/** URL of the file that `import` of the package would load. */
function installed(name: string): string {
  try {
    return locate(name);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code !== 'MODULE_NOT_FOUND') throw unloadable(name, error);
    const message = `the bridge ${name} is not installed: npm install ${name} where this runner is started`;
    throw new BridgeNotFoundError(message, { cause: error });
  }
}

async function importPackage(name: string, url: string): Promise<Record<string, unknown>> {
  try {
    return (await import(url)) as Record<string, unknown>;
  } catch (error) {
    throw unloadable(name, error);
  }
}

/** Installed, but broken: most often by a package that it needs itself. */
function unloadable(name: string, cause: unknown): BridgeNotFoundError {
  return new BridgeNotFoundError(
    `the bridge ${name} is installed but cannot be loaded: ${messageOf(cause)}`,
    { cause },
  );
}

function locate(name: string): string {
  const require = createRequire(join(process.cwd(), 'noop.js'));
  try {
    return pathToFileURL(require.resolve(name)).href;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ERR_PACKAGE_PATH_NOT_EXPORTED') throw error;
    // A package for `import` alone: Node has no synchronous look-up for those, so its main export is read.
    const [root] = (require.resolve.paths(name) ?? [])
      .map(path => join(path, name, 'package.json'))
      .filter(readable);
    if (root === undefined) throw error;
    const entry = importEntry((require(root) as { exports?: unknown }).exports);
    if (entry === undefined) throw error;
    return pathToFileURL(join(root, '..', entry)).href;
  }

  function readable(path: string): boolean {
    try {
      require.resolve(path);
      return true;
    } catch {
      return false;
    }
  }
}

/** The file that `import` gets of a package's `exports`. */
function importEntry(exports: unknown): string | undefined {
  if (typeof exports === 'string') return exports;
  if (typeof exports !== 'object' || exports === null) return undefined;
  const conditions = exports as Record<string, unknown>;
  for (const key of ['.', 'node', 'import', 'default']) {
    const entry = importEntry(conditions[key]);
    if (entry !== undefined) return entry;
  }
  return undefined;
}

/**
 * The default export, or the one named `Bridge` or `bridge`; else the one class named `*Bridge` with a `manifest`, its
 * own package's before others; else the only export that looks like a bridge.
 */
function bridgeClassOf(loaded: Record<string, unknown>, packageName: string): BridgeClass | undefined {
  const inner = (loaded.default ?? {}) as Record<string, unknown>;
  const preferred = [inner, inner.default, loaded.Bridge, loaded.bridge].find(isBridgeClass);
  if (preferred) return preferred;
  const exported = [...new Set([...Object.values(loaded), ...Object.values(inner)])].filter(isBridgeClass);
  const named = exported.filter(one => one.name.endsWith('Bridge') && isManifest(one.manifest));
  const own = named.filter(one => one.manifest?.packageName === packageName);
  return [own, named, exported].find(candidates => candidates.length === 1)?.[0];
}

/** Methods may be made in the constructor, out of sight from here: then the name and the manifest speak for it. */
function isBridgeClass(value: unknown): value is BridgeClass {
  if (typeof value !== 'function') return false;
  const { prototype, name, manifest } = value as BridgeClass & { prototype?: Record<string, unknown> };
  if (typeof prototype?.connect === 'function' && typeof prototype?.listTargets === 'function') return true;
  return prototype !== undefined && String(name).endsWith('Bridge') && isManifest(manifest);
}

function isManifest(value: unknown): boolean {
  return typeof value === 'object' && value !== null && 'packageName' in value;
}
