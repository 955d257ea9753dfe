/** What a gateway out of its mind would say: each with what the protocol says must come of it. */
import { isUtf8 } from 'node:buffer';
import { decodeServerFrame } from '../../../src/protocol/codec.ts';
import { FrameError } from '../../../src/protocol/frame-fields.ts';
import { JOB_KINDS } from '../../../src/protocol/frames.ts';
import type { Seeded } from '../seeded.ts';
import { type Message, mutated, noise, text } from './mutate.ts';

/** A source that nothing can be opened for: its frames may be changed into anything. */
const NOTHING = {
  id: 'n',
  name: 'nothing',
  bridge: 'nothing',
  credentialsLocation: 'managed',
  config: { url: 'nothing:' },
};

/** A message after the greeting; `source` is a real one. */
export function serverMessage(random: Seeded, source: object): Message {
  const roll = random.below(100);
  if (roll < 1) return noise(random);
  if (roll < 5) return mutated(random, text(serverFrame(random, NOTHING)));
  return text(serverFrame(random, roll < 15 ? source : NOTHING));
}

/** The code that such a message must close with; undefined where it may not close. */
export function closeOfServer({ binary, payload }: Message): number | undefined {
  if (binary) return undefined;
  if (!isUtf8(payload)) return 1007;
  try {
    return decodeServerFrame(payload.toString()).type === 'hello-ack' ? 4400 : undefined;
  } catch (error) {
    if (!(error instanceof FrameError)) throw error;
    return error.jobId === undefined ? 4400 : undefined;
  }
}

/** What a gateway may confirm, in any combination, with limits from one end to the other. */
export function confirmed(random: Seeded): Record<string, unknown> {
  const limit = random.pick([1, 50, 100_000, Number.MAX_SAFE_INTEGER]);
  const features = {
    drain: {},
    endings: {},
    rawRows: {},
    credit: { windowBytes: limit, ...random.pick([{}, { grantBytes: 1 }, { grantBytes: limit }]) },
    attempts: { acceptMs: limit },
    concurrency: { limit: 1 + random.below(64) },
    telepathy: {},
  };
  return Object.fromEntries(Object.entries(features).filter(() => random.below(2) === 0));
}

function serverFrame(random: Seeded, source: object): unknown {
  const id = random.pick(['a', 'b', 'c', '__proto__', 'x'.repeat(256), `n${random.below(1e6)}`]);
  const target = random.pick(['orders', 'orders', '', 'nowhere', '"; drop table orders; --']);
  const options = random.pick([
    {},
    { limit: 3 },
    { limit: -1 },
    { where: { id: { $teleport: 1 } } },
    { where: { ['__proto__']: 1 }, cursor: 'x' },
  ]);
  const deadlineMs = random.pick([0, -1, 1, 50, 30_000, 2 ** 31, 1e300]);
  const job = { kind: random.pick(JOB_KINDS), target, options };
  const frames = [
    () => ({ type: 'job', id, params: { source, job }, deadlineMs, attempt: 1 }),
    () => ({ type: 'job', id, params: { source, job: { ...job, kind: 'chant' } }, deadlineMs }),
    () => ({ type: 'job', id, params: { source }, deadlineMs }),
    () => ({ type: 'cancel', id }),
    () => ({ type: 'cancel', id }),
    () => ({ type: 'credit', id, bytes: random.pick([1, 1_000, Number.MAX_SAFE_INTEGER]) }),
    () => ({ type: 'ended', count: random.pick([0, 1, Number.MAX_SAFE_INTEGER]) }),
    () => ({ type: 'ping' }),
    () => ({ type: random.pick(['accept', 'reject', 'chunk', 'constructor']), id, reason: 'busy' }),
    () => (random.below(50) === 0 ? { type: 'drain' } : { type: 'ping' }),
  ];
  return random.pick(frames)();
}
