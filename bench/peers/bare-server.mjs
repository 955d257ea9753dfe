/**
 * The floor of `bench:idle`: a WebSocket server that says hello back and takes heartbeats, and does nothing else: no
 * authentication, no records, no sessions. `bare-server.mjs pings` pings who has been silent for 8 s, as the protocol
 * asks. Prints its port.
 */
import { WebSocketServer } from 'ws';

const SILENCE_MS = 8_000;
const CHECK_MS = 250;
const ACK = JSON.stringify({ type: 'hello-ack', serverVersion: 1, assignedSources: [] });

const server = new WebSocketServer({ port: 0, host: '127.0.0.1', perMessageDeflate: false }, () =>
  console.log(server.address().port),
);
const heardAt = new Map();
server.on('connection', socket => {
  heardAt.set(socket, performance.now());
  socket.once('message', () => socket.send(ACK));
  const heard = () => heardAt.set(socket, performance.now());
  socket.on('message', data => {
    JSON.parse(data);
    heard();
  });
  socket.on('pong', heard);
  socket.on('close', () => heardAt.delete(socket));
});
if (process.argv[2] === 'pings') {
  const asked = new WeakMap();
  setInterval(() => {
    const now = performance.now();
    for (const [socket, at] of heardAt) {
      if (now - at < SILENCE_MS || asked.get(socket) === at) continue;
      asked.set(socket, at);
      socket.ping();
    }
  }, CHECK_MS);
}
