/** What a new token is used with: the env block, and the lines that start a runner from it. */

const HOSTED_GATEWAY = 'wss://runner.semilayer.com/connect';
const IMAGE = 'ghcr.io/semilayer/runner:latest';

export interface NewRunner {
  id: string;
  name: string;
  token: string;
  gatewayUrl: string;
}

/** The lines of an env file. The hosted gateway is where a runner dials unasked; any other is named. */
export function envBlock({ id, token, gatewayUrl }: NewRunner): string {
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
export function startLines({ name, gatewayUrl }: Pick<NewRunner, 'name' | 'gatewayUrl'>): StartLines {
  const file = envFileName(name);
  // Inside a container, loopback is the container's own.
  const onLoopback = isLoopback(gatewayUrl);
  return {
    npx: `npx semilayer run --env-file ${file}`,
    docker: [
      `docker run -d --name semilayer-${name} --restart unless-stopped`,
      ...(onLoopback ? ['--network host'] : []),
      `--stop-timeout 30 --env-file ${file}`,
      IMAGE,
    ].join(' \\\n  '),
    compose: [
      'services:',
      `  ${name}:`,
      `    image: ${IMAGE}`,
      `    env_file: ${file}`,
      ...(onLoopback ? ['    network_mode: host'] : []),
      '    restart: unless-stopped',
      '    stop_grace_period: 30s',
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
