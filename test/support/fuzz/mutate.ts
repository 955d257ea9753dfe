/** Messages that nobody would send: valid frames with something wrong in them, and bytes that never were a frame. */
import type { Seeded } from '../seeded.ts';

/** One WebSocket message. */
export interface Message {
  binary: boolean;
  payload: Buffer;
}

const AWKWARD = [
  'null',
  '-1',
  '1e999',
  '0',
  '""',
  '[]',
  '{}',
  'true',
  '9007199254740993',
  '"\\u0000"',
  '"\\ud800"',
  '"__proto__"',
];

export function text(frame: unknown): Message {
  return { binary: false, payload: Buffer.from(typeof frame === 'string' ? frame : JSON.stringify(frame)) };
}

/** A frame with a value, a key or some of its bytes replaced. */
export function mutated(random: Seeded, { binary, payload }: Message): Message {
  const edits = [replaceValue, replaceValue, dropKey, flip, cut, repeat, insert];
  return { binary, payload: random.pick(edits)(random, payload) };
}

/** Bytes that are no frame, as text or as rows. */
export function noise(random: Seeded): Message {
  const payload = Buffer.from(Array.from({ length: random.below(200) }, () => random.below(256)));
  const shapes = [
    () => payload,
    () => Buffer.from(payload.toString('latin1')),
    () => Buffer.from('['.repeat(random.below(4_000))),
    () => Buffer.alloc(0),
    () => Buffer.from(random.pick(AWKWARD)),
  ];
  return { binary: random.below(2) === 0, payload: random.pick(shapes)() };
}

/** Another value in the place of one: JSON as before, and the wrong kind. */
function replaceValue(random: Seeded, payload: Buffer): Buffer {
  const source = payload.toString();
  const values = [...source.matchAll(/:("(?:[^"\\]|\\.)*"|-?\d[\d.e+]*|true|false|null|\{\}|\[\])/g)];
  if (values.length === 0) return flip(random, payload);
  const { index, 0: found } = random.pick(values);
  return Buffer.from(
    `${source.slice(0, index)}:${random.pick(AWKWARD)}${source.slice(index + found.length)}`,
  );
}

function dropKey(random: Seeded, payload: Buffer): Buffer {
  const keys = [...payload.toString().matchAll(/"(\w+)":/g)];
  if (keys.length === 0) return cut(random, payload);
  const { index, 0: found } = random.pick(keys);
  const source = payload.toString();
  return Buffer.from(`${source.slice(0, index)}"x":${source.slice(index + found.length)}`);
}

function flip(random: Seeded, payload: Buffer): Buffer {
  const bytes = Buffer.from(payload);
  if (bytes.length > 0) bytes[random.below(bytes.length)] = random.below(256);
  return bytes;
}

function cut(random: Seeded, payload: Buffer): Buffer {
  return payload.subarray(0, random.below(payload.length + 1));
}

function repeat(random: Seeded, payload: Buffer): Buffer {
  const start = random.below(payload.length + 1);
  return Buffer.concat([payload.subarray(0, start), payload.subarray(random.below(start + 1))]);
}

function insert(random: Seeded, payload: Buffer): Buffer {
  const at = random.below(payload.length + 1);
  return Buffer.concat([payload.subarray(0, at), Buffer.from(random.pick(AWKWARD)), payload.subarray(at)]);
}
