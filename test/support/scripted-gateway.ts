/** A gateway of version 1, written against docs/protocol.md with a WebSocket server and nothing of ours. */
import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { TestContext } from 'node:test';
import { WebSocketServer } from 'ws';
import { ScriptedRunner } from './scripted-runner.ts';

export interface Upgrade {
  url: string | undefined;
  authorization: string | undefined;
}

export class ScriptedGateway {
  readonly url: string;
  readonly upgrades: Upgrade[] = [];
  readonly #waiting: ((session: ScriptedRunner) => void)[] = [];
  readonly #arrived: ScriptedRunner[] = [];

  constructor(url: string) {
    this.url = url;
  }

  /** The next runner that has connected; frames and closing are as for the other side. */
  async session(): Promise<ScriptedRunner> {
    const arrived = this.#arrived.shift();
    return arrived ?? (await new Promise(resolve => this.#waiting.push(resolve)));
  }

  /** The next runner, acknowledged with these sources. */
  async greeted(
    assignedSources: unknown[] = [],
    extra: Record<string, unknown> = {},
  ): Promise<ScriptedRunner> {
    const session = await this.session();
    await session.next('hello');
    session.send({ type: 'hello-ack', serverVersion: 1, assignedSources, ...extra });
    return session;
  }

  arrive(session: ScriptedRunner): void {
    const waiter = this.#waiting.shift();
    if (waiter) waiter(session);
    else this.#arrived.push(session);
  }
}

/**
 * @param refuse answers an upgrade with something else; undefined lets it through.
 * @param at where to listen; a free port of 127.0.0.1 otherwise.
 */
export async function openScriptedGateway(
  t: TestContext,
  refuse: (
    request: IncomingMessage,
  ) => { status: number; headers?: Record<string, string>; body?: string } | undefined = () => undefined,
  at = { host: '127.0.0.1', port: 0 },
): Promise<ScriptedGateway> {
  const server = createServer((_request: IncomingMessage, response: ServerResponse) =>
    response.writeHead(404).end(),
  );
  const sockets = new WebSocketServer({ noServer: true, perMessageDeflate: false });
  server.listen(at.port, at.host);
  await once(server, 'listening');
  const gateway = new ScriptedGateway(`ws://${at.host}:${(server.address() as AddressInfo).port}/connect`);
  server.on('upgrade', (request, socket, head) => {
    gateway.upgrades.push({ url: request.url, authorization: request.headers.authorization });
    const refusal = refuse(request);
    if (!refusal)
      return sockets.handleUpgrade(request, socket, head, ws => gateway.arrive(new ScriptedRunner(ws)));
    const { status, headers = {}, body = '' } = refusal;
    const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`);
    socket.end(
      `HTTP/1.1 ${status} X\r\n${lines.join('')}content-length: ${body.length}\r\nconnection: close\r\n\r\n${body}`,
    );
  });
  t.after(() => {
    for (const client of sockets.clients) client.terminate();
    server.close();
    server.closeAllConnections();
  });
  return gateway;
}
