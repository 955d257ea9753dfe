/** A real runner under fuzzing gateways: each message has the close it must have, and the jobs beside are not hurt. */
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { writeSampleDatabase } from '../../../src/bridges/sample-data.ts';
import { systemClock } from '../../../src/platform/clock.ts';
import { systemRandom } from '../../../src/platform/random.ts';
import type { Runner } from '../../../src/runner/runner.ts';
import { clockedRunner } from '../clocked-runner.ts';
import { openBareGateway, type RawPeer } from '../raw-websocket.ts';
import { fromSeed, type Seeded } from '../seeded.ts';
import { type Cleanup, temporaryDirectory } from '../temporary.ts';
import type { TappedMessage } from '../websocket-tap.ts';
import { deliver, type Side, shown } from './gateway-side.ts';
import { closeOfServer, confirmed, serverMessage } from './server-frames.ts';

const LANES = 8;
const BURST = 400;
/** Between two looks at whether all is well. */
const STRETCH = 50;
const ROWS = 20;

export async function runnerSide(t: Cleanup, seed: number): Promise<Side> {
  const file = join(await temporaryDirectory(t), 'shop.db');
  await writeSampleDatabase(file, { rows: ROWS });
  const source = {
    id: 's',
    name: 'shop',
    bridge: '@semilayer/bridge-sqlite',
    credentialsLocation: 'managed',
    config: { url: `file:${file}` },
  };
  const lanes = Array.from({ length: LANES }, (_, lane) => new Lane(fromSeed(seed + lane), source));
  for (const lane of lanes) await lane.open(t);
  return {
    asked: () => lanes.reduce((sum, { asked }) => sum + asked, 0),
    async send(messages) {
      await Promise.all(lanes.map(lane => lane.send(messages / LANES)));
    },
  };
}

/** One runner, and a gateway of its own. */
class Lane {
  readonly #random: Seeded;
  readonly #source: object;
  #gateway!: Awaited<ReturnType<typeof openBareGateway>>;
  #runner: Runner | undefined;
  asked = 0;

  constructor(random: Seeded, source: object) {
    this.#random = random;
    this.#source = source;
  }

  async open(t: Cleanup): Promise<void> {
    // What it would close with the test closes with each connection.
    this.#gateway = await openBareGateway({ after: () => {} });
    t.after(() => this.#runner?.cancel());
  }

  async send(messages: number): Promise<void> {
    for (let left = messages; left > 0; ) {
      this.#runner ??= this.#start();
      const peer = await this.#gateway.peer();
      left -= await this.#converse(peer, Math.min(left, BURST));
      peer.socket.destroy();
    }
  }

  /** A runner that is told nonsense five times in a minute stops, as it should: another takes its place. */
  #start(): Runner {
    // No jitter: a runner that was told nonsense is back at once.
    const random = { ...systemRandom, fraction: () => 0 };
    const at = { url: this.#gateway.url, token: 'rk_x', random };
    const { runner } = clockedRunner({ after: () => {} }, systemClock, at);
    void runner.closed.then(() => {
      if (this.#runner === runner) this.#runner = this.#start();
    });
    return runner;
  }

  async #converse(peer: RawPeer, most: number): Promise<number> {
    const random = this.#random;
    await peer.message('hello');
    const features = random.below(4) === 0 ? {} : { features: confirmed(random) };
    peer.json({ type: 'hello-ack', serverVersion: 1, assignedSources: [this.#source], ...features });
    peer.socket.cork();
    for (let sent = 1; sent < most; sent++) {
      const message = serverMessage(random, this.#source);
      deliver(peer, message);
      const expected = closeOfServer(message);
      if (expected !== undefined) {
        peer.socket.uncork();
        assert.equal(await peer.closed, expected, `seed ${random.seed}: ${shown(message)}`);
        return sent;
      }
      if (sent % STRETCH === 0) await this.#wellBeside(peer);
    }
    await this.#wellBeside(peer);
    return most;
  }

  /** A job of the same connection: its rows, each once and in order, and one ending. */
  async #wellBeside(peer: RawPeer): Promise<void> {
    const id = `well-${this.asked++}`;
    peer.messages.length = 0;
    const job = { kind: 'query', target: 'orders', options: { orderBy: [{ field: 'id', dir: 'asc' }] } };
    // With no room it is handed back, and asked again.
    for (let ending: string | undefined; ending !== 'done'; ) {
      peer.json({ type: 'job', id, params: { source: this.#source, job }, deadlineMs: 30_000 });
      peer.json({ type: 'credit', id, bytes: 1_000_000 });
      peer.socket.uncork();
      const { type, payload } = await outcome(peer, id);
      assert.ok(type === 'done' || type === 'reject', `the job beside ended with ${payload}`);
      ending = type;
    }
    peer.socket.cork();
    const own = peer.messages.filter(message => message.id === id && message.type !== 'reject');
    const rows = own.reduce((sum, message) => sum + message.rows, 0);
    assert.deepEqual(
      [rows, own.at(-1)?.type, own.filter(({ type }) => type === 'done').length],
      [ROWS, 'done', 1],
    );
  }
}

/** What ends the job, or hands it back; messages before it stay. */
async function outcome(peer: RawPeer, id: string): Promise<TappedMessage> {
  for (;;) {
    const found = peer.messages.find(
      message => message.id === id && ['done', 'error', 'reject'].includes(message.type),
    );
    if (!found) {
      await peer.more();
      answerPings(peer);
      continue;
    }
    if (found.type === 'reject') peer.messages.splice(peer.messages.indexOf(found), 1);
    return found;
  }
}

/** A job that takes long on a busy machine is no silence of the gateway's. */
function answerPings(peer: RawPeer): void {
  for (let at = peer.messages.length; at-- > 0; ) {
    const { type, payload } = peer.messages[at] as TappedMessage;
    if (type !== '#ping') continue;
    peer.messages.splice(at, 1);
    peer.frame({ opcode: 10, payload });
  }
}
