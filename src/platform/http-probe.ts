/** One request that hides nothing: how the connection came about, who vouches for it, and what the far end's clock says. */
import type { Agent, ClientRequest, IncomingMessage } from 'node:http';
import type { DetailedPeerCertificate, TLSSocket } from 'node:tls';
import { AppError } from '../errors.ts';
import { isLoopbackHost } from './network.ts';

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

/** What is wrong with a certificate, in words, and what to do. */
export function certificateProblem(
  problem: string,
  report: Pick<TlsReport, 'issuer' | 'validTo' | 'subject'> | undefined,
  host: string,
): { message: string; hint: string } {
  const by = report === undefined ? '' : `, issued by ${report.issuer},`;
  switch (problem) {
    case 'CERT_HAS_EXPIRED':
      return {
        message: `its certificate${by} expired${report ? ` on ${report.validTo.toISOString().slice(0, 10)}` : ''}`,
        hint: "renew the server's certificate; if it is new, check this machine's clock",
      };
    case 'CERT_NOT_YET_VALID':
      return { message: `its certificate${by} is not valid yet`, hint: "check this machine's clock" };
    case 'ERR_TLS_CERT_ALTNAME_INVALID':
      return {
        message: `its certificate${by} is for ${report?.subject ?? 'another name'}, not for ${host}`,
        hint: isLoopbackHost(host)
          ? 'use the name that the certificate is for'
          : 'check the host name; a proxy that answers for it needs its certificate for that name',
      };
    default:
      return {
        message: `its certificate${by} is not trusted here (${problem})`,
        hint: `if that issuer is your company's or your own, name its certificate with --ca-file or SEMILAYER_CA_FILE`,
      };
  }
}

/** Codes that Node gives for a certificate it does not accept. */
export function isCertificateProblem(code: string): boolean {
  return /^(?:CERT_|DEPTH_ZERO_|SELF_SIGNED_|UNABLE_TO_|ERR_TLS_CERT|HOSTNAME_MISMATCH|INVALID_)/.test(code);
}

/** An error of the system's, as one clause: which step failed, and how. */
export function networkProblem(code: string): { message: string; hint: string } {
  switch (code) {
    case 'ENOTFOUND':
      return { message: 'DNS: no such host', hint: 'check the host name, and which name server is in use' };
    case 'EAI_AGAIN':
      return {
        message: 'DNS: the name server does not answer',
        hint: 'check the network and its name server',
      };
    case 'ECONNREFUSED':
      return {
        message: 'the connection was refused: nothing listens there',
        hint: 'is it running, and the port right?',
      };
    case 'ETIMEDOUT':
    case 'UND_ERR_CONNECT_TIMEOUT':
      return {
        message: 'no answer in time',
        hint: 'a firewall may be dropping it: allow outbound connections to it, or set HTTPS_PROXY',
      };
    case 'EHOSTUNREACH':
    case 'ENETUNREACH':
      return { message: 'there is no route to it', hint: 'check the network, VPN and firewall' };
    case 'ECONNRESET':
    case 'EPIPE':
      return {
        message: 'the connection was cut',
        hint: 'a firewall or proxy in between may be cutting it; does it let TLS and WebSocket through?',
      };
    case 'EPROTO':
    case 'ERR_SSL_WRONG_VERSION_NUMBER':
      return { message: 'TLS: it does not speak TLS', hint: 'is it an http:// or ws:// address?' };
    default:
      return { message: `connecting failed (${code})`, hint: 'check the network between' };
  }
}

/** What was thrown on the way, as a code; a proxy's refusal is an AppError and says everything itself. */
export function codeOf(error: unknown): string {
  if (error instanceof AppError) return error.code;
  return (error as NodeJS.ErrnoException).code ?? 'connection failed';
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
