/** Certificate authorities of the user's own, beside those that Node brings. */
import { readFile } from 'node:fs/promises';
import { AppError } from '../errors.ts';
import type { Environment } from './user-config.ts';

/**
 * The authorities to trust, or undefined for the usual ones.
 *
 * @throws AppError `usage` when the file named by `--ca-file` or `SEMILAYER_CA_FILE` cannot be read.
 */
export async function readCaFile(flag: string | undefined, env: Environment): Promise<string[] | undefined> {
  const path = flag ?? (env.SEMILAYER_CA_FILE || undefined);
  if (path === undefined) return undefined;
  try {
    const own = await readFile(path, 'utf8');
    const { rootCertificates } = await import('node:tls');
    // A list given to TLS replaces the usual one, so the usual roots go in beside it.
    return [...rootCertificates, own];
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException;
    throw new AppError('usage', {
      message: `the CA file ${path} cannot be read (${code ?? 'unknown error'})`,
      cause,
    });
  }
}
