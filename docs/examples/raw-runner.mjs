// A runner of protocol version 1 in one file, written from docs/protocol.md with nothing but a WebSocket client.
// Its "database" is an array. Run it with the env block that `semilayer runners create` printed:
//
//   SEMILAYER_GATEWAY_URL=ws://127.0.0.1:4400/connect SEMILAYER_RUNNER_ID=… SEMILAYER_RUNNER_TOKEN=… node raw-runner.mjs
import { WebSocket } from 'ws';

const PLANETS = ['Mercury', 'Venus', 'Earth', 'Mars'].map((name, index) => ({ id: index + 1, name }));

const {
  SEMILAYER_GATEWAY_URL: url,
  SEMILAYER_RUNNER_ID: runnerId,
  SEMILAYER_RUNNER_TOKEN: token,
} = process.env;
const socket = new WebSocket(url, { headers: { authorization: `Bearer ${token}` }, followRedirects: false });
const send = frame => socket.send(JSON.stringify(frame));
const cancelled = new Set();
let heartbeat;

socket.on('open', () => send({ type: 'hello', version: 1, runnerId, capabilities: [] }));
socket.on('message', data => {
  const frame = JSON.parse(data);
  switch (frame.type) {
    case 'hello-ack':
      heartbeat = setInterval(() => send({ type: 'heartbeat' }), 25_000);
      console.log(`connected, assigned: ${frame.assignedSources.map(source => source.name).join(', ')}`);
      break;
    case 'assignments-changed':
      console.log(`assigned: ${frame.assignedSources.map(source => source.name).join(', ')}`);
      break;
    case 'ping':
      send({ type: 'heartbeat' });
      break;
    case 'cancel':
      cancelled.add(frame.id);
      break;
    case 'job':
      void answer(frame);
      break;
    default:
    // A later version's frame: ignored.
  }
});
socket.on('unexpected-response', (_request, response) => {
  console.log(`refused: ${response.statusCode}`);
  process.exitCode = 77;
  socket.terminate();
});
socket.on('error', () => {});
socket.on('close', code => {
  clearInterval(heartbeat);
  console.log(`closed: ${code}`);
});
process.once('SIGTERM', () => socket.close(1000));

async function answer({ id, deadlineMs, params: { job } }) {
  const endsAt = Date.now() + deadlineMs;
  const fail = (code, message) => send({ type: 'error', id, code, message });
  if (job.kind === 'listTargets') {
    send({ type: 'chunk', id, rows: [{ name: 'planets' }] });
    return send({ type: 'done', id });
  }
  if (job.kind !== 'query') return fail('UNSUPPORTED_JOB', `this runner does not do ${job.kind}`);
  if (job.target !== 'planets') return fail('SOURCE_QUERY_FAILED', `no table "${job.target}"`);
  for (const row of PLANETS.slice(0, job.options.limit ?? PLANETS.length)) {
    // Another turn of the loop lets a cancel in between two chunks.
    await new Promise(resolve => setImmediate(resolve));
    if (cancelled.delete(id)) return fail('CANCELLED', 'cancelled by the caller');
    if (Date.now() > endsAt) return fail('QUERY_TIMEOUT', `the job did not end within ${deadlineMs} ms`);
    send({ type: 'chunk', id, rows: [row] });
  }
  send({ type: 'done', id });
}
