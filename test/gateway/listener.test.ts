import assert from 'node:assert/strict';
import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { once } from 'node:events';
import { Agent, get, type IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';
import { test } from 'node:test';
import { openGateway } from '../support/gateway.ts';

test('an idle connection is kept for longer than its client is told', async t => {
  const { gateway } = await openGateway(t);
  const agent = new Agent({ keepAlive: true });
  t.after(() => agent.destroy());
  const served = new Set<Socket>();
  const started = (message: unknown): void => void served.add((message as { socket: Socket }).socket);
  subscribe('http.server.request.start', started);
  t.after(() => unsubscribe('http.server.request.start', started));
  for (const path of ['/livez', '/v1/runners', '/console/', '/livez']) {
    const [answer] = (await once(get(gateway.url + path, { agent }), 'response')) as [IncomingMessage];
    answer.resume();
    await once(answer, 'end');
    const [, toldS] = /^timeout=(\d+)$/.exec(String(answer.headers['keep-alive'])) ?? [];
    assert.equal(toldS, '75', path);
    const [socket] = served;
    assert.equal(served.size, 1);
    // A request that left in its last second has half a minute to be read.
    assert.equal(socket?.timeout, (75 + 30) * 1_000, path);
  }
});
