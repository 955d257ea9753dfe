/** What every manifest says of a runner: where it dials, how long it may take to leave, what keeps its token. */
import { formatDuration } from '../../platform/duration.ts';

export interface Deployment {
  runnerId: string;
  gatewayUrl: string;
  version: string;
  /** The gateway is reached without TLS, on purpose. */
  insecure: boolean;
  healthPort: number;
  gracePeriodMs: number;
  concurrency: number | undefined;
  /** The command line that starts this program, for a machine without containers. */
  self: readonly string[];
}

/** The uid of every image of Node. Given as a number, so that an orchestrator can see that it is not root. */
export const UID = 1000;
/** Where secrets are mounted, as Docker and others do. */
export const SECRETS = '/run/secrets';
export const TOKEN_NAME = 'runner_token';
/** A Secret that is rotated reaches a pod within two minutes: about that long a refused token may still change. */
export const TOKEN_WAIT = '120s';
/** From the end of the grace period to the last frame, the ledger's last line and the end of the process. */
const LEAVING_SECONDS = 15;

/** What whoever stops the process must allow it, in seconds: more than its own grace period. */
export function stopSeconds({ gracePeriodMs }: Deployment): number {
  return Math.ceil(gracePeriodMs / 1000) + LEAVING_SECONDS;
}

/** A name for containers, pods and units: what DNS allows. */
export function serviceName({ runnerId }: Deployment): string {
  const slug = runnerId
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, '-')
    .slice(0, 40)
    .replace(/^-+|-+$/g, '');
  return slug === '' ? 'semilayer-runner' : `semilayer-${slug}`;
}

/** The options of `run` that are not environment. */
export function runOptions(deployment: Deployment): string[] {
  const { gracePeriodMs, concurrency } = deployment;
  return [
    ...['--token-wait', TOKEN_WAIT, '--grace-period', formatDuration(gracePeriodMs), '--log-format', 'json'],
    ...(concurrency === undefined ? [] : ['--concurrency', String(concurrency)]),
  ];
}

export function environmentOf(deployment: Deployment, tokenFile: string): [name: string, value: string][] {
  return [
    ['SEMILAYER_RUNNER_ID', deployment.runnerId],
    ['SEMILAYER_GATEWAY_URL', deployment.gatewayUrl],
    ['SEMILAYER_RUNNER_TOKEN_FILE', tokenFile],
    ['SEMILAYER_HEALTH_PORT', String(deployment.healthPort)],
    ...(deployment.insecure ? [['SEMILAYER_INSECURE', '1'] as [string, string]] : []),
  ];
}

/** A string of YAML, whatever is in it: JSON's are YAML's. */
export function quoted(text: string): string {
  return JSON.stringify(text);
}
