/** NATS request and reply, as a peer: Debian's nats-server, or the one that SEMILAYER_BENCH_NATS names. */
import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { connect } from '@nats-io/transport-node';

const PLACES = ['/usr/sbin/nats-server', '/usr/local/bin/nats-server'];
const TIMEOUT_MS = 30_000;
const RESPONDER = fileURLToPath(new URL('peers/nats-responder.mjs', import.meta.url));

/** @returns a side as `bench:dispatch` compares them; undefined where there is no server. */
export async function startNats(processes) {
  const command = process.env.SEMILAYER_BENCH_NATS ?? PLACES.find(place => existsSync(place));
  if (!command) return undefined;
  const { stdout } = await promisify(execFile)(command, ['--version']);
  const server = processes.start(['-a', '127.0.0.1', '-p', '-1'], {}, command);
  const port = await server.line(/client connections on 127\.0\.0\.1:(\d+)/);
  const responder = processes.start([RESPONDER, port]);
  await responder.line(/(connected)/);
  return {
    version: /v?([\d.]+)/.exec(stdout)[1],
    pids: [server.pid, responder.pid],
    async open() {
      const connection = await connect({ servers: `127.0.0.1:${port}` });
      return {
        ask: async body => (await connection.request('rows', body, { timeout: TIMEOUT_MS })).string(),
        close: () => connection.close(),
      };
    },
  };
}
