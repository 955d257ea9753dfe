/** Values that break what takes them for ordinary. */
import type { Fault } from './fault.ts';

const file = 'test/faults/input.test.ts';
const WRITER = 'src/runner/chunk-writer.ts';

export const input: Fault[] = [
  {
    fault: '`../`, NUL, ten thousand characters, emoji in names',
    promise: 'refused, by one rule for runners and sources',
    test: {
      file: 'test/protocol/names.test.ts',
      name: 'capitals, spaces, paths, outer hyphens, 64 characters, control characters and emoji are not',
    },
    mutation: {
      says: 'a name may begin as it likes',
      edits: [
        { file: 'src/protocol/names.ts', from: 'const NAME = /^[a-z0-9](', to: 'const NAME = /[a-z0-9](' },
      ],
    },
  },
  {
    fault: 'two names that become one variable',
    promise: 'a warning at once; their jobs fail with `SOURCE_CONFIG_MISSING` naming both; the rest work',
    test: {
      file,
      name: 'two names that become one variable: both are named, at once and in their jobs, and the rest work',
    },
    mutation: {
      says: 'twins are not looked for',
      edits: [
        {
          file: 'src/runner/local-credentials.ts',
          from: 'other => other.name !== source.name && variablePrefix(other.name) === prefix',
          to: 'other => other.name === ""',
        },
      ],
    },
  },
  {
    fault: 'quotes and injection in identifiers',
    promise: 'quoted by the dialect, doubled inside; nothing is changed by any of two hundred hostile texts',
    test: { file: 'test/bridges/sqlite/sqlite-bridge.test.ts', name: 'names that are SQL stay names' },
    mutation: {
      says: 'identifiers are written as they are',
      edits: [
        {
          file: 'src/bridges/sqlite/dialect.ts',
          from: 'sql.id(columnNamed(field).name)',
          to: 'sql.raw(columnNamed(field).name)',
        },
      ],
    },
  },
  {
    fault: 'unknown operators',
    promise: '`unsupported_operator`, at any depth, never ignored',
    test: {
      file: 'test/where/where.test.ts',
      name: 'an operator nobody has is told apart from an operand it cannot take, at any depth',
    },
    mutation: {
      says: 'an operator nobody has is ignored',
      edits: [
        {
          file: 'src/where/where.ts',
          from: 'default:\n      throw unsupported(op, path);',
          to: 'default:\n      return all([]);',
        },
      ],
    },
  },
  {
    fault: '`__proto__`',
    promise: 'a key like any other, in filters, configs and rows',
    test: { file, name: 'names of the language in rows and in filters: keys like any other' },
    mutation: {
      says: 'rows are copied key by key',
      edits: [
        {
          file: 'src/protocol/codec.ts',
          from: "rows: objects(frame.rows, 'chunk.rows') as JobRow[],",
          to: "rows: objects(frame.rows, 'chunk.rows').map(row => { const copy: Fields = {}; for (const key in row) copy[key] = row[key]; return copy; }) as JobRow[],",
        },
      ],
    },
  },
  {
    fault: '2^53+1',
    promise: 'text beyond what a JavaScript number holds exactly, and found by that text',
    test: {
      file: 'test/bridges/sqlite/values.test.ts',
      name: 'numbers cross as numbers while they are safe, as text beyond',
    },
    mutation: {
      says: 'every integer is a number',
      edits: [
        {
          file: 'src/bridges/json-value.ts',
          from: 'return value <= Number.MAX_SAFE_INTEGER && value >= Number.MIN_SAFE_INTEGER;',
          to: 'return value === value;',
        },
      ],
    },
  },
  {
    fault: 'BigInt, NaN, Infinity, invalid dates, buffers of a bridge',
    promise: 'each in the form that docs/bridges.md says, or null',
    test: {
      file: 'test/runner/bridges.test.ts',
      name: 'a bridge of the interface alone is paged, its own types made JSON',
    },
    mutation: {
      says: 'values are taken for JSON',
      edits: [
        { file: 'src/bridges/json-value.ts', from: 'return encode(value, new Set());', to: 'return value;' },
      ],
    },
  },
  {
    fault: 'deadlines of 0, -1, NaN and 2^31',
    promise: 'over at once; no job; as long as it takes',
    test: {
      file,
      name: 'deadlines of 0, -1, NaN and 2^31: over at once, no job at all, or as long as it takes',
    },
    mutation: {
      says: 'timers are given what was asked for, and believed when they fire',
      edits: [
        {
          file: 'src/platform/clock.ts',
          from: 'return Math.min(Math.max(delayMs, 0), MAX_TIMER_MS);',
          to: 'return delayMs;',
        },
        { file: 'src/platform/deadlines.ts', from: 'if (deadline.at > now) continue;', to: '' },
      ],
    },
  },
  {
    fault: 'a row larger than a frame',
    promise: '`ROW_TOO_LARGE` after the rows before it; the connection lives',
    test: {
      file,
      name: 'a row larger than a frame: ROW_TOO_LARGE after the rows before it, and the connection lives',
    },
    mutation: {
      says: 'frames of any size are sent',
      edits: [
        {
          file: WRITER,
          from: 'if (json.length > MAX_FRAME_BYTES - ENVELOPE_BYTES) throw',
          to: 'if (json.length < 0) throw',
        },
        { file: WRITER, from: 'if (bytes > MAX_FRAME_BYTES) throw', to: 'if (bytes < 0) throw' },
      ],
    },
  },
];
