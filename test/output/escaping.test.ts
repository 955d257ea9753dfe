import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { csvLine } from '../../src/output/csv.ts';
import { sanitise, sanitiseJson } from '../../src/output/sanitise.ts';
import { tsvLine } from '../../src/output/tsv.ts';

const HOSTILE = fc.string({
  unit: fc.constantFrom('a', ',', '"', '\t', '\n', '\r', '\\', '\u001b', '\u202e', 'é', '😀'),
});
const UNSAFE = /[\u0000-\u001f\u007f-\u009f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]/;

test('a tab-separated line gives its cells back, whatever is in them', () => {
  fc.assert(
    fc.property(fc.array(HOSTILE, { minLength: 1 }), cells => {
      const line = tsvLine(cells);
      assert.doesNotMatch(line, /[\n\r]/);
      assert.deepEqual(line.split('\t').map(unescapeTsv), cells);
    }),
  );
});

test('a tab-separated cell is empty for null, joined for several values, plain for numbers and booleans', () => {
  assert.equal(
    tsvLine([null, undefined, ['a', 'b'], 12, false, { a: 1 }, []]),
    '\t\ta,b\t12\tfalse\t{"a":1}\t',
  );
});

test('a CSV line gives its cells back to a reader of RFC 4180', () => {
  fc.assert(
    fc.property(fc.array(fc.option(HOSTILE), { minLength: 1 }), cells => {
      assert.deepEqual(parseCsvLine(csvLine(cells)), cells);
    }),
  );
});

test('text from outside reaches a terminal without a control character or a direction override', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), text => {
      assert.doesNotMatch(sanitise(text), UNSAFE);
    }),
  );
  assert.equal(sanitise('a\u001b[31mb\nc\u202ed\u009b'), 'a\\x1b[31mb\\nc\\u202ed\\x9b');
});

test('JSON made harmless for a terminal is the same document', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), text => {
      const json = sanitiseJson(JSON.stringify({ text }));
      assert.doesNotMatch(json, UNSAFE);
      assert.deepEqual(JSON.parse(json), { text });
    }),
  );
});

function unescapeTsv(cell: string): string {
  const plain: Record<string, string> = { t: '\t', n: '\n', r: '\r', '\\': '\\' };
  return cell.replace(/\\(.)/g, (_whole, char: string) => plain[char] as string);
}

/** One record; an unquoted empty field is null, as our writer means it. */
function parseCsvLine(line: string): (string | null)[] {
  assert.ok(line.endsWith('\r\n'));
  const cells: (string | null)[] = [];
  let rest = line.slice(0, -2);
  for (;;) {
    const quoted = /^"((?:[^"]|"")*)"/.exec(rest);
    const plain = quoted ? undefined : (/^[^,"\r\n]*/.exec(rest)?.[0] ?? '');
    cells.push(
      quoted ? (quoted[1] as string).replaceAll('""', '"') : plain === '' ? null : (plain as string),
    );
    rest = rest.slice(quoted ? quoted[0].length : (plain as string).length);
    if (rest === '') return cells;
    assert.equal(rest[0], ',');
    rest = rest.slice(1);
  }
}
