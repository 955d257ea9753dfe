/** The first admin key: stored by a start that listens, and by no other. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { type AddressInfo, createServer } from 'node:net';
import { join } from 'node:path';
import { test } from 'node:test';
import { openGateway } from '../support/gateway.ts';
import { temporaryDirectory } from '../support/temporary.ts';

test('a start that cannot listen leaves no key behind, and a key offered to the next start counts', async t => {
  const dataDir = join(await temporaryDirectory(t), 'data');
  const other = createServer().listen(0, '127.0.0.1');
  await once(other, 'listening');
  t.after(() => other.close());
  const { port } = other.address() as AddressInfo;
  await assert.rejects(openGateway(t, { dataDir, port }), { code: 'port_in_use' });
  await assert.rejects(openGateway(t, { dataDir, host: '192.0.2.1' }), { code: 'usage' });

  const offeredKey = `sk_${'offered-key'.repeat(4)}`;
  const { gateway, ask } = await openGateway(t, { dataDir, offeredKey });
  assert.equal(gateway.firstKey?.from, 'environment');
  assert.equal((await ask('GET', '/v1/whoami')).status, 200);
  assert.equal((await ask('GET', '/v1/keys')).json.items.length, 1);
});

test('a key that cannot be the first is refused before anything listens', async t => {
  await assert.rejects(openGateway(t, { offeredKey: 'sk_short' }), { code: 'usage' });
});
