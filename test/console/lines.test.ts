/** Lines and events out of bodies that arrive in any pieces. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { linesOf, serverEventsOf } from '../../src/console/service/lines.ts';

/** The text as UTF-8, cut at the given places. */
function body(text: string, cuts: readonly number[]): ReadableStream<Uint8Array> {
  const bytes = new TextEncoder().encode(text);
  const places = [0, ...cuts.map(cut => cut % (bytes.length + 1)).sort((a, b) => a - b), bytes.length];
  return new ReadableStream({
    start(controller) {
      for (const [index, place] of places.slice(1).entries()) {
        controller.enqueue(bytes.slice(places[index], place));
      }
      controller.close();
    },
  });
}

test('lines are whole, however the body was cut', async () => {
  const line = fc.string({ unit: 'grapheme' }).map(text => text.replace(/[\r\n]/g, ''));
  await fc.assert(
    fc.asyncProperty(fc.array(line, { minLength: 1 }), fc.array(fc.nat()), async (lines, cuts) => {
      const read: string[] = [];
      for await (const batch of linesOf(body(lines.join('\n'), cuts))) read.push(...batch);
      assert.deepEqual(read, lines.at(-1) === '' ? lines.slice(0, -1) : lines);
    }),
  );
});

test('events are told apart, comments are signs of life, and a last one that was cut off is none', async () => {
  const text =
    'retry: 1000\n\nid: 1\nevent: runner.changed\ndata: {"runner":"a"}\n\n: still here\n\n' +
    'data: x\ndata: y\n\nevent: cut\ndata: z\n';
  await fc.assert(
    fc.asyncProperty(fc.array(fc.nat()), async cuts => {
      const events = [];
      for await (const batch of serverEventsOf(body(text, cuts))) events.push(...batch);
      assert.deepEqual(events, [
        { type: 'runner.changed', data: '{"runner":"a"}' },
        { type: 'message', data: 'x\ny' },
      ]);
    }),
  );
});
