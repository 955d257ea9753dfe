/** Services of other versions: keys that are missing, keys that are new, and answers that are no such thing. */
import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { CommandLine } from '../support/command-line.ts';
import { FakeService } from '../support/fake-service.ts';

const LISTS = [
  ['runners', 'list'],
  ['sources', 'list'],
  ['keys', 'list'],
];

test('what an older service does not send is null or empty, what a newer one adds stays', async t => {
  const { line, service } = await start(t);
  for (const [kind = '', word = ''] of LISTS) {
    service.on(`GET /v1/${kind}`, { json: { items: [{ name: 'edge', newer: 1 }] } });
    const listed = await line.run([kind, word, '--json']);
    assert.equal(listed.status, 0, listed.stderr);
    const [record] = JSON.parse(listed.stdout) as Record<string, unknown>[];
    assert.deepEqual([record?.name, record?.newer, record?.id], ['edge', 1, null]);
    for (const terminal of [[], ['stdout' as const]]) {
      const shown = await line.run([kind, word], { terminal });
      assert.equal(shown.status, 0, shown.stderr);
      assert.match(shown.stdout, /edge/);
      assert.doesNotMatch(shown.stdout, /undefined|null/);
    }
  }
  service.on('GET /v1/runners/edge', { json: { name: 'edge' } });
  const { status, stdout, stderr } = await line.run(['runners', 'show', 'edge', '--json']);
  assert.equal(status, 0, stderr);
  const record = JSON.parse(stdout) as Record<string, unknown>;
  assert.deepEqual([record.sources, record.sessions, record.lastSeenAt], [[], [], null]);
});

test('an answer of another shape is one clear error', async t => {
  const { line, service } = await start(t);
  const items = [[7], [null], [[]], [{ name: {} }], [{ name: 'edge', sources: 'shop', runners: [1] }]];
  for (const wrong of items) {
    for (const kind of ['runners', 'sources']) {
      service.on(`GET /v1/${kind}`, { json: { items: wrong } });
      const { status, stdout, stderr } = await line.run([kind, 'list']);
      assert.deepEqual([status, stdout], [1, ''], JSON.stringify(wrong));
      assert.match(stderr, /^error: the service's answer is not what this version knows: .+\nhint: .+\n$/);
    }
  }
});

async function start(t: TestContext): Promise<{ line: CommandLine; service: FakeService }> {
  const [line, service] = await Promise.all([CommandLine.create(t), FakeService.start(t)]);
  line.env = { ...line.env, SEMILAYER_SERVICE_URL: service.url, SEMILAYER_API_KEY: 'sk_canaryKEY' };
  return { line, service };
}
