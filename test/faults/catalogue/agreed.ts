/** Faults that additions to the protocol are for, and what a peer may make of them. */
import type { Fault } from './fault.ts';

const GATEWAY = 'test/gateway/beyond-version-1.test.ts';
const RUNNER = 'test/runner/beyond-version-1.test.ts';
const LOOP = 'test/runner/loop-watch.test.ts';
const FUZZ = 'test/faults/fuzz.test.ts';
const SESSION = 'src/gateway/runner-session.ts';
const DISPATCHER = 'src/gateway/job-dispatcher.ts';
const GREETING = 'src/gateway/greeting.ts';
const WATCH = 'src/runner/loop-watch.ts';

export const agreed: Fault[] = [
  {
    fault: 'a runner that does not take its job',
    promise:
      'after 2 s the job is with one that answers, and the first is told; it is asked last from then on',
    test: {
      file: GATEWAY,
      name: 'a job that is not taken within two seconds goes to a runner that answers, and the first is told',
    },
    mutation: {
      says: 'a job may lie about',
      edits: [{ file: SESSION, from: '>= (features.attempts?.acceptMs ?? 0)', to: '>= 600_000' }],
    },
  },
  {
    fault: 'a runner with no room',
    promise: 'the job goes back at once, and to another, which costs none of its two moves',
    test: {
      file: GATEWAY,
      name: 'a job that a runner hands back as busy goes to another, and to the first again once one of its jobs has ended',
    },
    mutation: {
      says: 'a job that is handed back fails',
      edits: [
        {
          file: DISPATCHER,
          from: 'job.detach();\n          this.#place(job).catch(',
          to: 'job.fail(noneOnline(job.request.source));\n          Promise.resolve().catch(',
        },
      ],
    },
  },
  {
    fault: 'a job handed back after its first rows',
    promise: 'not handed back: the rows of two attempts never come in one stream',
    test: { file: GATEWAY, name: 'a job that was taken cannot be handed back: its rows are of one attempt' },
    mutation: {
      says: 'a job is handed back whenever its runner says so',
      edits: [{ file: SESSION, from: "if (begun) return 'idle';", to: '' }],
    },
  },
  {
    fault: 'a job for a runner that is leaving',
    promise: 'handed back unbegun, for another to take',
    test: {
      file: RUNNER,
      name: 'a job there is no room for goes back: in all, of its source, and while leaving',
    },
    mutation: {
      says: 'a leaving runner fails what it is given',
      edits: [
        {
          file: 'src/runner/job-table.ts',
          from: "if (this.#draining) return this.#reject(id, 'draining');",
          to: '',
        },
      ],
    },
  },
  {
    fault: 'a runner that leaves before its last endings have come',
    promise: 'it waits until the gateway has said that it has them, two seconds at most',
    test: { file: RUNNER, name: 'a runner that leaves waits until the gateway has its endings' },
    mutation: {
      says: 'what is sent is taken for received',
      edits: [
        { file: 'src/runner/leave.ts', from: 'await until(arrived, ACKNOWLEDGE_MS);', to: 'void arrived;' },
      ],
    },
  },
  {
    fault: 'endings of a leaving runner',
    promise: 'counted by the gateway, and the count told to whoever asked for it, nobody else',
    test: {
      file: GATEWAY,
      name: 'a leaving runner hears how many of its endings have come; one that did not ask hears nothing',
    },
    mutation: {
      says: 'endings are not counted',
      edits: [{ file: SESSION, from: 'this.#endings++;', to: '' }],
    },
  },
  {
    fault: 'a gateway that leaves',
    promise: 'its runners stand on another connection before they let this one go, and their jobs end on it',
    test: {
      file: RUNNER,
      name: 'when its gateway leaves, a runner stands on another connection before it lets the old one go',
    },
    mutation: {
      says: 'the old connection is let go at once',
      edits: [
        {
          file: 'src/runner/runner.ts',
          from: 'await Promise.race([successor, connection.ended]);',
          to: 'void successor;',
        },
      ],
    },
  },
  {
    fault: 'silence while a job is under way',
    promise: 'found in 7 s, and the job moved',
    test: {
      file: GATEWAY,
      name: 'while a job is under way a silent runner is found in seven seconds, and its job moved',
    },
    mutation: {
      says: 'silence is silence, whoever waits',
      edits: [
        {
          file: SESSION,
          from: 'return this.#attempts.size > 0 ? this.#options.features.fastPing : undefined;',
          to: 'return undefined;',
        },
      ],
    },
  },
  {
    fault: 'a caller that takes nothing of a version 1 runner',
    promise: 'cut off after 30 s as `slow_consumer`, so that the runner’s other jobs go on',
    test: {
      file: GATEWAY,
      name: 'a caller that takes nothing of a version 1 runner for half a minute is cut, and the runner is read again',
    },
    mutation: {
      says: 'a caller may stand still for ever',
      edits: [
        { file: DISPATCHER, from: 'if (job.stalledMs > SLOW_CONSUMER_MS)', to: 'if (job.stalledMs < 0)' },
      ],
    },
  },
  {
    fault: 'a flood of frames that nothing comes of',
    promise: '4429, and nobody else notices',
    test: { file: GATEWAY, name: 'a flood of frames that nothing comes of ends its connection alone' },
    mutation: {
      says: 'such frames are free',
      edits: [{ file: GREETING, from: 'if (!this.#idleFrames.take())', to: 'if (!this.#idleFrames)' }],
    },
  },
  {
    fault: 'something that starts runners without end',
    promise: '1,024 sessions of one runner; 4429 beyond',
    test: { file: GATEWAY, name: 'one runner has so many sessions and not one more' },
    mutation: {
      says: 'sessions without number',
      edits: [{ file: GREETING, from: '>= MAX_SESSIONS_PER_RUNNER', to: '< 0' }],
    },
  },
  {
    fault: 'a runner lost while its answer is put together',
    promise: 'an answer of one text of which nothing has left begins again with another runner',
    test: {
      file: GATEWAY,
      name: 'an answer of which nothing has left begins again when its runner is lost, with no row of the first',
    },
    mutation: {
      says: 'what the gateway holds has been delivered',
      edits: [
        {
          file: 'src/gateway/dispatched-job.ts',
          from: 'this.delivered ||= this.request.whole !== true;',
          to: 'this.delivered = true;',
        },
      ],
    },
  },
  {
    fault: 'a driver that blocks the loop, a process that slept',
    promise: 'noticed when it is over, told apart, and said with how long it was',
    test: { file: LOOP, name: 'a loop that was held by work was blocked, one that was not slept' },
    mutation: {
      says: 'whatever it was, it was sleep',
      edits: [{ file: WATCH, from: 'else if (busyMs >= lateMs / 2)', to: 'else if (busyMs < 0)' }],
    },
  },
  {
    fault: 'a machine that was suspended',
    promise:
      'noticed by its wall clock; what was waited for is tried now, and whoever was connected is asked',
    test: { file: LOOP, name: 'a suspended machine is noticed by its wall clock' },
    mutation: {
      says: 'the wall clock is not looked at',
      edits: [{ file: WATCH, from: 'if (suspendedMs >= SUSPENDED_MS)', to: 'if (suspendedMs < -1)' }],
    },
  },
  {
    fault: 'any frame at all, at a gateway',
    promise: 'lived through, or closed for with its code; no growth, and no other job hurt',
    test: {
      file: FUZZ,
      name: 'fuzzed frames at a gateway: each is closed for or lived through, and the jobs beside are not hurt',
    },
    mutation: {
      says: 'a malformed frame is ignored',
      edits: [{ file: GREETING, from: 'return this.#close(CLOSE.malformed, error.reason);', to: 'return;' }],
    },
  },
  {
    fault: 'any frame at all, at a runner',
    promise: 'lived through, or closed for with its code; no growth, and the jobs beside are answered',
    test: {
      file: FUZZ,
      name: 'fuzzed frames at a runner: each is closed for or lived through, and the jobs beside are not hurt',
    },
    mutation: {
      says: 'a malformed frame is ignored',
      edits: [
        { file: 'src/runner/connection.ts', from: 'this.#close(CLOSE.malformed, error.reason);', to: '' },
      ],
    },
  },
];
