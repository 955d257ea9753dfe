/** A forward proxy of our own: CONNECT and absolute-form requests, with what it was asked for. */
import { createServer, type IncomingMessage, request } from 'node:http';
import { type AddressInfo, connect, type Socket } from 'node:net';
import type { TestContext } from 'node:test';

export interface ForwardProxy {
  url: string;
  port: number;
  /** `CONNECT host:port`, `GET http://…`. */
  asked: string[];
  /** The Proxy-Authorization of each. */
  credentials: (string | undefined)[];
}

export interface ForwardProxyOptions {
  /** Answers everything with this status instead. */
  refuse?: number;
  /** Takes connections and never answers. */
  silent?: boolean;
  /** Cuts a tunnel in which nothing has passed for that long. */
  idleMs?: number;
}

export async function startForwardProxy(
  t: TestContext,
  options: ForwardProxyOptions = {},
): Promise<ForwardProxy> {
  const asked: string[] = [];
  const credentials: (string | undefined)[] = [];
  const note = (incoming: IncomingMessage): void => {
    asked.push(`${incoming.method} ${incoming.url}`);
    credentials.push(incoming.headers['proxy-authorization']);
  };
  const open = new Set<Socket>();
  const server = createServer((incoming, outgoing) => {
    note(incoming);
    if (options.silent) return;
    if (options.refuse !== undefined) return void outgoing.writeHead(options.refuse).end('<html>no</html>');
    const { 'proxy-authorization': _, ...headers } = incoming.headers;
    const forwarded = request(incoming.url as string, { method: incoming.method, headers }, answer => {
      outgoing.writeHead(answer.statusCode as number, answer.headers);
      answer.pipe(outgoing);
    });
    forwarded.on('error', () => outgoing.destroy());
    incoming.pipe(forwarded);
  });
  server.on('connection', socket => open.add(socket));
  server.on('connect', (incoming: IncomingMessage, client: Socket, head: Buffer) => {
    note(incoming);
    client.on('error', () => {});
    if (options.silent) return;
    if (options.refuse !== undefined) {
      client.end(`HTTP/1.1 ${options.refuse} No\r\ncontent-type: text/html\r\n\r\n<html>no</html>`);
      return;
    }
    const target = new URL(`http://${incoming.url}`);
    const upstream = connect(Number(target.port || 80), target.hostname.replace(/^\[|\]$/g, ''), () => {
      client.write('HTTP/1.1 200 Connection Established\r\n\r\n');
      upstream.write(head);
      client.pipe(upstream).pipe(client);
    });
    open.add(upstream);
    upstream.on('error', () => client.destroy());
    client.on('close', () => upstream.destroy());
    if (options.idleMs !== undefined) {
      for (const socket of [client, upstream]) {
        socket.setTimeout(options.idleMs, () => {
          client.destroy();
          upstream.destroy();
        });
      }
    }
  });
  await new Promise<void>(listening => server.listen(0, '127.0.0.1', listening));
  t.after(() => {
    for (const socket of open) socket.destroy();
    server.close();
  });
  const { port } = server.address() as AddressInfo;
  return { url: `http://127.0.0.1:${port}`, port, asked, credentials };
}
