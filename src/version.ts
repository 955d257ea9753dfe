/** The version of this package. The build writes it in, so that nothing is read at run time. */

declare const __SEMILAYER_VERSION__: string | undefined;

/** `0.0.0-dev` when run from the sources. */
export const VERSION: string =
  typeof __SEMILAYER_VERSION__ === 'string' ? __SEMILAYER_VERSION__ : '0.0.0-dev';
