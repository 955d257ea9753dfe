/** A TCP proxy with every fault of a network: its two sides can part, wait, crawl, crumble, or be cut. */
import { connect, createServer, type Socket } from 'node:net';
import type { TestContext } from 'node:test';
import { type Clock, systemClock } from '../../src/platform/clock.ts';
import { type TappedMessage, WebSocketTap } from './websocket-tap.ts';

/** How often a throttled link lets its share through, in milliseconds. */
const THROTTLE_STEP_MS = 10;

/** `up` is what the one who dialled says. */
export type Way = 'up' | 'down';

export interface TcpProxyOptions {
  clock?: Clock;
  /** Writes of so many bytes, each in a turn of the loop of its own. */
  sliceBytes?: number;
  bytesPerSecond?: number;
  /** A link on which nothing has passed for so long is reset, as middleboxes do. */
  idleMs?: number;
  /** Whether the end of the near side reaches the far one, as that of a process does, and not that of a machine. */
  passEnds?: boolean;
  /**
   * Asked for each WebSocket message before it passes. With `last` it is the last of its way that does, with `drop` not
   * even that; `halve` lets half of its bytes through and resets the link.
   */
  onMessage?: (way: Way, message: TappedMessage) => 'last' | 'drop' | 'halve' | undefined;
}

export interface TcpProxy {
  /** To dial in place of the target's. */
  port: number;
  /** Links open now. */
  links(): number;
  /** Connections taken so far. */
  taken(): number;
  /** Ends what is open and refuses what is new, until `heal`. */
  cut(): void;
  /** From now on nothing passes and nothing ends, on the links that are open and on new ones: half-open. */
  stall(): void;
  /** Resets what is open, in the middle of whatever it is in. */
  reset(): void;
  /** Back to a network that works; what waited goes on. */
  heal(): void;
}

/** Unless told otherwise, the far side stays open when the near side is gone: nobody says goodbye. */
export async function tcpProxy(
  t: Pick<TestContext, 'after'>,
  targetPort: number,
  options: TcpProxyOptions = {},
): Promise<TcpProxy> {
  const links = new Set<Link>();
  let whole = true;
  let stalled = false;
  let taken = 0;
  const server = createServer(near => {
    if (!whole) return near.destroy();
    taken++;
    const link = new Link(near, connect(targetPort, '127.0.0.1'), options, () => links.delete(link));
    links.add(link);
    if (stalled) link.stall(true);
  });
  const cut = (): void => {
    whole = false;
    for (const link of links) link.destroy();
  };
  t.after(() => {
    cut();
    server.close();
  });
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve));
  return {
    port: (server.address() as { port: number }).port,
    links: () => links.size,
    taken: () => taken,
    cut,
    stall: () => {
      stalled = true;
      for (const link of links) link.stall(true);
    },
    reset: () => {
      for (const link of links) link.reset();
    },
    heal: () => {
      whole = true;
      stalled = false;
      for (const link of links) link.stall(false);
    },
  };
}

/** One connection through the proxy. */
class Link {
  readonly #sockets: Record<Way, Socket>;
  readonly #options: TcpProxyOptions;
  readonly #clock: Clock;
  readonly #ways: Record<Way, OneWay>;
  #cancelIdle = (): void => {};

  constructor(near: Socket, far: Socket, options: TcpProxyOptions, gone: () => void) {
    // By where the bytes come from.
    this.#sockets = { up: near, down: far };
    this.#options = options;
    this.#clock = options.clock ?? systemClock;
    this.#ways = { up: new OneWay(far, options), down: new OneWay(near, options) };
    for (const way of ['up', 'down'] as const) this.#listen(way);
    if (options.passEnds) near.on('close', () => far.destroy());
    far.on('close', () => {
      near.destroy();
      gone();
    });
    this.#touched();
  }

  stall(stalled: boolean): void {
    for (const socket of Object.values(this.#sockets)) {
      if (stalled) socket.pause();
      else socket.resume();
    }
  }

  reset(): void {
    for (const socket of Object.values(this.#sockets)) socket.resetAndDestroy();
  }

  destroy(): void {
    this.#cancelIdle();
    for (const socket of Object.values(this.#sockets)) socket.destroy();
  }

  #listen(way: Way): void {
    const { onMessage } = this.#options;
    const tap = onMessage && new WebSocketTap();
    const socket = this.#sockets[way];
    let dropping = false;
    socket.setNoDelay(true);
    socket.on('error', () => {});
    socket.on('close', () => this.#cancelIdle());
    // No `pipe`: it would pass the end on.
    socket.on('data', (data: Buffer) => {
      this.#touched();
      if (!tap) return this.#ways[way].write(data);
      for (const { bytes, message } of tap.feed(data)) {
        if (dropping) return;
        const fate = message && onMessage(way, message);
        dropping = fate !== undefined;
        if (fate === undefined || fate === 'last') this.#ways[way].write(bytes);
        if (fate === 'halve') this.#halve(way, bytes);
      }
    });
  }

  #halve(way: Way, bytes: Buffer): void {
    const far = this.#sockets[way === 'up' ? 'down' : 'up'];
    // Reset only once they have left this process, or they would be thrown away with the socket.
    far.write(bytes.subarray(0, bytes.length >> 1), () => this.reset());
  }

  #touched(): void {
    const { idleMs } = this.#options;
    if (idleMs === undefined) return;
    this.#cancelIdle();
    this.#cancelIdle = this.#clock.after(idleMs, () => this.reset());
  }
}

/** The writing side of one way, at the pace of the link. */
class OneWay {
  readonly #to: Socket;
  readonly #stepBytes: number | undefined;
  readonly #wait: (next: () => void) => void;
  #queue: Buffer[] = [];
  #busy = false;

  constructor(to: Socket, { sliceBytes, bytesPerSecond, clock = systemClock }: TcpProxyOptions) {
    this.#to = to;
    this.#stepBytes =
      bytesPerSecond === undefined
        ? sliceBytes
        : Math.max(1, Math.round((bytesPerSecond * THROTTLE_STEP_MS) / 1_000));
    this.#wait =
      bytesPerSecond === undefined ? setImmediate : next => void clock.after(THROTTLE_STEP_MS, next);
  }

  write(bytes: Buffer): void {
    if (this.#stepBytes === undefined) return void this.#to.write(bytes);
    this.#queue.push(bytes);
    if (this.#busy) return;
    this.#busy = true;
    this.#step(this.#stepBytes);
  }

  #step(stepBytes: number): void {
    let left = stepBytes;
    while (left > 0) {
      const [first] = this.#queue;
      if (!first || this.#to.destroyed) break;
      const piece = first.subarray(0, left);
      this.#to.write(piece);
      left -= piece.length;
      if (piece.length === first.length) this.#queue.shift();
      else this.#queue[0] = first.subarray(piece.length);
    }
    this.#busy = this.#queue.length > 0 && !this.#to.destroyed;
    if (this.#busy) this.#wait(() => this.#step(stepBytes));
    else this.#queue = [];
  }
}
