/** Reading by shares: who rests, when it begins again, and who is told of the bytes. */
import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { bufferGarbage } from '../../src/platform/buffer-garbage.ts';
import { FairReading } from '../../src/platform/fair-reading.ts';

const SHARE = 524_288;

function reading(): { reading: FairReading; read: () => boolean } {
  let isRead = true;
  const source = {
    pause: () => {
      isRead = false;
    },
    resume: () => {
      isRead = true;
    },
  };
  return { reading: new FairReading(source), read: () => isRead };
}

test('a source rests for one turn after each half megabyte, however it comes', async () => {
  const { reading: source, read } = reading();
  for (const pieces of [1, 8, 64]) {
    for (let n = 1; n <= pieces; n++) {
      assert.equal(read(), true);
      source.received(SHARE / pieces);
    }
    assert.equal(read(), false);
    // What was read before it was paused still comes.
    source.received(65_536);
    await nextTurn();
    assert.equal(read(), true);
    source.received(SHARE - 65_536);
    await nextTurn();
  }
});

test('one that was paused does not begin again by its rest, and one that rests not before its turn', async () => {
  const { reading: source, read } = reading();
  source.received(SHARE);
  source.pause();
  await nextTurn();
  assert.equal(read(), false);
  source.resume();
  assert.equal(read(), true);
  source.received(SHARE);
  source.pause();
  source.resume();
  assert.equal(read(), false);
  await nextTurn();
  assert.equal(read(), true);
});

test('the collector is told of every byte', (t: TestContext) => {
  const told = t.mock.method(bufferGarbage, 'passedOn', () => {});
  const { reading: source } = reading();
  for (const bytes of [1, SHARE, 7]) source.received(bytes);
  assert.deepEqual(
    told.mock.calls.map(call => call.arguments),
    [[1], [SHARE], [7]],
  );
});
