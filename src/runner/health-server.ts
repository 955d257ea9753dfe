/** `/livez`, `/readyz`, `/health` and `/metrics` of a runner: the loop turns; connected and not leaving; figures. */
import { createServer, type Server, type ServerResponse } from 'node:http';
import { AppError } from '../errors.ts';
import type { Metrics } from '../platform/metrics.ts';
import type { RunnerStatus } from './events.ts';

export interface HealthServerOptions {
  host: string;
  /** 0 takes a free port. */
  port: number;
  status: () => RunnerStatus;
  metrics: Metrics;
}

export interface HealthServer {
  /** The port that was taken. */
  readonly port: number;
  close(): Promise<void>;
}

/**
 * Listens before the first connection to the gateway, so that an orchestrator can tell starting from dead.
 *
 * @throws AppError `port_in_use`, or `usage` when the address cannot be bound.
 */
export async function startHealthServer(options: HealthServerOptions): Promise<HealthServer> {
  const server = createServer((request, response) => {
    const path = (request.url ?? '/').split('?', 1)[0] ?? '/';
    if (request.method !== 'GET' && request.method !== 'HEAD') {
      response.writeHead(405, { allow: 'GET, HEAD' }).end();
      return;
    }
    if (path === '/metrics') return void answerMetrics(options.metrics, request.method, response);
    const answer = answerTo(path, options.status());
    const body = JSON.stringify(answer.body);
    response.writeHead(answer.status, { 'content-type': 'application/json', 'cache-control': 'no-store' });
    response.end(request.method === 'HEAD' ? undefined : `${body}\n`);
  });
  await listen(server, options);
  const address = server.address();
  return {
    port: typeof address === 'object' && address ? address.port : options.port,
    close: () =>
      new Promise(resolve => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

async function answerMetrics(
  metrics: Metrics,
  method: string | undefined,
  response: ServerResponse,
): Promise<void> {
  const text = await metrics.text().catch(() => undefined);
  const status = text === undefined ? 500 : 200;
  response.writeHead(status, { 'content-type': metrics.contentType, 'cache-control': 'no-store' });
  response.end(method === 'HEAD' ? undefined : text);
}

function answerTo(path: string, status: RunnerStatus): { status: number; body: unknown } {
  const ready = status.connected && !status.draining;
  const problems = problemsOf(status);
  const state = status.draining
    ? 'draining'
    : !status.connected
      ? 'connecting'
      : problems.length > 0
        ? 'degraded'
        : 'connected';
  switch (path) {
    case '/livez':
      return { status: 200, body: { status: 'ok' } };
    case '/readyz':
    case '/health':
      return {
        status: ready ? 200 : 503,
        body: {
          status: state,
          ready,
          problems,
          activeJobs: status.activeJobs,
          sources: status.sources,
          sourceStates: status.sourceStates ?? {},
          ...(status.ledger ? { ledger: status.ledger } : {}),
        },
      };
    default:
      return { status: 404, body: { status: 'not found' } };
  }
}

/** `pg-main unreachable`: what keeps a runner that is ready from answering for all its sources. */
function problemsOf({ sourceStates = {}, ledger }: RunnerStatus): string[] {
  const sources = Object.entries(sourceStates).filter(
    ([, state]) => state === 'unreachable' || state === 'misconfigured',
  );
  return [
    ...sources.map(([name, state]) => `${name} ${state}`),
    ...(ledger === 'failing' ? ['ledger failing'] : []),
  ];
}

function listen(server: Server, options: HealthServerOptions): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) => {
      const where = `${options.host}:${options.port}`;
      reject(
        error.code === 'EADDRINUSE'
          ? new AppError('port_in_use', {
              message: `health port ${where} is in use`,
              hint: 'choose another with --health-port or SEMILAYER_HEALTH_PORT',
              cause: error,
            })
          : new AppError('usage', {
              message: `cannot listen on ${where} (${error.code ?? error.message})`,
              cause: error,
            }),
      );
    });
    server.listen(options.port, options.host, () => resolve());
  });
}
