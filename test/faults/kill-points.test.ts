/** kill -9 at each point of a job's life, of the runner and of the gateway: every caller has one stream and one ending. */
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';
import { writeSampleDatabase } from '../../src/bridges/sample-data.ts';
import type { DemoProcess } from '../../src/commands/demo-process.ts';
import { openGateway } from '../support/gateway.ts';
import { askRows, checkHistory, type Seen } from '../support/history.ts';
import { openProgram } from '../support/program.ts';
import { runnerProcess } from '../support/runner-process.ts';
import { tcpProxy, type Way } from '../support/tcp-proxy.ts';
import type { TappedMessage } from '../support/websocket-tap.ts';

/** Several messages of rows. */
const ROWS = 4_000;
const orders = { source: 'shop', target: 'orders' };

type Point = (way: Way, message: TappedMessage) => boolean;

/** Each made anew for its job: it counts the rows that have passed. */
const POINTS: Record<string, () => Point> = {
  accept:
    () =>
    (way, { type }) =>
      way === 'down' && type === 'job',
  'first row':
    () =>
    (way, { rows }) =>
      way === 'up' && rows > 0,
  'last row': () => {
    let passed = 0;
    return (way, { rows }) => {
      if (way === 'up') passed += rows;
      return passed === ROWS;
    };
  },
  done:
    () =>
    (way, { type }) =>
      way === 'up' && type === 'done',
};

for (const [name, makePoint] of Object.entries(POINTS)) {
  for (const fate of ['arrived', 'lost'] as const) {
    test(`kill -9 of a runner at ${name}, whose message ${fate === 'lost' ? 'is lost' : 'arrives'}`, async t => {
      const gateway = await openGateway(t, { allowedHosts: ['127.0.0.1'] });
      const { token } = await gateway.shop({ rows: ROWS });
      let killed = 0;
      // Either of the two may be given the job: whichever it is dies, and the other is the survivor.
      const start = async (): Promise<void> => {
        let child: DemoProcess | undefined;
        const point = makePoint();
        const proxy = await tcpProxy(t, gateway.gateway.port, {
          passEnds: true,
          onMessage: (way, message) => {
            if (!point(way, message) || killed > 0) return undefined;
            killed++;
            child?.kill('SIGKILL');
            return fate === 'lost' ? 'drop' : 'last';
          },
        });
        const gatewayUrl = `ws://127.0.0.1:${proxy.port}/connect`;
        child = await runnerProcess(t, [{ gatewayUrl, runnerId: 'edge', authToken: token }]);
      };
      await Promise.all([start(), start()]);
      const seen = await askRows({ url: gateway.gateway.url, key: gateway.key }, orders);
      assert.equal(killed, 1);
      checkHistory(seen, { total: ROWS, codes: ['runner_failed'] });
      const [job] = (await gateway.ask('GET', '/v1/jobs')).json.items;
      assert.ok(
        isRight(seen, Number(job?.attempts)),
        JSON.stringify({ ...seen, rows: seen.rows.length, job }),
      );

      /** Moved while the caller has seen nothing, told after that, and untouched once the ending has arrived. */
      function isRight({ ending, rows }: Seen, attempts: number): boolean {
        if (name === 'done' && fate === 'arrived') return ending === 'complete' && attempts === 1;
        if (rows.length === 0 || ending === 'complete') return ending === 'complete' && attempts === 2;
        return ending === 'failed' && attempts === 1 && name !== 'accept';
      }
    });
  }
}

test('kill -9 of the gateway at accept, first row, last row and done: the caller can tell, and all is back', async t => {
  const program = await openProgram(t);
  const { process: first, url, key } = await program.gateway(['--allowed-host', '127.0.0.1']);
  const { port } = new URL(url);
  await writeSampleDatabase(join(program.cwd, 'shop.db'), { rows: ROWS });
  const ask = async (path: string, body: unknown): Promise<{ token: string }> => {
    const headers = { authorization: `Bearer ${key}`, 'content-type': 'application/json' };
    const answer = await fetch(url + path, { method: 'POST', headers, body: JSON.stringify(body) });
    return (await answer.json()) as { token: string };
  };
  await ask('/v1/sources', {
    name: 'shop',
    bridge: 'sqlite',
    config: { url: `file:${join(program.cwd, 'shop.db')}` },
  });
  const { token } = await ask('/v1/runners', { name: 'edge' });
  await ask('/v1/runners/edge/sources', { sources: ['shop'] });
  let gateway = first;
  let point: Point = () => false;
  const proxy = await tcpProxy(t, Number(port), {
    passEnds: true,
    onMessage: (way, message) => {
      if (!point(way, message)) return undefined;
      point = () => false;
      gateway.kill('SIGKILL');
      return 'drop';
    },
  });
  const gatewayUrl = `ws://127.0.0.1:${proxy.port}/connect`;
  const runner = await runnerProcess(t, [{ gatewayUrl, runnerId: 'edge', authToken: token }]);
  let connections = 1;
  for (const makePoint of Object.values(POINTS)) {
    point = makePoint();
    const seen = await askRows({ url, key }, orders);
    checkHistory(seen, { total: ROWS, cut: true });
    assert.equal(seen.ending, 'cut');
    await gateway.ended;
    gateway = program.start([
      ...['gateway', '--port', port, '--data-dir', 'data', '--allowed-host', '127.0.0.1'],
    ]);
    await gateway.line(/listening on/);
    await runner.line(/^connected edge$/, ++connections);
    const again = await askRows({ url, key }, orders);
    checkHistory(again, { total: ROWS });
    assert.equal(again.ending, 'complete');
  }
});
