/**
 * Many runners in one process, each the built runtime on a source that costs nothing. Told over IPC which ones; tells
 * when each is connected or closed, by the clock of the machine, in milliseconds.
 */
import { builtModule } from '../program.mjs';

const { startRunner } = await builtModule('runner.js');

const BATCH_ROWS = 100;

class Trivial {
  async connect() {}
  async disconnect() {}
  async *stream(_kind, target, { limit = 1 }) {
    if (target === 'hang') {
      process.send({ event: 'job', at: now() });
      await new Promise(() => {});
    }
    for (let id = 1; id <= limit; ) {
      const rows = [];
      while (rows.length < BATCH_ROWS && id <= limit) rows.push({ id: id++ });
      yield rows;
      await new Promise(resolve => setImmediate(resolve));
    }
  }
}

process.on('message', ({ gatewayUrl, runners, answers }) => {
  for (const { id, token } of runners) {
    const runner = startRunner({
      gatewayUrl,
      runnerId: id,
      authToken: token,
      env: {},
      resolveBridge: () => (answers ? Answering : Trivial),
      onConnected: () => process.send({ event: 'connected', id, at: now() }),
    });
    void runner.closed.then(({ code }) => process.send({ event: 'closed', id, code, at: now() }));
  }
});

/** What hangs elsewhere is answered at once here. */
class Answering extends Trivial {
  async *stream() {
    yield [{ id: 1 }];
  }
}

function now() {
  return performance.timeOrigin + performance.now();
}
