// A gateway of protocol version 1 in one file, written from docs/protocol.md with nothing but a WebSocket server:
// it waits for one runner, asks it one question about a SQLite file, prints the rows and sends the runner away.
//
//   TOKEN=rk_… DATABASE=/path/to.db TARGET=orders node raw-gateway.mjs
//   semilayer run --id anything --gateway-url ws://127.0.0.1:PORT/connect      # with the same token
import { createServer } from 'node:http';
import { WebSocketServer } from 'ws';

const { TOKEN, DATABASE, TARGET } = process.env;
const source = {
  id: 'source-1',
  name: 'example',
  bridge: '@semilayer/bridge-sqlite',
  credentialsLocation: 'managed',
  config: { url: `file:${DATABASE}` },
};

const server = createServer((_request, response) => response.writeHead(404).end());
const sockets = new WebSocketServer({ noServer: true, maxPayload: 16 * 1024 * 1024 });

server.on('upgrade', (request, socket, head) => {
  if (request.url !== '/connect' || request.headers.authorization !== `Bearer ${TOKEN}`) {
    return socket.end('HTTP/1.1 401 Unauthorized\r\nconnection: close\r\ncontent-length: 0\r\n\r\n');
  }
  sockets.handleUpgrade(request, socket, head, serve);
});
server.listen(0, '127.0.0.1', () => console.log(`ws://127.0.0.1:${server.address().port}/connect`));

function serve(runner) {
  const send = frame => runner.send(JSON.stringify(frame));
  const helloTimer = setTimeout(() => runner.close(4400, 'no hello'), 5_000);
  runner.on('message', data => {
    const frame = JSON.parse(data);
    switch (frame.type) {
      case 'hello':
        clearTimeout(helloTimer);
        if (!(frame.version >= 1)) return runner.close(4400, 'hello.version');
        send({ type: 'hello-ack', serverVersion: 1, assignedSources: [source] });
        return send({
          type: 'job',
          id: 'job-1',
          params: { source, job: { kind: 'query', target: TARGET, options: { limit: 1_000 } } },
          deadlineMs: 30_000,
        });
      case 'chunk':
        for (const row of frame.rows) console.log(JSON.stringify(row));
        return;
      case 'done':
        console.log(`done: ${frame.meta?.count} rows`);
        return leave(runner);
      case 'error':
        console.log(`${frame.code}: ${frame.message}`);
        process.exitCode = 7;
        return leave(runner);
    }
  });
}

function leave(runner) {
  runner.close(1001, 'example is over');
  server.close();
}
