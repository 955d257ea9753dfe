/** What a source may say of its bridge: a short name or a package's, and a URL that fits. */

/** Bridges that come with the product, by their short names, and the URL of each. */
const OURS: Record<string, { schemes: readonly string[]; form: string }> = {
  postgres: {
    schemes: ['postgresql', 'postgres'],
    form: 'postgresql://host:5432/database',
  },
  mysql: { schemes: ['mysql', 'mariadb'], form: 'mysql://host:3306/database' },
  sqlite: { schemes: ['file'], form: 'file:/path/to.db, or a path' },
};
const PREFIX = '@semilayer/bridge-';
/** As npm names packages. */
export const PACKAGE_NAME = '^(@[a-z0-9~-][a-z0-9._~-]*/)?[a-z0-9~-][a-z0-9._~-]*$';
export const MAX_PACKAGE_NAME = 214;
const PACKAGE = new RegExp(PACKAGE_NAME);
/** Two letters at least: `C:` is a drive. */
const SCHEME = /^([a-z][a-z0-9+.-]+):/i;

/** `sqlite` is short for `@semilayer/bridge-sqlite`. */
export function bridgeNamed(name: string): string {
  return Object.hasOwn(OURS, name) ? PREFIX + name : name;
}

/** The other way about; the name of anybody else's package stays. */
export function shortBridgeName(bridge: string): string {
  return isOurBridge(bridge) ? bridge.slice(PREFIX.length) : bridge;
}

export function isPackageName(name: string): boolean {
  return name.length <= MAX_PACKAGE_NAME && PACKAGE.test(name);
}

/** Whether the bridge comes with the product; any other must be installed where its runner starts. */
export function isOurBridge(bridge: string): boolean {
  return bridge.startsWith(PREFIX) && Object.hasOwn(OURS, bridge.slice(PREFIX.length));
}

/** Why a URL cannot be one of this bridge, never quoting it; a third-party bridge's URL is its own business. */
export function urlProblem(bridge: string, url: unknown): string | undefined {
  const ours = isOurBridge(bridge) ? OURS[bridge.slice(PREFIX.length)] : undefined;
  if (!ours) return typeof url === 'string' && url.trim() === '' ? 'the URL is empty' : undefined;
  if (typeof url !== 'string' || url.trim() === '') return `there is no URL: it must be ${ours.form}`;
  const scheme = SCHEME.exec(url)?.[1]?.toLowerCase();
  const isPath = scheme === undefined && ours.schemes.includes('file');
  if (isPath || (scheme !== undefined && ours.schemes.includes(scheme) && hasForm(url, scheme))) {
    return undefined;
  }
  return `the URL does not fit the bridge ${bridge}: it must be ${ours.form}`;
}

/** `postgresql:` alone names no server; `file:` alone no file. */
function hasForm(url: string, scheme: string): boolean {
  const rest = url.slice(scheme.length + 1);
  return scheme === 'file' ? rest.replace(/^\/*/, '') !== '' : rest.startsWith('//');
}
