/**
 * The floor of `bench:dispatch`: HTTP in, one WebSocket across, HTTP out, of the same JSON, and nothing else: no
 * authentication, no validation, no records, no deadlines. `relay.mjs gateway` prints its port; `relay.mjs runner
 * PORT [ROWS]`, the rows as a list in JSON.
 */
import { createServer } from 'node:http';
import { WebSocket, WebSocketServer } from 'ws';

const ROWS = process.argv[4] ? JSON.parse(process.argv[4]) : [{ id: 1, name: 'one row' }];

if (process.argv[2] === 'runner') {
  const socket = new WebSocket(`ws://127.0.0.1:${process.argv[3]}`, { perMessageDeflate: false });
  socket.on('message', data => {
    const { id } = JSON.parse(data);
    socket.send(JSON.stringify({ id, type: 'chunk', rows: ROWS }));
    socket.send(JSON.stringify({ id, type: 'done', meta: { count: ROWS.length, durationMs: 0 } }));
  });
} else {
  const waiting = new Map();
  let runner;
  let jobs = 0;
  const server = createServer((request, response) => {
    let body = '';
    request.on('data', chunk => {
      body += chunk;
    });
    request.on('end', () => {
      const id = String(++jobs);
      waiting.set(id, { response, rows: [] });
      runner.send(JSON.stringify({ type: 'job', id, params: JSON.parse(body), deadlineMs: 30_000 }));
    });
  });
  new WebSocketServer({ server, perMessageDeflate: false }).on('connection', socket => {
    runner = socket;
    socket.on('message', data => {
      const frame = JSON.parse(data);
      const job = waiting.get(frame.id);
      if (frame.type === 'chunk') return job.rows.push(...frame.rows);
      waiting.delete(frame.id);
      job.response.setHeader('content-type', 'application/json');
      job.response.end(JSON.stringify({ rows: job.rows, meta: frame.meta }));
    });
    console.log('connected');
  });
  server.listen(0, '127.0.0.1', () => console.log(server.address().port));
}
