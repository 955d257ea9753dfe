/** One request that hides nothing: how the connection came about, who vouches for it, and what the far end's clock says. */
import type { Agent, ClientRequest, IncomingMessage } from 'node:http';
import type { DetailedPeerCertificate, TLSSocket } from 'node:tls';

export interface ProbeOptions {
  /** http:// or https://. */
  url: URL;
  agent?: Agent | undefined;
  /** Certificate authorities in place of the usual ones. */
  ca?: readonly string[] | undefined;
  timeoutMs: number;
}

export interface TlsReport {
  /** The code of what is wrong, `CERT_HAS_EXPIRED` and the like; undefined when it is trusted. */
  problem: string | undefined;
  subject: string;
  /** Who signed it. */
  issuer: string;
  /** From the signer up, as far as the server sent them. */
  chain: string[];
  validTo: Date;
}

export interface ProbeAnswer {
  status: number;
  headers: IncomingMessage['headers'];
  /** At most 4 KiB. */
  body: string;
  tls: TlsReport | undefined;
}

const MAX_BODY_LENGTH = 4_096;

/**
 * A GET without any credential, over a connection whose certificate is looked at and not insisted on.
 *
 * @param onSocket hears of the connection, once it carries the request.
 * @throws AppError `service_unreachable` of the proxy's, or the system's error with its `code`.
 */
export async function probeHttp(options: ProbeOptions): Promise<ProbeAnswer> {
  const { url, agent, ca, timeoutMs } = options;
  const { request } = url.protocol === 'https:' ? await import('node:https') : await import('node:http');
  return await new Promise((resolve, reject) => {
    const outgoing: ClientRequest = request(url, {
      agent: agent ?? false,
      rejectUnauthorized: false,
      headers: { accept: 'application/json' },
      ...(ca === undefined ? {} : { ca: [...ca] }),
    });
    const timer = setTimeout(
      () => outgoing.destroy(Object.assign(new Error('timed out'), { code: 'ETIMEDOUT' })),
      timeoutMs,
    );
    let tls: TlsReport | undefined;
    outgoing.on('socket', socket => {
      socket.once('secureConnect', () => {
        tls = reportOf(socket as TLSSocket);
      });
    });
    outgoing.on('error', error => {
      clearTimeout(timer);
      reject(error);
    });
    outgoing.on('response', response => {
      let body = '';
      response.setEncoding('utf8').on('data', text => {
        if (body.length < MAX_BODY_LENGTH) body += text;
      });
      response.on('end', () => {
        clearTimeout(timer);
        resolve({ status: response.statusCode ?? 0, headers: response.headers, body, tls });
      });
      response.on('error', reject);
    });
    outgoing.end();
  });
}

/** Who vouches for that server, asked after a request has failed on its certificate; undefined when it cannot be learnt. */
export async function certificateOf(options: ProbeOptions): Promise<TlsReport | undefined> {
  if (options.url.protocol !== 'https:') return undefined;
  try {
    return (await probeHttp(options)).tls;
  } catch {
    return undefined;
  }
}

function reportOf(socket: TLSSocket): TlsReport {
  const leaf = socket.getPeerCertificate(true);
  const chain: string[] = [];
  for (let at = leaf; at?.issuerCertificate && chain.length < 10; at = at.issuerCertificate) {
    chain.push(nameOf(at.issuer));
    if (at.issuerCertificate === at) break;
  }
  const problem = socket.authorizationError as unknown;
  return {
    problem: socket.authorized ? undefined : problemCode(problem),
    subject: leaf.subjectaltname?.replace(/(?:DNS|IP Address):/g, '') ?? nameOf(leaf.subject),
    issuer: nameOf(leaf.issuer),
    chain,
    validTo: new Date(leaf.valid_to),
  };
}

/** Node gives a text here, or an error with a code. */
function problemCode(problem: unknown): string {
  if (typeof problem === 'string') return problem;
  return (problem as NodeJS.ErrnoException | null)?.code ?? 'UNTRUSTED';
}

function nameOf(name: DetailedPeerCertificate['subject'] | undefined): string {
  const one = (value: string | string[] | undefined): string | undefined =>
    Array.isArray(value) ? value[0] : value;
  const common = one(name?.CN);
  const organisation = one(name?.O);
  if (common === undefined) return organisation ?? 'nobody that it names';
  return organisation === undefined || common.includes(organisation) ? common : `${common} (${organisation})`;
}
