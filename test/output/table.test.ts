import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Chalk } from 'chalk';
import fc from 'fast-check';
import stringWidth from 'string-width';
import type { Column } from '../../src/output/output.ts';
import { listTable, rowsTable, wrapped } from '../../src/output/table.ts';

const chalk = new Chalk({ level: 1 });
const CELL = fc.string({
  unit: fc.constantFrom('a', 'b', ' ', '漢', 'e\u0301', '字', '-', '\u001b', '\u202e', 'é'),
});
const style = (columns: number) => ({ chalk, now: () => 0, width: () => columns });
const plain = (text: string): string => text.replace(/\u001b\[\d+m/g, '');

interface Row {
  id: string;
  name: string;
  status: string;
}

const COLUMNS: readonly Column<Row>[] = [
  { header: 'ID', value: one => one.id },
  { header: 'NAME', value: one => one.name },
  { header: 'STATUS', value: one => one.status, format: 'status' },
];
const ROWS: Row[] = [
  { id: '11111111-2222-4333-8444-555555555555', name: 'edge-1', status: 'online' },
  { id: '99999999-2222-4333-8444-555555555555', name: '東京', status: 'never connected' },
];

test('a table is as wide as it needs to be', () => {
  assert.equal(
    plain(listTable(ROWS, COLUMNS, style(200))),
    [
      'ID                                    NAME    STATUS',
      '11111111-2222-4333-8444-555555555555  edge-1  ● online',
      '99999999-2222-4333-8444-555555555555  東京    ● never connected',
    ].join('\n'),
  );
});

test('in a narrow window the widest column is cut, and shows that it is', () => {
  assert.equal(
    plain(listTable(ROWS, COLUMNS, style(40))),
    [
      'ID             NAME    STATUS',
      '11111111-222…  edge-1  ● online',
      '99999999-222…  東京    ● never connected',
    ].join('\n'),
  );
});

test('where columns make no sense any more each record is a list', () => {
  assert.equal(
    plain(listTable(ROWS, COLUMNS, style(24))),
    [
      'ID      11111111-2222-4333-8444-555555555555',
      'NAME    edge-1',
      'STATUS  ● online',
      '',
      'ID      99999999-2222-4333-8444-555555555555',
      'NAME    東京',
      'STATUS  ● never connected',
    ].join('\n'),
  );
});

test('no line of a table is wider than the window, whatever is in it', () => {
  const rows = fc.array(fc.record({ one: CELL, two: CELL, three: CELL }), { minLength: 1, maxLength: 5 });
  fc.assert(
    fc.property(rows, fc.integer({ min: 28, max: 120 }), (records, columns) => {
      const text = rowsTable(records, ['one', 'two', 'three'], style(columns));
      for (const line of plain(text).split('\n')) {
        assert.ok(stringWidth(line) <= columns, `${stringWidth(line)} > ${columns}: ${JSON.stringify(line)}`);
      }
      assert.doesNotMatch(plain(text), /[\u001b\u202e]/);
    }),
  );
});

test('words are wrapped at the window, and none is lost', () => {
  fc.assert(
    fc.property(
      fc.array(fc.stringMatching(/^[a-z漢]{1,12}$/), { minLength: 1 }),
      fc.integer({ min: 30, max: 80 }),
      (words, width) => {
        const text = wrapped(words.join(' '), width, '    ');
        assert.deepEqual(text.split(/\s+/), words);
        for (const line of text.split('\n')) assert.ok(stringWidth(line) <= width, line);
      },
    ),
  );
});
