/** A process that keeps the database servers of one run: it starts each when it is first asked for, and ends with its input. */
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { startMysqlServer } from '../mysql-server.ts';
import { startPostgresServer } from '../postgres-server.ts';

const START: Record<string, () => Promise<object | undefined>> = {
  '/mysql': startMysqlServer,
  // Its directory is what makes it one's own.
  '/postgres': async () => {
    const cluster = await startPostgresServer();
    return cluster && { ...cluster, dataDir: undefined };
  },
};
const started = new Map<string, Promise<object | undefined>>();

const server = createServer(async (request, response) => {
  const path = request.url ?? '';
  const start = START[path];
  if (!start) return response.writeHead(404).end();
  const starting = started.get(path) ?? start();
  started.set(path, starting);
  try {
    response.end(JSON.stringify((await starting) ?? null));
  } catch (error) {
    response.writeHead(500).end((error as Error).message);
  }
});
server.listen(0, '127.0.0.1', () => {
  console.log(`http://127.0.0.1:${(server.address() as AddressInfo).port}`);
});
process.stdin.on('end', () => process.exit(0)).resume();
