/** What the system says of a connection that could not be made: which step failed, who is to blame, what to do. */
import { AppError } from '../errors.ts';
import type { TlsReport } from './http-probe.ts';
import { isLoopbackHost } from './network.ts';

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
