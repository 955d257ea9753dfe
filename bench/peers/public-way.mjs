/**
 * The way of the public bridge: all rows held in the runner, a COUNT(*) beside them, frames of JSON over one WebSocket,
 * parsed by the gateway and written out again a line each. `public-way.mjs gateway` prints its port;
 * `public-way.mjs runner PORT ENGINE` reads the database in DATABASE_URL. Neither authenticates nor validates.
 */
import { once } from 'node:events';
import { createServer } from 'node:http';
import { WebSocket, WebSocketServer } from 'ws';
import { clientOf } from '../engines/index.mjs';

const ROWS_A_FRAME = 500;
/** Sent and not yet taken by the system: beyond it the runner waits. */
const HIGH_WATER_BYTES = 1_048_576;

if (process.argv[2] === 'runner') await runner(process.argv[3], process.argv[4]);
else gateway();

async function runner(port, engine) {
  const database = await (await clientOf(engine)).open(process.env.DATABASE_URL);
  const socket = new WebSocket(`ws://127.0.0.1:${port}`, { perMessageDeflate: false });
  socket.on('message', async data => {
    const { id } = JSON.parse(data);
    const rows = await database.all();
    const total = await database.count();
    for (let at = 0; at < rows.length; at += ROWS_A_FRAME) {
      const frame = JSON.stringify({ id, type: 'chunk', rows: rows.slice(at, at + ROWS_A_FRAME) });
      const sent = new Promise(resolve => socket.send(frame, resolve));
      if (socket.bufferedAmount > HIGH_WATER_BYTES) await sent;
    }
    socket.send(JSON.stringify({ id, type: 'done', meta: { count: rows.length, total } }));
  });
}

function gateway() {
  const waiting = new Map();
  let peer;
  let jobs = 0;
  const server = createServer(async (request, response) => {
    request.resume();
    await once(request, 'end');
    const id = String(++jobs);
    waiting.set(id, response);
    response.setHeader('content-type', 'application/x-ndjson');
    peer.send(JSON.stringify({ type: 'job', id }));
  });
  new WebSocketServer({ server, perMessageDeflate: false }).on('connection', socket => {
    peer = socket;
    socket.on('message', data => {
      const frame = JSON.parse(data);
      const response = waiting.get(frame.id);
      if (frame.type === 'done') {
        // A response that has ended tells of no drain any more.
        socket.resume();
        return response.end();
      }
      let lines = '';
      for (const row of frame.rows) lines += `${JSON.stringify(row)}\n`;
      if (response.write(lines)) return;
      socket.pause();
      response.once('drain', () => socket.resume());
    });
    console.log('connected');
  });
  server.listen(0, '127.0.0.1', () => console.log(server.address().port));
}
