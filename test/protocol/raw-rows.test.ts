import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { FrameError } from '../../src/protocol/frame-fields.ts';
import { decodeRows, encodeRows } from '../../src/protocol/raw-rows.ts';

const rowsOfAnyKind = fc.array(fc.dictionary(fc.string(), fc.jsonValue()), { minLength: 1, maxLength: 20 });
const identifiers = fc.string({ minLength: 1, maxLength: 40, unit: 'grapheme' });

function linesOf(rows: readonly unknown[]): Buffer {
  return Buffer.from(rows.map(row => `${JSON.stringify(row)}\n`).join(''));
}

test('rows of any content come out as they went in, under the same id', () => {
  fc.assert(
    fc.property(identifiers, rowsOfAnyKind, (id, rows) => {
      const lines = linesOf(rows);
      const decoded = decodeRows(encodeRows(id, rows.length, lines));
      assert.equal(decoded.id, id);
      assert.equal(decoded.count, rows.length);
      assert.ok(decoded.lines.equals(lines));
    }),
  );
});

test('a header is written in front of rows that left room for it, and nowhere else', () => {
  fc.assert(
    fc.property(identifiers, rowsOfAnyKind, fc.nat({ max: 300 }), (id, rows, headroomBytes) => {
      const lines = linesOf(rows);
      // A neighbour of the room in the same memory, which must stay as it is.
      const memory = Buffer.concat([Buffer.alloc(headroomBytes + 8, 7), lines]);
      const message = encodeRows(id, rows.length, memory.subarray(headroomBytes + 8), headroomBytes);
      assert.ok(message.equals(encodeRows(id, rows.length, lines)));
      assert.ok(memory.subarray(0, 8).equals(Buffer.alloc(8, 7)));
      assert.ok(memory.subarray(headroomBytes + 8).equals(lines));
    }),
  );
});

test('any bytes at all are rows or a FrameError, and never quote themselves', () => {
  const noise = fc.oneof(
    fc.uint8Array({ maxLength: 300 }),
    fc.tuple(rowsOfAnyKind, fc.nat(), fc.integer({ min: 0, max: 255 })).map(([rows, at, byte]) => {
      const message = encodeRows('job', rows.length, linesOf(rows));
      message[at % message.length] = byte;
      return message;
    }),
  );
  fc.assert(
    fc.property(noise, bytes => {
      try {
        decodeRows(Buffer.from(bytes));
      } catch (error) {
        assert.ok(error instanceof FrameError);
      }
    }),
    { numRuns: 2_000 },
  );
});

test('what could be taken for other rows than it says is refused by name', () => {
  const message = (header: string, lines: string | Buffer): Buffer =>
    Buffer.concat([Buffer.from(`${header}\n`), Buffer.from(lines)]);
  const header = '{"type":"rows","id":"a","count":1}';
  const refused: [Buffer, RegExp][] = [
    [Buffer.from('{"type":"rows","id":"a","count":1}'), /header line/],
    [message('{"type":"rows","id":"a","count":1', '{}\n'), /not JSON/],
    [message('[]', '{}\n'), /not rows/],
    [message('{"type":"chunk","id":"a","count":1}', '{}\n'), /not rows/],
    [message('{"type":"rows","id":"","count":1}', '{}\n'), /rows\.id/],
    [message('{"type":"rows","id":7,"count":1}', '{}\n'), /rows\.id/],
    [message('{"type":"rows","id":"a","count":0}', ''), /rows\.count/],
    [message('{"type":"rows","id":"a","count":1.5}', '{}\n'), /rows\.count/],
    [message(header, ''), /count is 1 and there are 0/],
    [message(header, '{}\n{}\n'), /count is 1 and there are 2/],
    [message(header, '{}'), /rows\[0\]/],
    [message(header, '\n'), /rows\[0\]/],
    [message(header, '{\n'), /rows\[0\]/],
    [message(header, '[]\n'), /rows\[0\]/],
    [message(header, '{}\r\n'), /rows\[0\]/],
    [message(header, Buffer.from([123, 34, 0xff, 34, 58, 49, 125, 10])), /UTF-8/],
  ];
  for (const [bytes, reason] of refused)
    assert.throws(() => decodeRows(bytes), { name: 'FrameError', message: reason });
});
