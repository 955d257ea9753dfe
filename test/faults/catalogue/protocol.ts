/** Faults of peers that break the protocol. */
import type { Fault } from './fault.ts';

const file = 'test/faults/protocol.test.ts';
const ENDPOINT = 'src/gateway/runner-endpoint.ts';
const GREETING = 'src/gateway/greeting.ts';
const SESSION = 'src/gateway/runner-session.ts';
const CODEC = 'src/protocol/codec.ts';
const JOBS = 'src/runner/job-table.ts';
const LATE = 'chunk, done and error for a foreign job, and for one that has ended: nobody gets them';

export const protocol: Fault[] = [
  {
    fault: 'bad JSON',
    promise: '4400; nobody else notices',
    test: { file, name: 'bad JSON from a runner: closed with 4400, and the others are well' },
    mutation: {
      says: 'what is no JSON is ignored',
      edits: [{ file: CODEC, from: "throw new FrameError('not JSON');", to: "return { type: 'none' };" }],
    },
  },
  {
    fault: 'bad UTF-8',
    promise: '1007; nobody else notices',
    test: { file, name: 'bad UTF-8 from a runner: closed with 1007, and the others are well' },
    mutation: {
      says: 'text is not checked to be text',
      edits: [
        {
          file: ENDPOINT,
          from: 'maxPayload: MAX_FRAME_BYTES,',
          to: 'maxPayload: MAX_FRAME_BYTES, skipUTF8Validation: true,',
        },
      ],
    },
  },
  {
    fault: '1 MiB and more',
    promise: 'up to 16 MiB like any other frame; beyond, 1009 before it is held',
    test: {
      file,
      name: 'a frame of more than 16 MiB from a runner: closed with 1009, and the others are well',
    },
    mutation: {
      says: 'frames of any size',
      edits: [{ file: ENDPOINT, from: 'maxPayload: MAX_FRAME_BYTES,', to: 'maxPayload: 0,' }],
    },
  },
  {
    fault: 'deflate bomb',
    promise: 'compression is neither offered nor taken; a frame that says it is compressed closes with 1002',
    test: { file, name: 'compression is neither offered nor taken, so that there is nothing to inflate' },
    mutation: {
      says: 'compression is taken where it is offered',
      edits: [{ file: ENDPOINT, from: 'perMessageDeflate: false,', to: 'perMessageDeflate: true,' }],
    },
  },
  {
    fault: 'a flood of empty fragments',
    promise: 'closed with 1008 at a fixed number of fragments',
    test: {
      file,
      name: 'a flood of empty fragments from a runner: closed with 1008, and the others are well',
    },
    mutation: {
      says: 'fragments without number',
      edits: [
        {
          file: ENDPOINT,
          from: 'maxFragments: MAX_FRAGMENTS }',
          to: 'maxFragments: 0 }',
        },
      ],
    },
  },
  {
    fault: 'unknown type',
    promise: 'ignored, on either side',
    test: { file, name: 'unknown types and keys are ignored, on either side' },
    mutation: {
      says: 'an unknown type is malformed',
      edits: [
        {
          file: CODEC,
          from: 'function unknown(frame: Fields & { type: string }): UnknownFrame {',
          to: "function unknown(frame: Fields & { type: string }): UnknownFrame { if (frame.type) throw new FrameError('unknown');",
        },
      ],
    },
  },
  {
    fault: 'chunk, done or error for a foreign job',
    promise: 'ignored: a reply counts only from the session that has the attempt',
    test: { file, name: LATE },
    mutation: {
      says: 'a reply counts whichever session it comes from',
      edits: [
        {
          file: SESSION,
          from: 'readonly #attempts = new Map<string, Attempt>();',
          to: 'readonly #attempts = everybodys;',
        },
        {
          file: SESSION,
          from: 'export class RunnerSession {',
          to: 'const everybodys = new Map<string, Attempt>(); export class RunnerSession {',
        },
      ],
    },
  },
  {
    fault: 'chunk, done or error for a finished job',
    promise: 'ignored: a job has one ending',
    test: { file, name: 'done before chunk, and two dones: the first ending is the ending' },
    mutation: {
      says: 'an ending does not end the attempt, nor the job',
      edits: [
        { file: SESSION, from: "case 'done':\n        this.#ended(frame.id);", to: "case 'done':" },
        {
          file: 'src/gateway/dispatched-job.ts',
          from: 'runnerId: string): void {\n    if (this.ended) return;',
          to: 'runnerId: string): void {\n    if (this.ended) this.#options.onChange(this);',
        },
      ],
    },
  },
  {
    fault: 'a job id twice',
    promise: 'one job runs, and it has one ending',
    test: { file, name: 'a job id twice: one job runs, and it has one ending' },
    mutation: {
      says: 'the second takes the place of the first',
      edits: [
        {
          file: JOBS,
          from: 'if (this.#closed || this.#active.has(id)) return;',
          to: 'if (this.#closed) return;',
        },
      ],
    },
  },
  {
    fault: 'done before chunk; two dones',
    promise: 'the first ending is the ending; rows after it are nobody’s',
    test: { file, name: 'done before chunk, and two dones: the first ending is the ending' },
    mutation: {
      says: 'the count of the last done counts',
      edits: [
        {
          file: SESSION,
          from: "case 'done':\n        this.#ended(frame.id);",
          to: "case 'done':\n        if (frame.meta?.count === 0) return undefined;",
        },
      ],
    },
  },
  {
    fault: 'hello twice',
    promise: '4400',
    test: {
      file: 'test/gateway/sessions.test.ts',
      name: 'frames out of order or out of shape close with 4400',
    },
    mutation: {
      says: 'a second hello is ignored',
      edits: [
        {
          file: GREETING,
          from: "if (this.#helloSeen) return this.#close(CLOSE.malformed, 'second hello');",
          to: 'if (this.#helloSeen) return;',
        },
      ],
    },
  },
  {
    fault: 'hello late or never',
    promise: '4400 after 5 s',
    test: { file, name: 'hello late or never: closed with 4400 after 5 s, and not before' },
    mutation: {
      says: 'hello is waited for',
      edits: [
        {
          file: GREETING,
          from: '.clock.after(HELLO_TIMEOUT_MS, () =>',
          to: '.clock.after(HELLO_TIMEOUT_MS * 9, () =>',
        },
      ],
    },
  },
  {
    fault: 'wrong version',
    promise:
      '4406 where there is no common one, naming both; a later runner that needs no later gateway is taken',
    test: {
      file: 'test/gateway/sessions.test.ts',
      name: 'a runner that needs a later version than ours is closed with 4406, a later one that does not is taken',
    },
    mutation: {
      says: 'the lowest version is not looked at',
      edits: [
        {
          file: GREETING,
          from: 'if ((hello.minVersion ?? 1) > PROTOCOL_VERSION) {',
          to: 'if (hello.minVersion === -1) {',
        },
      ],
    },
  },
  {
    fault: 'JSON nested 500,000 deep',
    promise: '4400 without being parsed',
    test: { file, name: 'JSON nested 500,000 deep from a runner: closed with 4400, and the others are well' },
    mutation: {
      says: 'depth is not looked at',
      edits: [
        { file: CODEC, from: 'if (jsonTooDeep(text, MAX_JSON_DEPTH))', to: 'if (jsonTooDeep(text, 1e9))' },
      ],
    },
  },
  {
    fault: 'cancel before, after and twice',
    promise: 'a job ends once, and the bridge is told once',
    test: {
      file: 'test/runner/runner.test.ts',
      name: 'cancel and deadline end a job that hangs, once, and the bridge is told',
    },
    mutation: {
      says: 'what has ended may end again',
      edits: [{ file: JOBS, from: 'if (this.#active.get(id) !== job) return;', to: '' }],
    },
  },
  {
    fault: 'a job for a source that is not assigned',
    promise: '`SOURCE_NOT_ASSIGNED`; nothing is opened',
    test: {
      file,
      name: 'a job for a source that is not assigned: SOURCE_NOT_ASSIGNED, and nothing is opened',
    },
    mutation: {
      says: 'the job’s own word is taken for it',
      edits: [
        {
          file: JOBS,
          from: "return assigned?.credentialsLocation === 'managed' ? params.source : assigned;",
          to: 'return assigned ?? params.source;',
        },
      ],
    },
  },
];
