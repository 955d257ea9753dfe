/** `semilayer ready`: asks a runner on this machine whether it is ready, for images that have no curl. */
import { request } from 'node:http';
import type { Context } from '../cli/context.ts';
import { AppError } from '../errors.ts';
import { integer } from './run-settings.ts';

/** An orchestrator's own probe gives up sooner than this. */
const TIMEOUT_MS = 3_000;

export interface ReadyFlags {
  healthPort?: string;
}

/** @throws AppError `not_ready` (exit 1) unless `/readyz` answers 200. */
export async function readyCommand(flags: ReadyFlags, ctx: Context): Promise<void> {
  const text = flags.healthPort ?? ctx.env.SEMILAYER_HEALTH_PORT ?? ctx.env.PORT;
  if (text === undefined || text === '') {
    throw new AppError('usage', {
      message: 'no health port to ask',
      hint: 'give --health-port or set SEMILAYER_HEALTH_PORT, as for `semilayer run`',
    });
  }
  const port = integer(text, 'the health port', 1, 65_535);
  const host = localHost(ctx.env.SEMILAYER_HEALTH_HOST);
  const { status, body } = await get(host, port);
  const state = stateOf(body);
  if (status !== 200) {
    throw new AppError('not_ready', { message: `the runner on port ${port} is not ready: ${state}` });
  }
  if (ctx.global.json) ctx.output.document(JSON.parse(body));
  else ctx.output.success(`ready: ${state}`);
}

/** A runner that listens on every address is asked on loopback. */
function localHost(host: string | undefined): string {
  return host === undefined || host === '' || host === '0.0.0.0' || host === '::' ? '127.0.0.1' : host;
}

function get(host: string, port: number): Promise<{ status: number; body: string }> {
  return new Promise((resolve, reject) => {
    const fail = (reason: string): void =>
      reject(
        new AppError('not_ready', {
          message: `no runner answers on ${host}:${port} (${reason})`,
          hint: 'is `semilayer run` started with this health port?',
        }),
      );
    const outgoing = request({ host, port, path: '/readyz', timeout: TIMEOUT_MS }, response => {
      let body = '';
      response.setEncoding('utf8');
      response.on('data', chunk => {
        body += chunk;
      });
      response.on('end', () => resolve({ status: response.statusCode ?? 0, body }));
      response.on('error', () => fail('connection lost'));
    });
    outgoing.on('timeout', () => outgoing.destroy(new Error('timed out')));
    outgoing.on('error', (error: NodeJS.ErrnoException) => fail(error.code ?? error.message));
    outgoing.end();
  });
}

function stateOf(body: string): string {
  try {
    const { status, problems } = JSON.parse(body) as { status?: unknown; problems?: unknown };
    const said = Array.isArray(problems) && problems.length > 0 ? `: ${problems.join(', ')}` : '';
    return typeof status === 'string' ? status + said : 'unknown';
  } catch {
    return 'not a runner';
  }
}
