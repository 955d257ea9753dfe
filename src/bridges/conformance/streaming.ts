/** Streams, of the bridges that have them: the same rows, and an end at once when nobody wants more. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Bridge } from '../bridge.ts';
import { collectRows } from '../stream-rows.ts';
import { byKey, plain } from './reading.ts';
import { totalOf } from './shape.ts';
import type { Suite } from './suite.ts';
import { TABLES } from './tables.ts';

const { people } = TABLES;
/** A cancelled question is gone from the database in a second. */
const MAX_CANCEL_MS = 1_000;

export function describeStreaming(suite: Suite): void {
  /** Registered always: whether the bridge streams is known when there is one. */
  const streaming = (
    name: string,
    run: (bridge: Bridge, stream: NonNullable<Bridge['stream']>) => Promise<void>,
  ) =>
    test(name, async t => {
      const { bridge } = suite;
      if (!bridge.stream) return t.diagnostic('this bridge does not stream: the runner pages it');
      await run(bridge, bridge.stream.bind(bridge));
    });

  streaming('a stream has the rows of its question', async (bridge, stream) => {
    const never = new AbortController().signal;
    const options = { where: { age: { $gt: 3 } }, orderBy: [{ field: 'id' }], limit: 9 };
    const { rows } = await collectRows(stream('query', people.name, options, never));
    assert.deepEqual(plain(rows), plain((await bridge.query(people.name, options)).rows));
    const batch = await collectRows(stream('batchRead', people.name, options, never));
    assert.deepEqual(plain(batch.rows), plain(await bridge.batchRead(people.name, options)));
    const page = await collectRows(stream('read', people.name, { limit: 10 }, never));
    const asked = await bridge.read(people.name, { limit: 10 });
    assert.deepEqual(byKey(people, plain(page.rows)), byKey(people, plain(asked.rows)));
    assert.equal(page.nextCursor === undefined, asked.nextCursor === undefined);
  });

  streaming('a stream that is cancelled ends with the reason, at once', async (bridge, stream) => {
    const cancel = new AbortController();
    const reason = new Error('cancelled by the conformance suite');
    const rows = stream('query', people.name, {}, cancel.signal);
    await rows.next();
    const startedAt = performance.now();
    cancel.abort(reason);
    await assert.rejects(
      async () => {
        while (!(await rows.next()).done);
        // Everything may have been under way already: then there was nothing left to cancel.
        throw reason;
      },
      (error: unknown) => error === reason,
    );
    assert.ok(performance.now() - startedAt < MAX_CANCEL_MS);
    const late = new AbortController();
    late.abort(reason);
    await assert.rejects(
      collectRows(stream('read', people.name, {}, late.signal)),
      (error: unknown) => error === reason,
    );
    assert.equal(totalOf(await bridge.count(people.name, {})), people.rows.length);
  });

  streaming('a stream that is left early harms no other question', async (bridge, stream) => {
    const rows = stream('query', people.name, {}, new AbortController().signal);
    await rows.next();
    await rows.return(undefined);
    assert.equal(totalOf(await bridge.count(people.name, {})), people.rows.length);
  });
}
