import assert from 'node:assert/strict';
import { EventEmitter } from 'node:events';
import { type Duplex, PassThrough } from 'node:stream';
import { test } from 'node:test';
import { setImmediate as nextTurn } from 'node:timers/promises';
import fc from 'fast-check';
import { RowEncoder } from '../../../src/bridges/postgres/row-encoder.ts';
import { RowTap } from '../../../src/bridges/postgres/row-tap.ts';
import { decodeText, OID, type PgType } from '../../../src/bridges/postgres/value-decoders.ts';
import { rowsOf } from '../../../src/bridges/stream-rows.ts';

/** A `DataRow` message, type and length included. */
function dataRow(fields: readonly (string | null)[]): Buffer {
  const parts = fields.map(field => {
    const text = Buffer.from(field ?? '');
    const size = Buffer.alloc(4);
    size.writeInt32BE(field === null ? -1 : text.length);
    return Buffer.concat([size, text]);
  });
  const head = Buffer.alloc(7);
  head.write('D');
  head.writeInt32BE(6 + parts.reduce((sum, part) => sum + part.length, 0), 1);
  head.writeInt16BE(fields.length, 5);
  return Buffer.concat([head, ...parts]);
}

function message(type: string, body: string): Buffer {
  const head = Buffer.alloc(5);
  head.write(type);
  head.writeInt32BE(4 + Buffer.byteLength(body), 1);
  return Buffer.concat([head, Buffer.from(body)]);
}

const digits = (length: number) => fc.stringMatching(new RegExp(`^[0-9]{${length}}$`));
const time = fc
  .tuple(digits(2), digits(2), digits(2), fc.option(digits(3)))
  .map(([h, m, s, f]) => `${h}:${m}:${s}${f === null ? '' : `.${f}`}`);
const day = fc
  .tuple(fc.oneof(digits(4), digits(5)), digits(2), digits(2))
  .map(([y, m, d]) => `${y}-${m}-${d}`);
const era = fc.constantFrom('', ' BC');

/** Texts as a server prints them, by type. */
const TEXTS: [PgType, fc.Arbitrary<string>][] = [
  [{ oid: OID.int4 }, fc.integer().map(String)],
  [
    { oid: OID.float8 },
    fc.oneof(fc.double().map(String), fc.constantFrom('1e+20', '-1.5e-07', 'NaN', 'Infinity', '-Infinity')),
  ],
  [{ oid: OID.int8 }, fc.bigInt().map(String)],
  [{ oid: OID.bool }, fc.constantFrom('t', 'f')],
  [
    { oid: OID.text },
    fc.oneof(fc.string({ unit: 'grapheme' }), fc.string({ unit: 'binary-ascii', maxLength: 300 })),
  ],
  [{ oid: OID.bytea }, fc.uint8Array().map(bytes => `\\x${Buffer.from(bytes).toString('hex')}`)],
  [
    { oid: OID.date },
    fc.oneof(
      fc.tuple(day, era).map(parts => parts.join('')),
      fc.constant('infinity'),
    ),
  ],
  [
    { oid: OID.timestamp },
    fc.oneof(
      fc.tuple(day, time, era).map(([d, t, e]) => `${d} ${t}${e}`),
      fc.constant('-infinity'),
    ),
  ],
  [
    { oid: OID.timestamptz },
    fc.oneof(
      fc.tuple(day, time, era).map(([d, t, e]) => `${d} ${t}+00${e}`),
      fc.constant('infinity'),
    ),
  ],
  [
    { oid: OID.json },
    fc
      .tuple(fc.json(), fc.boolean())
      .map(([json, pretty]) => (pretty ? JSON.stringify(JSON.parse(json), null, '\t') : json)),
  ],
  [{ oid: 1007, element: { oid: OID.int4 } }, fc.array(fc.integer()).map(items => `{${items.join(',')}}`)],
];

const rows = fc.array(fc.constantFrom(...TEXTS.keys()), { minLength: 0, maxLength: 8 }).chain(kinds =>
  fc.record({
    types: fc.constant(kinds.map(kind => TEXTS[kind]?.[0] as PgType)),
    rows: fc.array(fc.tuple(...kinds.map(kind => fc.option(TEXTS[kind]?.[1] as fc.Arbitrary<string>))), {
      minLength: 1,
      maxLength: 30,
    }),
  }),
);

test('the fast way and the plain one say the same of every value', () => {
  fc.assert(
    fc.property(rows, ({ types, rows: given }) => {
      const encoder = new RowEncoder({
        columns: types.map((type, index) => ({ name: `c"${index}`, type })),
        maxRows: Number.POSITIVE_INFINITY,
        keyFields: [],
      });
      const batches = given.flatMap(fields => {
        const bytes = dataRow(fields);
        return encoder.row(bytes, 5, bytes.length) ?? [];
      });
      const encoded = [...batches, encoder.take() ?? []].flatMap(batch => rowsOf(batch));
      const plain = given.map(fields =>
        Object.fromEntries(
          types.map((type, index) => [
            `c"${index}`,
            fields[index] === null ? null : decodeText(type, fields[index] as string),
          ]),
        ),
      );
      assert.deepEqual(encoded, JSON.parse(JSON.stringify(plain)));
    }),
    { numRuns: 1_500 },
  );
});

test('rows beyond the page are counted and dropped, and the key of the last one in it is kept', () => {
  const columns = [{ name: 'name', type: { oid: OID.text } }];
  const encoder = new RowEncoder({ columns, maxRows: 2, keyFields: [2, 1] });
  for (const row of [
    ['a', '1', 'x'],
    ['b', '2', null],
    ['c', '3', 'z'],
  ]) {
    const bytes = dataRow(row);
    encoder.row(bytes, 5, bytes.length);
  }
  assert.equal(encoder.seen, 3);
  assert.deepEqual(encoder.lastKey, [null, '2']);
  assert.deepEqual(rowsOf(encoder.take() ?? []), [{ name: 'a' }, { name: 'b' }]);
});

/** A stream cut into pieces as a network may cut it. */
test('however the bytes are cut, rows go to the sink and everything else to the driver, in order', () => {
  const part = fc.oneof(
    fc.array(fc.option(fc.string()), { maxLength: 3 }).map(fields => ({ row: dataRow(fields) })),
    fc
      .tuple(fc.constantFrom('2', 't', 's', 'C', 'N', 'S'), fc.string())
      .map(([type, body]) => ({ other: message(type, body) })),
  );
  fc.assert(
    fc.property(fc.array(part, { maxLength: 20 }), fc.array(fc.nat(), { maxLength: 12 }), (parts, cuts) => {
      const bytes = Buffer.concat(parts.map(one => ('row' in one ? one.row : one.other)));
      const stream = new EventEmitter();
      const log: string[] = [];
      stream.on('data', (chunk: Buffer) => log.push(chunk.toString('latin1')));
      const tap = RowTap.on(stream as unknown as Duplex);
      tap?.open({
        row: (at, start, end) => log.push(`row:${at.toString('latin1', start, end)}`),
        settled: () => {},
      });
      const places = [...new Set(cuts.map(cut => cut % (bytes.length + 1)))].sort((a, b) => a - b);
      for (const [index, place] of [0, ...places].entries()) {
        const piece = bytes.subarray(place, places[index] ?? bytes.length);
        if (piece.length > 0) stream.emit('data', piece);
      }
      const expected = parts.map(one =>
        'row' in one ? `row:${one.row.toString('latin1', 5)}` : one.other.toString('latin1'),
      );
      assert.equal(log.join(''), expected.join(''));
    }),
    { numRuns: 1_000 },
  );
});

test('once closed in the middle of a piece, the rest of it is the driver’s', () => {
  const stream = new EventEmitter();
  const driver: string[] = [];
  let tap: RowTap | undefined;
  stream.on('data', (chunk: Buffer) => {
    driver.push(chunk.toString('latin1'));
    if (chunk[0] === 'C'.charCodeAt(0)) tap?.close();
  });
  tap = RowTap.on(stream as unknown as Duplex);
  const seen: string[] = [];
  tap?.open({ row: (at, start, end) => seen.push(at.toString('latin1', start, end)), settled: () => {} });
  const [row, complete, later] = [dataRow(['a']), message('C', 'SELECT 1'), dataRow(['b'])];
  stream.emit('data', Buffer.concat([row, complete, later, Buffer.from('Z')]));
  stream.emit('data', Buffer.from('rest'));
  assert.equal(seen.length, 1);
  assert.equal(driver.join(''), `${[complete, later].map(one => one.toString('latin1')).join('')}Zrest`);
});

test('a server that is faster than we are is left unread for a turn, so that others have theirs', async t => {
  const stream = new PassThrough().on('data', () => {});
  t.after(() => stream.destroy());
  const tap = RowTap.on(stream);
  tap?.open({ row: () => {}, settled: () => {} });
  const row = dataRow(['x'.repeat(65_536)]);
  for (let n = 0; n < 7; n++) stream.emit('data', row);
  assert.equal(stream.isPaused(), false);
  stream.emit('data', row);
  assert.equal(stream.isPaused(), true);
  await nextTurn();
  assert.equal(stream.isPaused(), false);
});
