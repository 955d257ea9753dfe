/** Why a service was not reached: DNS, connection, TLS and whose certificate, time. Loaded when that has happened. */
import type { Agent } from 'node:http';
import { AppError } from '../errors.ts';
import { certificateOf } from '../platform/http-probe.ts';
import {
  certificateProblem,
  codeOf,
  isCertificateProblem,
  networkProblem,
} from '../platform/network-problem.ts';

/** The certificate is asked for once more, to say who issued it: not for longer than this. */
const CERTIFICATE_TIMEOUT_MS = 3_000;

/** @returns an AppError `service_unreachable`; one that was thrown on the way (a proxy's) as it is. */
export async function networkError(
  base: URL,
  cause: unknown,
  { agent, ca }: { agent: Agent | undefined; ca: readonly string[] | undefined },
): Promise<AppError> {
  if (cause instanceof AppError) return cause;
  const code = codeOf(cause);
  const { message, hint } = isCertificateProblem(code)
    ? certificateProblem(
        code,
        await certificateOf({ url: base, agent, ca, timeoutMs: CERTIFICATE_TIMEOUT_MS }),
        base.hostname,
      )
    : networkProblem(code);
  const told = message.includes(code) ? message : `${message} (${code})`;
  return new AppError('service_unreachable', {
    message: `${base.origin} cannot be reached: ${isCertificateProblem(code) ? 'TLS: ' : ''}${told}`,
    hint,
    cause,
    retryable: true,
  });
}
