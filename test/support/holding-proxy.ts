/** A TCP proxy that keeps the far side open when the near side is gone: a machine that lost its power, as its peer sees it. */
import { connect, createServer, type Server, type Socket } from 'node:net';
import type { TestContext } from 'node:test';

/** @returns the port to dial in place of `port`. */
export async function holdingProxy(t: Pick<TestContext, 'after'>, port: number): Promise<number> {
  const sockets = new Set<Socket>();
  const server: Server = createServer(near => {
    const far = connect(port, '127.0.0.1');
    for (const socket of [near, far]) {
      sockets.add(socket);
      socket.on('error', () => {});
    }
    // No `pipe`: it would pass the end on.
    near.on('data', data => far.write(data));
    far.on('data', data => near.write(data));
    far.on('close', () => near.destroy());
  });
  t.after(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve));
  return (server.address() as { port: number }).port;
}
