/** Lines of an answer whose connection is cut while its reader is slow. */
import assert from 'node:assert/strict';
import type { IncomingMessage } from 'node:http';
import { Readable } from 'node:stream';
import { test } from 'node:test';
import { linesOf } from '../../src/api/ndjson.ts';

/** What the HTTP client holds of an answer: bytes come in, then the connection is cut. */
function answer(): Readable {
  return Object.assign(new Readable({ read() {} }), { complete: false });
}

test('what came before the cut is read to its end, the failure line with it', async () => {
  const response = answer();
  response.push('{"n":1}\n');
  const lines = linesOf(response as IncomingMessage, undefined);
  assert.deepEqual(await lines.next(), { done: false, value: ['{"n":1}'] });
  // The reader is busy with the first row: the rest arrives, and the cut right behind it.
  response.push('{"n":2}\n{"$error":{"code":"ROW_TOO_LARGE",');
  response.push('"message":"too large","rows":2}}\n');
  response.destroy(new Error('aborted'));
  await new Promise<void>(resolve => response.once('close', resolve));
  assert.deepEqual(await lines.next(), { done: false, value: ['{"n":2}'] });
  await assert.rejects(lines.next(), { code: 'ROW_TOO_LARGE' });
});

test('a cut without a last word is an incomplete answer, and a reader that leaves ends the connection', async () => {
  const cut = answer();
  cut.push('{"n":1}\n{"n":');
  const lines = linesOf(cut as IncomingMessage, undefined);
  await lines.next();
  cut.destroy(new Error('aborted'));
  await assert.rejects(lines.next(), { code: 'incomplete_response' });

  const left = answer();
  left.push('{"n":1}\n');
  for await (const _ of linesOf(left as IncomingMessage, undefined)) break;
  assert.ok(left.destroyed);
});
