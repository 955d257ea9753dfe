/** WebSocket peers on bare sockets, for what no library would send: bytes that are no text, headers that promise too much. */
import { createHash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { createServer } from 'node:http';
import { type AddressInfo, connect, type Socket } from 'node:net';
import type { TestContext } from 'node:test';
import { type TappedMessage, WebSocketTap } from './websocket-tap.ts';

const ACCEPT_SUFFIX = '258EAFA5-E914-47DA-95CA-C5AB0DC85B11';
const NO_STATUS = 1005;
const ABNORMAL = 1006;

export interface RawFrame {
  /** 1 text, 2 binary, 0 continuation, 8 close, 9 ping, 10 pong. */
  opcode?: number;
  payload?: Buffer | string;
  /** Whether the message ends here. */
  final?: boolean;
  /** The bit that says compressed. */
  compressed?: boolean;
  /** Says so many bytes, whatever comes. */
  claimedLength?: number;
}

export class RawPeer {
  readonly socket: Socket;
  readonly messages: TappedMessage[] = [];
  /** The code of the other side's close frame; 1006 when there was none. */
  readonly closed: Promise<number>;
  readonly #masked: boolean;
  /** What the other side's close frame said. */
  #reason = '';
  #wake: (() => void)[] = [];

  constructor(socket: Socket, masked: boolean, head: Buffer) {
    this.socket = socket;
    this.#masked = masked;
    socket.setNoDelay(true);
    const tap = new WebSocketTap({ headSeen: true });
    let code = ABNORMAL;
    const take = (data: Buffer): void => {
      for (const { message } of tap.feed(data)) {
        if (!message) continue;
        this.messages.push(message);
        if (message.type !== '#close') continue;
        code = message.payload.length >= 2 ? message.payload.readUInt16BE(0) : NO_STATUS;
        this.#reason = message.payload.toString('utf8', 2);
        // Answered, so that the other side need not wait for its patience to end.
        this.frame({ opcode: 8, payload: message.payload.subarray(0, 2) });
        // It is the server that ends the connection.
        if (!masked) socket.end();
      }
      for (const resolve of this.#wake.splice(0)) resolve();
    };
    socket.on('data', take);
    socket.on('error', () => {});
    this.closed = new Promise(resolve => {
      socket.on('close', () => {
        resolve(code);
        for (const wake of this.#wake.splice(0)) wake();
      });
    });
    if (head.length > 0) take(head);
  }

  /** The first message of that type. */
  async message(type: string): Promise<TappedMessage> {
    for (;;) {
      const found = this.messages.find(message => message.type === type);
      if (found) return found;
      await this.more(type);
    }
  }

  /** Resolves when something more has come; rejects when nothing can. */
  async more(awaited = 'more'): Promise<void> {
    if (this.socket.destroyed)
      throw new Error(`closed with ${await this.closed} ${this.#reason} while waiting for ${awaited}`);
    await new Promise<void>(resolve => this.#wake.push(resolve));
  }

  json(frame: unknown): void {
    this.frame({ payload: JSON.stringify(frame) });
  }

  frame({ opcode = 1, payload = '', final = true, compressed = false, claimedLength }: RawFrame): void {
    const data = Buffer.from(payload);
    const length = claimedLength ?? data.length;
    const first = (final ? 0x80 : 0) | (compressed ? 0x40 : 0) | opcode;
    const mask = this.#masked ? 0x80 : 0;
    const head =
      length < 126
        ? Buffer.from([first, mask | length])
        : length < 65_536
          ? Buffer.from([first, mask | 126, length >> 8, length & 0xff])
          : Buffer.concat([Buffer.from([first, mask | 127]), bigLength(length)]);
    // A mask of zeros leaves the bytes as they are.
    const parts = this.#masked ? [head, Buffer.alloc(4), data] : [head, data];
    this.bytes(Buffer.concat(parts));
  }

  bytes(bytes: Buffer): void {
    if (!this.socket.destroyed) this.socket.write(bytes);
  }
}

/** Dials a gateway; the upgrade has been accepted, and `headers` are its answer. */
export async function dialBare(
  t: Pick<TestContext, 'after'>,
  port: number,
  token: string,
  headers: readonly string[] = [],
): Promise<{ peer: RawPeer; headers: string }> {
  const socket = connect(port, '127.0.0.1');
  t.after(() => socket.destroy());
  socket.write(
    [
      'GET /connect HTTP/1.1',
      `Host: 127.0.0.1:${port}`,
      'Connection: Upgrade',
      'Upgrade: websocket',
      'Sec-WebSocket-Version: 13',
      `Sec-WebSocket-Key: ${randomBytes(16).toString('base64')}`,
      `Authorization: Bearer ${token}`,
      ...headers,
      '\r\n',
    ].join('\r\n'),
  );
  let answer = Buffer.alloc(0);
  while (!answer.includes('\r\n\r\n')) {
    const [data] = (await once(socket, 'data')) as [Buffer];
    answer = Buffer.concat([answer, data]);
  }
  socket.removeAllListeners('data');
  const end = answer.indexOf('\r\n\r\n') + 4;
  const peer = new RawPeer(socket, true, answer.subarray(end));
  return { peer, headers: answer.toString('latin1', 0, end) };
}

/** A gateway that takes every upgrade and then says what the test has it say. */
export async function openBareGateway(
  t: Pick<TestContext, 'after'>,
): Promise<{ url: string; peer(): Promise<RawPeer>; offers: (string | undefined)[] }> {
  const server = createServer();
  const waiting: ((peer: RawPeer) => void)[] = [];
  const arrived: RawPeer[] = [];
  const offers: (string | undefined)[] = [];
  server.on('upgrade', (request, socket, head) => {
    offers.push(request.headers['sec-websocket-extensions']);
    const accept = createHash('sha1')
      .update(`${request.headers['sec-websocket-key']}${ACCEPT_SUFFIX}`)
      .digest('base64');
    socket.write(
      `HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: ${accept}\r\n\r\n`,
    );
    t.after(() => socket.destroy());
    const peer = new RawPeer(socket as Socket, false, head);
    const waiter = waiting.shift();
    if (waiter) waiter(peer);
    else arrived.push(peer);
  });
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve));
  t.after(() => server.close());
  const { port } = server.address() as AddressInfo;
  return {
    url: `ws://127.0.0.1:${port}/connect`,
    peer: async () => arrived.shift() ?? (await new Promise(resolve => waiting.push(resolve))),
    offers,
  };
}

function bigLength(length: number): Buffer {
  const bytes = Buffer.alloc(8);
  bytes.writeBigUInt64BE(BigInt(length));
  return bytes;
}
