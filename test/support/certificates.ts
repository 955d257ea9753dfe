/** Certificates of an authority of our own, made with openssl. */
import { execFile } from 'node:child_process';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { promisify } from 'node:util';
import { temporaryDirectory } from './temporary.ts';

const exec = promisify(execFile);

export interface Certificates {
  /** The authority's certificate, for --ca-file. */
  caFile: string;
  certFile: string;
  keyFile: string;
  /** The authority's certificate itself. */
  ca: string;
  cert: string;
  key: string;
}

/** A server certificate for these names (127.0.0.1 is always among them), by an authority of that name. */
export async function makeCertificates(
  t: TestContext,
  options: { issuer?: string; days?: number; names?: readonly string[] } = {},
): Promise<Certificates> {
  const { issuer = 'Example Inspection CA', days = 90, names = ['DNS:localhost', 'IP:127.0.0.1'] } = options;
  const directory = await temporaryDirectory(t);
  const at = (name: string): string => join(directory, name);
  const openssl = (...args: string[]) => exec('openssl', args, { cwd: directory });
  const curve = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes'];
  await openssl(
    ...['req', '-x509', ...curve, '-keyout', 'ca.key', '-out', 'ca.pem', '-days', '3650'],
    ...['-subj', `/O=${issuer}/CN=${issuer} Root`],
  );
  await openssl('req', ...curve, '-keyout', 'key.pem', '-out', 'request.pem', '-subj', '/CN=localhost');
  await writeFile(at('extensions'), `subjectAltName=${names.join(',')}\n`);
  await openssl(
    ...['x509', '-req', '-in', 'request.pem', '-CA', 'ca.pem', '-CAkey', 'ca.key', '-CAcreateserial'],
    ...['-out', 'cert.pem', '-days', String(days), '-extfile', 'extensions'],
  );
  const [ca, cert, key] = await Promise.all(
    ['ca.pem', 'cert.pem', 'key.pem'].map(name => readFile(at(name), 'utf8')),
  );
  return {
    caFile: at('ca.pem'),
    certFile: at('cert.pem'),
    keyFile: at('key.pem'),
    ca,
    cert,
    key,
  } as Certificates;
}
