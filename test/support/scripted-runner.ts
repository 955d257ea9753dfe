/** A runner of version 1, written against docs/protocol.md with a WebSocket and nothing of ours. */
import { once } from 'node:events';
import type { TestContext } from 'node:test';
import { WebSocket } from 'ws';

export type Frame = { type: string; id?: string; [key: string]: unknown };

export class ScriptedRunner {
  readonly socket: WebSocket;
  readonly closed: Promise<{ code: number; reason: string }>;
  readonly frames: Frame[] = [];
  #seen = 0;
  #waiting: (() => void)[] = [];

  constructor(socket: WebSocket) {
    this.socket = socket;
    socket.on('message', data => {
      this.frames.push(JSON.parse(String(data)) as Frame);
      this.#wake();
    });
    socket.on('error', () => {});
    this.closed = once(socket, 'close').then(([code, reason]) => {
      this.#wake();
      return { code: code as number, reason: String(reason) };
    });
  }

  /** The next frame of this type, skipping others; rejects when the connection ends first. */
  async next(type: string): Promise<Frame> {
    for (;;) {
      while (this.#seen < this.frames.length) {
        const frame = this.frames[this.#seen++] as Frame;
        if (frame.type === type) return frame;
      }
      if (this.socket.readyState === WebSocket.CLOSED) throw new Error(`closed while waiting for ${type}`);
      await this.#change();
    }
  }

  /** The frame that ends this job; rejects when the connection ends first. */
  async ending(id: string): Promise<Frame> {
    for (;;) {
      const frame = this.frames.find(one => one.id === id && (one.type === 'done' || one.type === 'error'));
      if (frame) return frame;
      if (this.socket.readyState === WebSocket.CLOSED)
        throw new Error(`closed while waiting for the end of ${id}`);
      await this.#change();
    }
  }

  /** The rows that have come for this job. */
  rowsOf(id: string): unknown[] {
    const chunks = this.frames.filter(frame => frame.id === id && frame.type === 'chunk');
    return chunks.flatMap(frame => frame.rows as unknown[]);
  }

  send(frame: unknown): void {
    this.socket.send(typeof frame === 'string' ? frame : JSON.stringify(frame));
  }

  #change(): Promise<void> {
    return new Promise(resolve => this.#waiting.push(resolve));
  }

  #wake(): void {
    for (const resolve of this.#waiting.splice(0)) resolve();
  }
}

/** Opens the socket and says nothing yet. */
export async function dialRaw(
  t: TestContext,
  url: string,
  token: string,
  headers: Record<string, string> = {},
): Promise<ScriptedRunner> {
  const socket = new WebSocket(url, {
    headers: { authorization: `Bearer ${token}`, ...headers },
    perMessageDeflate: false,
  });
  const runner = new ScriptedRunner(socket);
  t.after(() => socket.terminate());
  await once(socket, 'open');
  return runner;
}

/** Opens the socket, says hello and has been acknowledged. */
export async function connectScripted(
  t: TestContext,
  url: string,
  token: string,
  runnerId: string,
  hello: Record<string, unknown> = {},
  headers: Record<string, string> = {},
): Promise<ScriptedRunner> {
  const runner = await dialRaw(t, url, token, headers);
  runner.send({ type: 'hello', version: 1, runnerId, capabilities: [], ...hello });
  await runner.next('hello-ack');
  return runner;
}

/** HTTP status and body of an upgrade that is refused. */
export async function refusedUpgrade(
  url: string,
  headers: Record<string, string>,
): Promise<{ status: number; body: string; headers: Record<string, unknown> }> {
  return await new Promise((resolve, reject) => {
    const socket = new WebSocket(url, { headers });
    socket.on('open', () => {
      socket.terminate();
      reject(new Error('the upgrade was accepted'));
    });
    socket.on('error', () => {});
    socket.on('unexpected-response', (_request, response) => {
      let body = '';
      response.on('data', chunk => {
        body += chunk;
      });
      response.on('end', () =>
        resolve({ status: response.statusCode ?? 0, body, headers: response.headers }),
      );
    });
  });
}
