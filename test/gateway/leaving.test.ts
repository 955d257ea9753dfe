/** A gateway that leaves while somebody is arriving: nobody who is no session yet holds it up. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { test } from 'node:test';
import { WebSocketServer } from 'ws';
import { AttemptLimit } from '../../src/gateway/attempt-limit.ts';
import { Greeting, type GreetingOptions } from '../../src/gateway/greeting.ts';
import type { AssignedSource } from '../../src/protocol/frames.ts';
import { deferred } from '../support/deferred.ts';
import { FakeClock } from '../support/fake-clock.ts';
import { openGateway } from '../support/gateway.ts';
import { dialRaw } from '../support/scripted-runner.ts';

test('a connection that has not said hello is sent away with the sessions, not waited for', async t => {
  // On a clock that nobody turns, whatever waits for its time waits for ever.
  const gateway = await openGateway(t, { clock: new FakeClock() });
  const { token } = await gateway.shop();
  const silent = await dialRaw(t, gateway.connectUrl, token);
  await gateway.close();
  const { code, reason } = await silent.closed;
  assert.deepEqual([code, reason], [1001, 'gateway shutting down']);
});

test('a hello that is being answered while the gateway leaves becomes no session', async t => {
  const server = createServer();
  t.after(() => server.close());
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const sources = deferred<AssignedSource[]>();
  const asked = deferred<void>();
  const added: unknown[] = [];
  let accepting = true;
  const clock = new FakeClock();
  const options = {
    clock,
    sessions: { countOf: () => 0, add: (session: unknown) => added.push(session) },
    random: { uuid: () => 'session' },
    assignedSources: async () => {
      asked.resolve();
      return await sources.promise;
    },
    accepting: () => accepting,
  } as unknown as GreetingOptions;
  const arrival = { runnerId: 'edge', runnerName: 'edge', tokenHash: '', fingerprint: '', remoteAddress: '' };
  new WebSocketServer({ server }).on('connection', (socket, { socket: transport }) => {
    const attempts = new AttemptLimit(clock);
    new Greeting(options, socket, transport, { ...arrival, attempts, silent: new Set() }).start();
  });
  const { port } = server.address() as AddressInfo;
  const runner = await dialRaw(t, `ws://127.0.0.1:${port}`, 'rk_any');
  runner.send({ type: 'hello', version: 1, runnerId: 'edge', capabilities: [] });
  await asked.promise;
  accepting = false;
  sources.resolve([]);
  assert.equal((await runner.closed).code, 1001);
  assert.deepEqual(added, []);
});
