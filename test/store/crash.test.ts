/** What was acknowledged is there after the gateway was killed, and the directory is free for the next one. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { openProgram } from '../support/program.ts';

test('a gateway killed in the middle of writes loses nothing it acknowledged', async t => {
  const program = await openProgram(t);
  const { process: gateway, url, key } = await program.gateway();
  const acknowledged: string[] = [];
  const writers = [0, 1, 2, 3].map(async writer => {
    for (let n = 0; ; n++) {
      const name = `r-${writer}-${n}`;
      try {
        const response = await fetch(`${url}/v1/runners`, {
          method: 'POST',
          headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json' },
          body: JSON.stringify({ name }),
        });
        if (response.status === 201) acknowledged.push(name);
        if (acknowledged.length === 200) gateway.kill('SIGKILL');
        await response.arrayBuffer();
      } catch {
        return;
      }
    }
  });
  await Promise.all(writers);
  await gateway.ended;
  const second = program.start(['gateway', '--port', '0', '--data-dir', 'data']);
  const [, again = ''] = await second.line(/listening on (http:\S+)/);
  const found = new Set<string>();
  for (let cursor: string | null = null; ; ) {
    const page: Response = await fetch(`${again}/v1/runners?limit=1000${cursor ? `&cursor=${cursor}` : ''}`, {
      headers: { authorization: `Bearer ${key}` },
    });
    const { items, nextCursor } = (await page.json()) as {
      items: { name: string }[];
      nextCursor: string | null;
    };
    for (const { name } of items) found.add(name);
    cursor = nextCursor;
    if (cursor === null) break;
  }
  assert.deepEqual(
    acknowledged.filter(name => !found.has(name)),
    [],
  );
  assert.ok(acknowledged.length >= 200);
  second.kill('SIGTERM');
  const { stdout, status } = await second.ended;
  assert.deepEqual({ stdout, status }, { stdout: '', status: 0 }, 'no second first key');
});

test('a second gateway on the same directory is refused, and the first goes on', async t => {
  const program = await openProgram(t);
  const { url } = await program.gateway();
  const { status, stderr } = await program.run(['gateway', '--port', '0', '--data-dir', 'data']);
  assert.equal(status, 5);
  assert.match(stderr, /^error: another gateway uses the data directory/m);
  assert.equal((await fetch(`${url}/livez`)).status, 200);
});
