/** Certificate authorities of the user's own, beside those that Node brings. */
import { readFileSync } from 'node:fs';
import { AppError } from '../errors.ts';
import type { Environment } from './user-config.ts';

/**
 * The authorities to trust, or undefined for those that Node trusts by itself, `NODE_EXTRA_CA_CERTS` among them.
 *
 * @param env may hold a `NODE_EXTRA_CA_CERTS` that Node has not seen: that of an env file.
 * @throws AppError `usage` when the file named by `--ca-file` or `SEMILAYER_CA_FILE` cannot be read or holds no
 * certificate.
 */
export async function readCaFile(flag: string | undefined, env: Environment): Promise<string[] | undefined> {
  const path = flag ?? (env.SEMILAYER_CA_FILE || undefined);
  const extra = env.NODE_EXTRA_CA_CERTS || undefined;
  if (path === undefined && (extra === undefined || extra === process.env.NODE_EXTRA_CA_CERTS))
    return undefined;
  const { rootCertificates } = await import('node:tls');
  // A list given to TLS replaces the usual one, so the usual authorities go in beside it.
  return [
    ...rootCertificates,
    ...(extra === undefined ? [] : certificatesOf(extra, 'NODE_EXTRA_CA_CERTS')),
    ...(path === undefined ? [] : certificatesOf(path, 'the CA file')),
  ];
}

function certificatesOf(path: string, what: string): string[] {
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException;
    throw new AppError('usage', {
      message: `${what} ${path} cannot be read (${code ?? 'unknown error'})`,
      cause,
    });
  }
  if (text.includes('-----BEGIN CERTIFICATE-----') || text.includes('-----BEGIN TRUSTED CERTIFICATE-----'))
    return [text];
  throw new AppError('usage', {
    message: `${what} ${path} holds no certificate`,
    hint: 'it must be PEM: -----BEGIN CERTIFICATE----- and so on',
  });
}
