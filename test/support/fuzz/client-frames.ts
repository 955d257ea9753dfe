/** What a runner out of its mind would say: each with what the protocol says must come of it. */
import { isUtf8 } from 'node:buffer';
import { decodeClientFrame } from '../../../src/protocol/codec.ts';
import { FrameError } from '../../../src/protocol/frame-fields.ts';
import { decodeRows } from '../../../src/protocol/raw-rows.ts';
import type { Seeded } from '../seeded.ts';
import { type Message, mutated, noise, text } from './mutate.ts';

export interface Talk {
  /** Jobs of this connection. */
  own: readonly string[];
  /** Jobs of others. */
  foreign: readonly string[];
  rawRows: boolean;
}

const FEATURES = ['drain', 'credit', 'attempts', 'endings', 'fastPing', 'rawRows', 'caller'];

/** A message after the greeting. Rows name the job that they claim to be of. */
export function clientMessage(random: Seeded, talk: Talk): Message {
  const roll = random.below(200);
  if (roll < 2) return noise(random);
  if (roll < 30) return rows(random, idOf(random, talk));
  const frame = clientFrame(random, talk);
  // Rows that were changed on the way claim nothing.
  return roll < 36 ? mutated(random, text(JSON.stringify(frame).replaceAll('"origin"', '"o"'))) : text(frame);
}

/** The code that such a message must close with; undefined where it may not close. */
export function closeOfClient({ binary, payload }: Message, rawRows: boolean): number | undefined {
  try {
    if (binary) {
      if (rawRows) decodeRows(payload);
      return undefined;
    }
    if (!isUtf8(payload)) return 1007;
    return decodeClientFrame(payload.toString()).type === 'hello' ? 4400 : undefined;
  } catch (error) {
    if (error instanceof FrameError) return 4400;
    throw error;
  }
}

/** A hello of any combination of features. */
export function hello(random: Seeded, runnerId: string): { features?: Record<string, unknown> } {
  const chosen = FEATURES.filter(() => random.below(2) === 0).map(name => [name, {}]);
  const limit = random.below(3) === 0 ? [['concurrency', { limit: 1 + random.below(64) }]] : [];
  return {
    ...{ type: 'hello', version: 1 + random.below(3), runnerId, capabilities: [] },
    ...(random.below(3) === 0 ? { minVersion: random.below(2), instance: 'fuzz', x: { y: [] } } : {}),
    ...(random.below(4) === 0 ? {} : { features: Object.fromEntries([...chosen, ...limit]) }),
  };
}

/** What comes in the place of a hello, and the codes that may answer it. */
export function wrongHello(random: Seeded): Message {
  const said = { type: 'hello', version: 1, runnerId: 'edge', capabilities: [] };
  const wrong = [
    { ...said, runnerId: 'another' },
    { ...said, minVersion: 2 },
    { ...said, version: 0 },
    { ...said, capabilities: 'all' },
    { ...said, features: { credit: 1 } },
    { type: 'heartbeat' },
    { type: 'done', id: 'x' },
    { type: 'drain' },
    '[]',
  ];
  return text(random.pick(wrong));
}

function clientFrame(random: Seeded, talk: Talk): unknown {
  const id = idOf(random, talk);
  const frames = [
    () => ({ type: 'chunk', id, rows: Array.from({ length: random.below(4) }, () => ({ origin: id })) }),
    () => ({ type: 'chunk', id, rows: [{ origin: id, ['__proto__']: { text: '\u0000\u202e' } }] }),
    () => ({ type: 'chunk', id, rows: [], total: random.below(9), approximate: true }),
    () => ({ type: 'chunk', id, rows: [], agg: [{ dims: {}, measures: {}, count: 1 }] }),
    () => ({ type: 'done', id, meta: { count: random.below(9), durationMs: 1, nextCursor: 'x' } }),
    () => ({ type: 'done', id }),
    () => ({ type: 'error', id, code: random.pick(['CANCELLED', 'INTERNAL', 'teapot']), message: '' }),
    () => ({ type: 'accept', id }),
    () => ({ type: 'reject', id, reason: random.pick(['busy', 'busy', 'draining', 'tired']) }),
    () => ({ type: 'heartbeat', stats: { activeJobs: random.below(9), memoryMb: 1e9 } }),
    () => ({ type: 'heartbeat' }),
    () => ({ type: random.pick(['job', 'ping', 'hello-ack', 'rows', 'constructor']), id }),
    () => (random.below(20) === 0 ? { type: 'drain' } : { type: 'accept', id }),
  ];
  return random.pick(frames)();
}

/** A binary message, now and then with a header, a count or a row that is none. */
function rows(random: Seeded, id: string): Message {
  const header = { type: 'rows', id, count: 1 + random.below(3) };
  const row = `{"origin":${JSON.stringify(id)}}`;
  const whole = (said: unknown, line = row): string =>
    `${JSON.stringify(said)}\n${`${line}\n`.repeat(header.count)}`;
  const wrong = [
    () => whole({ ...header, count: random.pick([0, -1, 0.5, 9, 2 ** 53, '1', null]) }),
    () => whole({ ...header, id: random.pick(['', 1, null, 'x'.repeat(257)]) }),
    () => whole({ ...header, type: random.pick(['chunk', 'row', 1, '__proto__']) }),
    () => whole(header, random.pick(['[1]', '', '{', '}', '{}\r'])),
    () => whole(header).slice(0, -1),
    () => whole(header).replaceAll('\n', ''),
    () => whole(header).slice(1),
    () => `${' '.repeat(4_000)}${whole(header)}`,
    () => '\n',
  ];
  return {
    binary: true,
    payload: Buffer.from(random.below(12) === 0 ? random.pick(wrong)() : whole(header)),
  };
}

function idOf(random: Seeded, { own, foreign }: Talk): string {
  const ids = [own, own, own, foreign].map(some => (some.length > 0 ? random.pick(some) : undefined));
  return random.pick([...ids, 'nobody', '__proto__', 'x'.repeat(256)]) ?? `n${random.below(1e6)}`;
}
