/** A real gateway under fuzzed runners: each message has the close it must have, and those beside are not hurt. */
import assert from 'node:assert/strict';
import { setTimeout } from 'node:timers/promises';
import { connectRunner, openGateway, type TestGateway } from '../gateway.ts';
import { askRows, checkHistory } from '../history.ts';
import { dialBare, type RawPeer } from '../raw-websocket.ts';
import { fromSeed, type Seeded } from '../seeded.ts';
import type { Cleanup } from '../temporary.ts';
import { clientMessage, closeOfClient, hello, wrongHello } from './client-frames.ts';
import type { Message } from './mutate.ts';

const LANES = 8;
/** Messages of one connection at most: it has to be greeted anew after each that it is closed for. */
const BURST = 400;
/** Between two looks at whether the connection stands. */
const STRETCH = 40;
const ROWS = 20;
/** Between two questions of one caller: what is measured is the messages. */
const PAUSE_MS = 200;
const NOBODY: Cleanup = { after: () => {} };

export interface Side {
  /** Sends so many messages, and resolves when each has been answered as it must. */
  send(messages: number): Promise<void>;
  /** Questions that were asked beside, and their answers checked. */
  asked(): number;
}

export async function gatewaySide(t: Cleanup, seed: number): Promise<Side> {
  const gateway = await openGateway(t);
  const { token } = await gateway.shop({ rows: ROWS });
  await secondSource(gateway);
  await gateway.ask('PUT', '/v1/runners/edge/sources', { sources: ['fuzzed'] });
  const well = await gateway.ask('POST', '/v1/runners', { name: 'well' });
  await gateway.ask('POST', '/v1/runners/well/sources', { sources: ['shop'] });
  await connectRunner(t, {
    gatewayUrl: gateway.connectUrl,
    runnerId: 'well',
    authToken: well.json.token,
  });
  const lanes = Array.from({ length: LANES }, (_, lane) => new Lane(fromSeed(seed + lane), gateway, token));
  let asked = 0;
  return {
    asked: () => asked,
    async send(messages) {
      const over = new AbortController();
      const beside = [askWell, askFuzzed, askFuzzed].map(async ask => {
        for (; !over.signal.aborted; asked++) {
          await ask(gateway);
          await setTimeout(PAUSE_MS);
        }
      });
      const fuzzing = Promise.all(lanes.map(lane => lane.send(messages / LANES, lanes)));
      await Promise.all([fuzzing.finally(() => over.abort()), ...beside]);
      assert.deepEqual(gateway.warnings, []);
    },
  };
}

/** The same database under another name, of which the fuzzed runners alone know. */
async function secondSource({ ask, directory }: TestGateway): Promise<void> {
  const config = { url: `file:${directory}/shop.db` };
  const { status, text } = await ask('POST', '/v1/sources', { name: 'fuzzed', bridge: 'sqlite', config });
  assert.equal(status, 201, text);
}

async function askWell({ gateway, key }: TestGateway): Promise<void> {
  const seen = await askRows({ url: gateway.url, key }, { source: 'shop', target: 'orders' });
  checkHistory(seen, { total: ROWS });
}

/** Whatever comes, it ends, and it is of one attempt. */
async function askFuzzed({ gateway, key }: TestGateway): Promise<void> {
  const question = { source: 'fuzzed', target: 'orders', deadlineMs: 300 };
  const seen = await askRows({ url: gateway.url, key }, question);
  const origins = new Set(seen.rows.map(row => row.origin).filter(Boolean));
  assert.ok(origins.size <= 1, `one stream of ${[...origins].join(' and ')}`);
  assert.notEqual(seen.ending, 'cut', 'an answer that ended with nothing said');
}

/** One connection after another. */
class Lane {
  readonly #random: Seeded;
  readonly #gateway: TestGateway;
  readonly #token: string;
  peer: RawPeer | undefined;

  constructor(random: Seeded, gateway: TestGateway, token: string) {
    this.#random = random;
    this.#gateway = gateway;
    this.#token = token;
  }

  get jobs(): string[] {
    const jobs = this.peer?.messages.filter(({ type }) => type === 'job') ?? [];
    return jobs.slice(-8).flatMap(({ id }) => id ?? []);
  }

  async send(messages: number, lanes: readonly Lane[]): Promise<void> {
    for (let left = messages; left > 0; ) {
      const { peer } = await dialBare(NOBODY, this.#gateway.gateway.port, this.#token);
      this.peer = peer;
      left -= await this.#converse(peer, Math.min(left, BURST), lanes);
      peer.socket.destroy();
    }
  }

  async #converse(peer: RawPeer, most: number, lanes: readonly Lane[]): Promise<number> {
    const random = this.#random;
    if (random.below(16) === 0) {
      deliver(peer, wrongHello(random));
      const code = await peer.closed;
      assert.ok([4400, 4403, 4406, 4429].includes(code), `a wrong hello was closed with ${code}`);
      return 1;
    }
    const greeting = hello(random, 'edge');
    peer.json(greeting);
    await peer.message('hello-ack');
    const rawRows = greeting.features?.rawRows !== undefined;
    peer.socket.cork();
    for (let sent = 1; sent < most; sent++) {
      const foreign = lanes.flatMap(lane => (lane === this ? [] : lane.jobs));
      const message = clientMessage(random, { own: this.jobs, foreign, rawRows });
      deliver(peer, message);
      const expected = closeOfClient(message, rawRows);
      if (expected !== undefined) {
        peer.socket.uncork();
        assert.equal(await peer.closed, expected, `seed ${random.seed}: ${shown(message)}`);
        return sent;
      }
      if (sent % STRETCH === 0) await this.#alive(peer, message);
    }
    await this.#alive(peer, undefined);
    return most;
  }

  /** Everything so far has been looked at, and the connection stands. */
  async #alive(peer: RawPeer, last: Message | undefined): Promise<void> {
    peer.messages.splice(
      0,
      peer.messages.length,
      ...peer.messages.filter(({ type }) => type === 'job').slice(-8),
    );
    peer.frame({ opcode: 9 });
    peer.socket.uncork();
    await peer.message('#pong').catch(async () => {
      throw new Error(`closed with ${await peer.closed} at or before ${last ? shown(last) : 'the end'}`);
    });
    peer.socket.cork();
  }
}

export function deliver(peer: RawPeer, { binary, payload }: Message): void {
  peer.frame({ opcode: binary ? 2 : 1, payload });
}

export function shown({ binary, payload }: Message): string {
  return `${binary ? 'binary' : 'text'} ${JSON.stringify(payload.toString('latin1').slice(0, 400))}`;
}
