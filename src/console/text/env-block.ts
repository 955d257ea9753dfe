/** What a new token is used with: the env block, and the lines that start a runner from it. */
import { imageOf } from '../../version.ts';

const HOSTED_GATEWAY = 'wss://runner.semilayer.com/connect';
/** What a stop must allow a runner, as `run --emit` writes it: its grace period and the time to leave. */
const STOP_SECONDS = 40;

export interface NewRunner {
  id: string;
  name: string;
  token: string;
  gatewayUrl: string;
  /** Of the gateway; a runner beside it is taken from the same image. */
  version: string;
}

/** The lines of an env file. The hosted gateway is where a runner dials unasked; any other is named. */
export function envBlock({ id, token, gatewayUrl }: Omit<NewRunner, 'version'>): string {
  const lines = [`SEMILAYER_RUNNER_ID=${id}`, `SEMILAYER_RUNNER_TOKEN=${token}`];
  if (gatewayUrl !== HOSTED_GATEWAY) lines.push(`SEMILAYER_GATEWAY_URL=${gatewayUrl}`);
  return `${lines.join('\n')}\n`;
}

export function envFileName(name: string): string {
  return `${name}.env`;
}

export interface StartLines {
  npx: string;
  docker: string;
  compose: string;
}

/** None of them holds the token: it stays in the env file, out of shell histories and process lists. */
export function startLines({ name, gatewayUrl, version }: Omit<NewRunner, 'id' | 'token'>): StartLines {
  const file = envFileName(name);
  // Inside a container, loopback is the container's own.
  const onLoopback = isLoopback(gatewayUrl);
  return {
    npx: `npx semilayer run --env-file ${file}`,
    docker: [
      `docker run -d --name semilayer-${name} --restart unless-stopped`,
      ...(onLoopback ? ['--network host'] : []),
      `--stop-timeout ${STOP_SECONDS} --env-file ${file}`,
      imageOf(version),
    ].join(' \\\n  '),
    compose: [
      'services:',
      `  ${name}:`,
      `    image: ${imageOf(version)}`,
      `    env_file: ${file}`,
      ...(onLoopback ? ['    network_mode: host'] : []),
      '    restart: unless-stopped',
      `    stop_grace_period: ${STOP_SECONDS}s`,
      '',
    ].join('\n'),
  };
}

export function isLoopback(gatewayUrl: string): boolean {
  return (
    URL.canParse(gatewayUrl) && /^(localhost|127\.\d+\.\d+\.\d+|\[::1\])$/.test(new URL(gatewayUrl).hostname)
  );
}

/** `SEMILAYER_SOURCE_PG_MAIN_URL` for the runner-local source `pg-main`. */
export function sourceVariable(name: string): string {
  return `SEMILAYER_SOURCE_${name.toUpperCase().replace(/[^A-Z0-9]/g, '_')}_URL`;
}
