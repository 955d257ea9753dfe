/**
 * Sessions by the hundred in one process, each a bare socket: hello, then nothing but answers to pings until the close
 * frame, whose arrival is noted before anything else is done. So little happens for each that the process is never what
 * is waited for. Asked with `{url, runners}` it connects them; asked with nothing it waits until all are closed, and
 * tells of each `{id, code, at}`, `at` by the clock of the machine, in milliseconds.
 */
import { randomBytes } from 'node:crypto';
import { connect } from 'node:net';
import { answerQuestions } from '../processes.mjs';

const TEXT = 1;
const CLOSE = 8;
const PING = 9;
const PONG = 10;
const DIALLING_AT_ONCE = 64;

const closed = [];
let all = 0;
let wake = () => {};

answerQuestions(async ({ url, runners }) => {
  if (url) return await connectAll(new URL(url), runners);
  while (closed.length < all) {
    await new Promise(resolve => {
      wake = resolve;
    });
  }
  return closed;
});

async function connectAll(url, runners) {
  all = runners.length;
  const waiting = [...runners];
  const dialler = async () => {
    for (let runner = waiting.shift(); runner; runner = waiting.shift()) await open(url, runner);
  };
  await Promise.all(Array.from({ length: DIALLING_AT_ONCE }, dialler));
}

function open({ hostname, port, pathname }, { id, token }) {
  return new Promise((resolve, reject) => {
    const socket = connect(Number(port), hostname);
    socket.setNoDelay(true);
    socket.on('error', reject);
    socket.write(upgrade(`${hostname}:${port}`, pathname, token));
    let greeted = false;
    let bytes = Buffer.alloc(0);
    socket.on('data', data => {
      const at = now();
      bytes = bytes.length === 0 ? data : Buffer.concat([bytes, data]);
      if (!greeted) {
        const end = bytes.indexOf('\r\n\r\n');
        if (end < 0) return;
        greeted = true;
        bytes = bytes.subarray(end + 4);
        socket.write(
          frame(TEXT, JSON.stringify({ type: 'hello', version: 1, runnerId: id, capabilities: [] })),
        );
      }
      for (let next = take(bytes); next; next = take(bytes)) {
        bytes = next.rest;
        if (next.opcode === TEXT) resolve();
        if (next.opcode === PING) socket.write(frame(PONG, next.payload));
        if (next.opcode !== CLOSE) continue;
        closed.push({ id, code: next.payload.readUInt16BE(0), at });
        socket.end(frame(CLOSE, next.payload.subarray(0, 2)));
        if (closed.length === all) wake();
      }
    });
  });
}

function upgrade(host, path, token) {
  return [
    `GET ${path} HTTP/1.1`,
    `Host: ${host}`,
    'Connection: Upgrade',
    'Upgrade: websocket',
    'Sec-WebSocket-Version: 13',
    `Sec-WebSocket-Key: ${randomBytes(16).toString('base64')}`,
    `Authorization: Bearer ${token}`,
    '\r\n',
  ].join('\r\n');
}

/** What a client says is masked; a mask of zeros leaves the bytes as they are. Shorter than 126 bytes. */
function frame(opcode, payload) {
  const data = Buffer.from(payload);
  return Buffer.concat([Buffer.from([0x80 | opcode, 0x80 | data.length, 0, 0, 0, 0]), data]);
}

/** The first whole frame, of less than 64 KiB. */
function take(bytes) {
  if (bytes.length < 2) return undefined;
  const short = bytes[1] & 0x7f;
  const start = short < 126 ? 2 : 4;
  if (bytes.length < start) return undefined;
  const end = start + (short < 126 ? short : bytes.readUInt16BE(2));
  if (bytes.length < end) return undefined;
  return { opcode: bytes[0] & 0x0f, payload: bytes.subarray(start, end), rest: bytes.subarray(end) };
}

function now() {
  return performance.timeOrigin + performance.now();
}
