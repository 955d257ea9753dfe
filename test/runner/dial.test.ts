/** The runner's socket against a real peer that does not answer. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { CLOSE } from '../../src/protocol/close-codes.ts';
import { dialWebSocket, type Wire } from '../../src/runner/dial.ts';
import { deferred } from '../support/deferred.ts';
import { openScriptedGateway } from '../support/scripted-gateway.ts';

test('a gateway that was not heard is told so, and not waited for', async t => {
  const gateway = await openScriptedGateway(t);
  const opened = deferred<Wire>();
  const ended = deferred<void>();
  const attempt = dialWebSocket(
    { url: gateway.url, token: 'rk_x' },
    { open: opened.resolve, text: () => {}, heard: () => {}, pong: () => {}, ended: () => ended.resolve() },
  );
  t.after(() => attempt.abort());
  const wire = await opened.promise;
  const session = await gateway.session();
  session.socket.pause();
  // Turns of the loop, and no timer: the close handshake is given two seconds.
  let timers = 0;
  const timer = setTimeout(() => timers++, 1_900);
  t.after(() => clearTimeout(timer));
  wire.close(CLOSE.nothingHeard, 'nothing heard');
  await ended.promise;
  assert.equal(timers, 0);
  session.socket.resume();
  assert.equal((await session.closed).code, CLOSE.nothingHeard);
});
