/** The version of this package, and the image of it. The build writes it in, so that nothing is read at run time. */

declare const __SEMILAYER_VERSION__: string | undefined;

/** `0.0.0-dev` when run from the sources. */
export const VERSION: string =
  typeof __SEMILAYER_VERSION__ === 'string' ? __SEMILAYER_VERSION__ : '0.0.0-dev';

/** The container image of a version, wherever a manifest or a line to paste names it. */
export function imageOf(version: string): string {
  return `semilayer:${version}`;
}
