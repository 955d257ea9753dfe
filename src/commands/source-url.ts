/** The URL of a managed source: where it is read from, and what the service is sent. */
import { isAbsolute, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { Context } from '../cli/context.ts';
import { AppError } from '../errors.ts';
import { bridgeNamed, isOurBridge, isPackageName, urlProblem } from '../protocol/bridge-names.ts';

export interface UrlFlags {
  url?: string;
  urlStdin?: boolean;
}

const SQLITE_BRIDGE = bridgeNamed('sqlite');
/** Far beyond any database URL. */
const MAX_URL_LENGTH = 65_536;

/**
 * The package of the bridge that was named; one that does not come with the product is warned of.
 *
 * @throws AppError `usage` for what cannot be the name of a package.
 */
export function readBridge(name: string, ctx: Context): string {
  const bridge = bridgeNamed(name);
  if (!isPackageName(bridge)) {
    throw new AppError('usage', {
      message: `--bridge: "${name}" is neither postgres, mysql or sqlite nor the name of a package`,
    });
  }
  if (!isOurBridge(bridge)) {
    ctx.output.warn(
      `${bridge} does not come with semilayer (postgres, mysql and sqlite do): it must be installed where the runner starts`,
    );
  }
  return bridge;
}

/**
 * The URL that was given, or undefined where none was.
 *
 * @throws AppError `usage` for both ways at once, or nothing on stdin.
 */
export async function readUrl(flags: UrlFlags, ctx: Context): Promise<string | undefined> {
  if (flags.urlStdin && flags.url !== undefined) {
    throw new AppError('usage', { message: '--url-stdin and --url exclude each other' });
  }
  if (flags.url !== undefined) {
    if (hasPassword(flags.url)) {
      ctx.output.warn(
        'the password in --url is visible to others on this machine and stays in the shell history; use --url-stdin',
      );
    } else if (!isLocalFile(flags.url)) {
      ctx.output.warn(
        '--url is visible to others on this machine and stays in the shell history; use --url-stdin',
      );
    }
    return flags.url;
  }
  if (!flags.urlStdin) return undefined;
  const text = (await readStdin(ctx)).trim();
  if (text === '') throw new AppError('usage', { message: '--url-stdin: there is no URL on stdin' });
  return text;
}

/**
 * The URL as it is stored: SQLite paths are made absolute, because the runner that opens them has another working
 * directory.
 *
 * @throws AppError `usage` for a URL that does not fit the bridge; it is never quoted.
 */
export function configUrl(bridge: string, url: string, cwd: string): string {
  const problem = urlProblem(bridge, url);
  if (problem !== undefined) throw new AppError('usage', { message: problem });
  if (bridge !== SQLITE_BRIDGE) return url;
  if (!url.startsWith('file:')) return isAbsolute(url) ? url : resolve(cwd, url);
  const path = url.slice('file:'.length);
  if (path.startsWith('//')) return url;
  const [name = '', ...query] = path.split('?');
  if (isAbsolute(decode(name))) return url;
  return [pathToFileURL(resolve(cwd, decode(name))).href, ...query].join('?');
}

export async function readStdin(ctx: Context): Promise<string> {
  let text = '';
  ctx.streams.stdin.setEncoding('utf8');
  for await (const chunk of ctx.streams.stdin) {
    text += chunk;
    if (text.length > MAX_URL_LENGTH)
      throw new AppError('usage', { message: 'there is far too much on stdin' });
  }
  return text;
}

function hasPassword(url: string): boolean {
  return URL.canParse(url) ? new URL(url).password !== '' : /:[^/@]+@/.test(url);
}

function isLocalFile(url: string): boolean {
  return url.startsWith('file:') || !/^[a-z][a-z0-9+.-]*:\/\//i.test(url);
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
