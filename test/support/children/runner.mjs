/**
 * Runners in a process of their own, cheap to start and to kill: the built runtime and nothing else. RUNNERS holds
 * `[{gatewayUrl, runnerId, authToken, concurrency?}]`; each says `connected NAME` on stdout, at every connection.
 */
import { resolveBridge, startRunner } from '../../../dist/runner.js';

const BATCH_ROWS = 50;

/** A source that does what its target is called; its rows say which runner they are of. */
class Scripted {
  #origin;
  constructor(_config, origin) {
    this.#origin = origin;
  }
  async connect() {}
  async disconnect() {}
  async listTargets() {
    return ['rows'];
  }
  async count(target) {
    if (target === 'block') block();
    return 1;
  }
  async *stream(_kind, target, { limit = 1 }) {
    if (target === 'hang') await new Promise(() => {});
    for (let id = 1; id <= limit; ) {
      const rows = [];
      while (rows.length < BATCH_ROWS && id <= limit) rows.push({ id: id++, origin: this.#origin });
      yield rows;
      if (target === 'block') block();
      if (target === 'hold') await new Promise(() => {});
      // A turn of the loop, so that frames leave one by one.
      await new Promise(resolve => setImmediate(resolve));
    }
  }
}

/** For a minute nothing of this process turns. */
function block() {
  console.log('blocked');
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 60_000);
}

const runners = JSON.parse(process.env.RUNNERS).map((options, at) => {
  class Own extends Scripted {
    constructor(config) {
      super(config, `${process.pid}/${at}`);
    }
  }
  return startRunner({
    ...options,
    env: {},
    resolveBridge: name => (options.scripted || name === 'scripted' ? Own : resolveBridge(name)),
    onConnected: () => console.log(`connected ${options.runnerId}`),
    onDisconnected: reason => console.log(`disconnected ${options.runnerId}: ${reason}`),
  });
});
// A driver that does not come back, whatever it was asked.
process.on('SIGUSR2', block);
process.on('SIGTERM', () => void Promise.all(runners.map(runner => runner.stop())));
