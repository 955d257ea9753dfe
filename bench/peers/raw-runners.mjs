/**
 * Connected runners by the thousand in one process, each a bare WebSocket client of protocol version 1: hello, a
 * heartbeat every 25 s, pings answered, a job answered with one row. What it costs to hold a runner is then the
 * gateway's alone to show. Asked with `{url, runners}` it connects them; asked with nothing it tells what was exchanged.
 */
import { WebSocket } from 'ws';
import { answerQuestions } from '../processes.mjs';

const HEARTBEAT_MS = 25_000;
/** Heartbeats are spread over the interval, a slice at a time, as those of real runners are. */
const SLICE_MS = 100;
const DIALLING_AT_ONCE = 64;
const HEARTBEAT = JSON.stringify({ type: 'heartbeat' });

const sockets = [];
const seen = { heartbeats: 0, pings: 0, jobs: 0, closed: 0 };

answerQuestions(async ({ url, runners }) => {
  if (url) await connectAll(url, runners);
  return { ...seen, open: sockets.filter(socket => socket.readyState === WebSocket.OPEN).length };
});

async function connectAll(url, runners) {
  const waiting = [...runners];
  const dialler = async () => {
    for (let runner = waiting.shift(); runner; runner = waiting.shift()) await connect(url, runner);
  };
  await Promise.all(Array.from({ length: DIALLING_AT_ONCE }, dialler));
}

function connect(url, { id, token }) {
  return new Promise((resolve, reject) => {
    const headers = { authorization: `Bearer ${token}` };
    const socket = new WebSocket(url, { headers, perMessageDeflate: false });
    socket.on('open', () =>
      socket.send(JSON.stringify({ type: 'hello', version: 1, runnerId: id, capabilities: [] })),
    );
    socket.on('message', data => {
      const frame = JSON.parse(data);
      if (frame.type === 'hello-ack') {
        sockets.push(socket);
        resolve();
      } else if (frame.type === 'job') answer(socket, frame.id);
    });
    socket.on('ping', () => seen.pings++);
    socket.on('error', reject);
    socket.on('close', code => {
      seen.closed++;
      reject(new Error(`closed with ${code}`));
    });
  });
}

function answer(socket, id) {
  seen.jobs++;
  socket.send(JSON.stringify({ id, type: 'chunk', rows: [{ id: 1, name: 'one row' }] }));
  socket.send(JSON.stringify({ id, type: 'done', meta: { count: 1, durationMs: 0 } }));
}

let next = 0;
let due = 0;
setInterval(() => {
  due += (sockets.length * SLICE_MS) / HEARTBEAT_MS;
  for (; due >= 1; due--) {
    sockets[next++ % sockets.length].send(HEARTBEAT);
    seen.heartbeats++;
  }
}, SLICE_MS);
