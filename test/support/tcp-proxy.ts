/** A TCP proxy whose two sides can part: as when a machine loses its power, or a network its way. */
import { connect, createServer, type Socket } from 'node:net';
import type { TestContext } from 'node:test';

export interface TcpProxy {
  /** To dial in place of the target's. */
  port: number;
  /** Ends what is open and refuses what is new, until `heal`. */
  cut(): void;
  heal(): void;
}

/** The far side stays open when the near side is gone: nobody says goodbye. */
export async function tcpProxy(t: Pick<TestContext, 'after'>, targetPort: number): Promise<TcpProxy> {
  const sockets = new Set<Socket>();
  let whole = true;
  const server = createServer(near => {
    if (!whole) return near.destroy();
    const far = connect(targetPort, '127.0.0.1');
    for (const socket of [near, far]) {
      sockets.add(socket);
      socket.on('error', () => {});
      socket.on('close', () => sockets.delete(socket));
    }
    // No `pipe`: it would pass the end on.
    near.on('data', data => far.write(data));
    far.on('data', data => near.write(data));
    far.on('close', () => near.destroy());
  });
  const cut = (): void => {
    whole = false;
    for (const socket of sockets) socket.destroy();
  };
  t.after(() => {
    cut();
    server.close();
  });
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve));
  return {
    port: (server.address() as { port: number }).port,
    cut,
    heal: () => {
      whole = true;
    },
  };
}
