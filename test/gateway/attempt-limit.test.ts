/** Too many failed authentications from one address are told to wait; the right token is never kept out. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { AttemptLimit } from '../../src/gateway/attempt-limit.ts';
import { FakeClock } from '../support/fake-clock.ts';
import { openGateway } from '../support/gateway.ts';
import { connectScripted, refusedUpgrade } from '../support/scripted-runner.ts';

test('guessing ends in 429 with Retry-After, and the right token still connects', async t => {
  const { shop, connectUrl } = await openGateway(t);
  const { token, runnerId } = await shop();
  const guess = () => refusedUpgrade(connectUrl, { authorization: 'Bearer rk_wrong' });
  const statuses: number[] = [];
  for (let turn = 0; turn < 10; turn++) {
    const answers = await Promise.all(Array.from({ length: 10 }, guess));
    statuses.push(...answers.map(({ status }) => status));
  }
  assert.deepEqual([...new Set(statuses)], [401]);
  const limited = await guess();
  assert.equal(limited.status, 429);
  assert.match(String(limited.headers['retry-after']), /^([1-9]|[1-5]\d|60)$/);
  assert.equal((JSON.parse(limited.body) as { code: string }).code, 'too_many_attempts');
  await connectScripted(t, connectUrl, token, runnerId);
});

test('an address is counted for a minute, each for itself, an IPv6 network as one', async () => {
  const clock = new FakeClock();
  const limit = new AttemptLimit(clock);
  const fail = (address: string, times: number): number | undefined => {
    let wait: number | undefined;
    for (let time = 0; time < times; time++) wait = limit.failed(address);
    return wait;
  };
  assert.equal(fail('192.0.2.1', 100), undefined);
  assert.equal(fail('192.0.2.1', 1), 60);
  assert.equal(fail('192.0.2.2', 1), undefined);
  await clock.advance(59_500);
  assert.equal(fail('192.0.2.1', 1), 1);
  await clock.advance(500);
  assert.equal(fail('192.0.2.1', 1), undefined);

  assert.equal(fail('2001:db8::1', 50), undefined);
  assert.equal(fail('2001:0DB8:0:0:1::', 51), 60);
  assert.equal(fail('2001:db8:0:1::1', 1), undefined);
  // Ten thousand others later it has been forgotten.
  for (let index = 0; index < 10_000; index++) limit.failed(`host-${index}`);
  assert.equal(fail('2001:db8::1', 1), undefined);
});
