/** Runners by the thousand in a few processes, and what they tell of their connections. */
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';

const WORKER = fileURLToPath(new URL('peers/many-runners.mjs', import.meta.url));

export class Fleet {
  #workers = [];
  #events = [];
  #wake = [];

  /** A process of these runners, `[{id, token}]`; with `answers` it answers at once whatever it is asked. */
  start(gatewayUrl, runners, { answers = false } = {}) {
    const worker = fork(WORKER, [], { env: { PATH: process.env.PATH }, execArgv: [] });
    this.#workers.push(worker);
    worker.on('message', event => {
      this.#events.push({ ...event, worker });
      for (const resolve of this.#wake.splice(0)) resolve();
    });
    worker.send({ gatewayUrl, runners, answers });
    return worker;
  }

  /** Forgets what was told so far. */
  clear() {
    this.#events = [];
  }

  /** The first `count` events of that name since `clear`, once there are so many. */
  async events(name, count) {
    for (;;) {
      const found = this.#events.filter(({ event }) => event === name);
      if (found.length >= count) return found.slice(0, count);
      await new Promise(resolve => this.#wake.push(resolve));
    }
  }

  async stop() {
    const gone = this.#workers
      .filter(worker => worker.exitCode === null && worker.signalCode === null)
      .map(worker => {
        worker.kill('SIGKILL');
        return once(worker, 'exit');
      });
    await Promise.all(gone);
  }
}

/** By the clock that the workers tell of, in milliseconds. */
export function now() {
  return performance.timeOrigin + performance.now();
}

/** Runner records of these names, assigned to the source `trivial`, with their tokens. */
export async function createRunners({ ask }, names) {
  await ask('/v1/sources', { name: 'trivial', bridge: 'trivial', config: { url: 'trivial:' } });
  const runners = [];
  for (const name of names) {
    const { id, token } = await ask('/v1/runners', { name });
    await ask(`/v1/runners/${name}/sources`, { sources: ['trivial'] });
    runners.push({ id, token, name });
  }
  return runners;
}
