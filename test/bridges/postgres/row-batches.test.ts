import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { RowLines } from '../../../src/bridges/bridge.ts';
import { RowEncoder } from '../../../src/bridges/postgres/row-encoder.ts';
import type { TableInfo } from '../../../src/bridges/postgres/schema.ts';
import { selectRows } from '../../../src/bridges/postgres/selects.ts';
import { OID } from '../../../src/bridges/postgres/value-decoders.ts';
import { parseQueryOptions } from '../../../src/where/options.ts';

const COLUMNS = [
  { name: 'id', type: { oid: OID.int8 } },
  { name: 'note', type: { oid: 25 } },
];

/** A `DataRow` message without its type and length. */
function dataRow(fields: readonly (string | null)[]): Buffer {
  const parts = fields.map(field => {
    const text = Buffer.from(field ?? '');
    const size = Buffer.alloc(4);
    size.writeInt32BE(field === null ? -1 : text.length);
    return Buffer.concat([size, text]);
  });
  const count = Buffer.alloc(2);
  count.writeInt16BE(fields.length);
  return Buffer.concat([count, ...parts]);
}

/** Rows through an encoder, taken when it is full, and now and then before. */
function batchesOf(rows: readonly (string | null)[][], takeAfter: number): RowLines[] {
  const encoder = new RowEncoder({ columns: COLUMNS, maxRows: Number.POSITIVE_INFINITY, keyFields: [] });
  const batches: (RowLines | undefined)[] = [];
  for (const [index, fields] of rows.entries()) {
    const message = dataRow(fields);
    batches.push(encoder.row(message, 0, message.length));
    if (encoder.full || index % takeAfter === 0) batches.push(encoder.take());
  }
  batches.push(encoder.take());
  return batches.filter(batch => batch !== undefined);
}

test('rows of any size come out in order, whatever room they needed and wherever a batch ended', () => {
  const note = fc.oneof(
    { weight: 8, arbitrary: fc.string({ unit: 'grapheme', maxLength: 200 }) },
    { weight: 1, arbitrary: fc.nat({ max: 40_000 }).map(length => '"é'.repeat(length)) },
    { weight: 1, arbitrary: fc.constant(null) },
  );
  fc.assert(
    fc.property(fc.array(note, { maxLength: 120 }), fc.integer({ min: 1, max: 200 }), (notes, takeAfter) => {
      const usable = notes.map(text => text?.replaceAll('\0', '') ?? null);
      const rows = usable.map((text, index) => [String(index), text]);
      const batches = batchesOf(rows, takeAfter);
      // Whoever carries a batch writes in front of it, which must touch no batch beside it.
      for (const { lines, headroomBytes = 0 } of batches)
        Buffer.from(lines.buffer, lines.byteOffset - headroomBytes, headroomBytes).fill(0);
      const expected = rows.map(([id, text]) => `${JSON.stringify({ id, note: text })}\n`).join('');
      assert.equal(Buffer.concat(batches.map(batch => batch.lines)).toString(), expected);
      assert.equal(
        batches.reduce((sum, batch) => sum + batch.count, 0),
        rows.length,
      );
    }),
    { numRuns: 200 },
  );
});

test('a few rows take a few kilobytes, a long answer takes buffers of full size', () => {
  const [only] = batchesOf([['1', 'x'.repeat(20)]], 1);
  assert.ok(only && only.lines.buffer.byteLength <= Buffer.poolSize);
  const many = batchesOf(
    Array.from({ length: 4_000 }, (_, index) => [String(index), 'x'.repeat(60)]),
    Number.POSITIVE_INFINITY,
  );
  assert.ok(many.slice(1, -1).every(({ lines }) => lines.length >= 65_536 - 128 && lines.length < 70_000));
});

test('a filter that names a whole key is known to find one row at most', () => {
  const column = (name: string) => ({
    name,
    type: { oid: OID.int8, category: 'N' },
    category: 'N',
    typeName: 'bigint',
    nullable: false,
  });
  const table: TableInfo = {
    target: 'seats',
    schema: 'public',
    name: 'seats',
    columns: ['hall', 'seat', 'price'].map(column),
    primaryKey: ['hall', 'seat'],
    key: ['hall', 'seat'],
    rowCount: undefined,
  };
  const limitOf = (where: unknown, limit?: number) =>
    selectRows(table, parseQueryOptions({ where, limit })).limit;
  assert.equal(limitOf({ hall: 1, seat: 2 }), 1);
  assert.equal(limitOf({ $and: [{ hall: 1 }, { seat: { $eq: 2 } }], price: 3 }), 1);
  assert.equal(limitOf({ hall: 1, seat: 2 }, 5), 5);
  for (const where of [
    {},
    { hall: 1 },
    { hall: 1, seat: { $gte: 2 } },
    { hall: 1, seat: [2] },
    { $or: [{ hall: 1 }, { seat: 2 }] },
    { $not: { hall: 1, seat: 2 } },
  ])
    assert.equal(limitOf(where), undefined, JSON.stringify(where));
  assert.equal(selectRows({ ...table, key: [] }, parseQueryOptions({ where: { hall: 1 } })).limit, undefined);
});
