/** A gateway restarted on its directory under many runners: a small storm; `bench/storm.mjs` is the large one. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { startRunner } from '../../src/runner/index.ts';
import { openGateway } from '../support/gateway.ts';
import { askRows, checkHistory } from '../support/history.ts';

const RUNNERS = 60;
const BACK_WITHIN_MS = 10_000;

test('sixty runners of one process are back when their gateway listens again, and answer', async t => {
  const first = await openGateway(t);
  const { token, runnerId } = await first.shop();
  let connected = 0;
  let all: () => void = () => {};
  const everyone = (): Promise<void> =>
    new Promise(resolve => {
      connected = 0;
      all = resolve;
    });
  const up = everyone();
  for (let n = 0; n < RUNNERS; n++) {
    const runner = startRunner({
      gatewayUrl: first.connectUrl,
      runnerId,
      authToken: token,
      env: {},
      onConnected: () => {
        if (++connected === RUNNERS) all();
      },
    });
    t.after(() => runner.cancel());
  }
  await up;
  const back = everyone();
  await first.close();
  const again = await openGateway(t, { dataDir: first.dataDir, port: first.gateway.port });
  const listensAt = performance.now();
  await back;
  const tookMs = performance.now() - listensAt;
  t.diagnostic(`${RUNNERS} runners back in ${Math.round(tookMs)} ms`);
  assert.ok(tookMs < BACK_WITHIN_MS, `back after ${Math.round(tookMs)} ms`);
  const caller = { url: again.gateway.url, key: first.key };
  const answers = Array.from({ length: 20 }, () => askRows(caller, { source: 'shop', target: 'orders' }));
  for (const seen of await Promise.all(answers)) {
    checkHistory(seen, { total: 200 });
    assert.equal(seen.ending, 'complete');
  }
});
