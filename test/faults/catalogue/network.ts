/** Faults of networks. */
import type { Fault } from './fault.ts';

const file = 'test/faults/network.test.ts';
const DISPATCHER = 'src/gateway/job-dispatcher.ts';

export const network: Fault[] = [
  {
    fault: 'half-open link',
    promise:
      'a job that was not taken is with a survivor in 2 s, one of which no row has reached its caller in 7 s; a side that knows of no job finds the link in 12 s',
    test: {
      file,
      name: 'half-open link: a job not taken moves in 2 s, the gateway finds the link in 7 s, an idle runner in 12 s',
    },
    mutation: {
      says: 'silence ends nothing for two minutes',
      edits: [
        {
          file: 'src/protocol/liveness.ts',
          from: 'if (leftMs <= 0) {',
          to: 'if (leftMs <= -120_000) {',
        },
      ],
    },
  },
  {
    fault: 'gateway killed',
    promise:
      'the caller sees an answer that does not end as it should; runners are back when it listens again',
    test: {
      file: 'test/faults/kill-points.test.ts',
      name: 'kill -9 of the gateway at accept, first row, last row and done: the caller can tell, and all is back',
    },
    mutation: {
      says: 'a gateway that cannot be reached is given up',
      built: true,
      edits: [
        {
          file: 'src/runner/ending.ts',
          from: "if (ending.kind === 'unreachable') return backoff;",
          to: "if (ending.kind === 'unreachable') return { do: 'stop', code: 1006, reason };",
        },
      ],
    },
  },
  {
    fault: 'a gateway that hangs: it takes connections and greets nobody',
    promise: 'dialled again for as long as it does; no runner gives up over it',
    test: {
      file,
      name: 'a gateway that takes connections and greets nobody is dialled for as long as it does',
    },
    mutation: {
      says: 'to say nothing is to say something wrong',
      edits: [
        {
          file: 'src/runner/connection.ts',
          from: "this.#close(CLOSE.nothingHeard, 'no hello-ack')",
          to: "this.#close(CLOSE.malformed, 'no hello-ack')",
        },
      ],
    },
  },
  {
    fault: 'a gateway restarted under its runners',
    promise: 'all are back within 10 s of its listening again, and answer (figures: `bench/storm.mjs`)',
    test: {
      file: 'test/faults/storm.test.ts',
      name: 'sixty runners of one process are back when their gateway listens again, and answer',
    },
    mutation: {
      says: 'one attempt in half a minute',
      edits: [
        {
          file: 'src/runner/ending.ts',
          from: 'return Math.round(fraction * Math.min(',
          to: 'return 30_000 + Math.round(fraction * Math.min(',
        },
      ],
    },
  },
  {
    fault: 'a thousand runners back at once',
    promise: 'each waits a random part of its backoff; all are back (figures: `bench/storm.mjs`)',
    test: {
      file: 'test/runner/ending.test.ts',
      name: 'backoff is full jitter: from nothing to 250 ms doubled, 3 s for five minutes, then 30 s',
    },
    mutation: {
      says: 'no jitter',
      edits: [
        {
          file: 'src/runner/ending.ts',
          from: 'return Math.round(fraction * Math.min(',
          to: 'return Math.round(1 * Math.min(',
        },
      ],
    },
  },
  {
    fault: 'idle cut at 60 s',
    promise: 'an idle link is asked after 8 s of silence and never idle for a minute',
    test: { file, name: 'idle cut at 60 s: an idle link is never silent for so long' },
    mutation: {
      says: 'no ping after silence',
      edits: [
        {
          file: 'src/protocol/liveness.ts',
          from: 'this.#pingedAt = now;\n      ping();',
          to: 'this.#pingedAt = now;',
        },
      ],
    },
  },
  {
    fault: 'slow caller',
    promise: 'the cursor is read only as the caller takes; memory is flat; other jobs do not wait',
    test: {
      file,
      name: 'slow caller: only what it can hold is read from the database, and the other jobs do not wait',
    },
    mutation: {
      says: 'credit is not waited for',
      edits: [
        {
          file: 'src/runner/credit.ts',
          from: 'if (this.#mayBeSent || abort.aborted) return undefined;',
          to: 'if (this.#bytes > -1e12 || abort.aborted) return undefined;',
        },
      ],
    },
  },
  {
    fault: 'slow caller of a version 1 runner',
    promise: 'what it may hold is bounded: then its socket is left unread, and liveness is suspended',
    test: {
      file: 'test/gateway/dispatcher.test.ts',
      name: 'a version 1 runner whose caller does not read is not read either, and goes on when the caller does',
    },
    mutation: {
      says: 'the socket is read whatever waits',
      edits: [
        {
          file: 'src/gateway/dispatched-job.ts',
          from: 'if (attempt && this.#queuedBytes > STALL_BYTES &&',
          to: 'if (attempt && this.#queuedBytes < 0 &&',
        },
      ],
    },
  },
  {
    fault: 'slow uplink of one runner',
    promise: 'its rows are late, and nobody else’s: jobs go to the session with the fewest in flight',
    test: { file, name: 'slow uplink of one runner: its own rows alone are late' },
    mutation: {
      says: 'jobs go to the session with the most in flight',
      edits: [
        {
          file: 'src/gateway/least-in-flight.ts',
          from: 'if (load < least) {',
          to: 'if (load > least || !best) {',
        },
      ],
    },
  },
  {
    fault: 'reset mid-row, before the first whole rows',
    promise: 'a survivor answers; half a row is nowhere',
    test: {
      file,
      name: 'reset mid-row, before the first whole rows: a survivor answers, and half a row is nowhere',
    },
    mutation: {
      says: 'a job is never moved',
      edits: [
        {
          file: DISPATCHER,
          from: 'job.delivered || job.moves >= MAX_MOVES',
          to: 'job.delivered || job.moves >= 0',
        },
      ],
    },
  },
  {
    fault: 'reset mid-row, after the first rows',
    promise: 'the rows are a prefix, a last line says so and how many, and the answer does not end cleanly',
    test: {
      file,
      name: 'reset mid-row, after the first rows: what came is a prefix, and the caller is told that it is',
    },
    mutation: {
      says: 'an answer that failed ends like one that did not',
      edits: [
        {
          file: 'src/gateway/http/stream-job.ts',
          from: '() => response.socket?.destroySoon())',
          to: '() => response.end())',
        },
      ],
    },
  },
  {
    fault: 'TCP in 1-byte slices',
    promise: 'every frame is whole where it arrives, and half of one is a sign of life',
    test: { file, name: 'TCP in 1-byte slices: every frame is whole where it arrives' },
    mutation: {
      says: 'bytes are taken for messages',
      edits: [
        {
          file: 'src/runner/dial.ts',
          from: "socket.on('ping', () => handlers.heard());",
          to: "socket.on('upgrade', response => response.socket.on('data', (part: Buffer) => handlers.text(part.toString())));",
        },
      ],
    },
  },
  {
    fault: 'DNS change',
    promise: 'the name is looked up for every dial',
    test: { file, name: 'DNS change: the name is asked again for every dial' },
    mutation: {
      says: 'an address found once is kept',
      edits: [
        {
          file: 'src/runner/dial.ts',
          from: 'followRedirects: false,',
          to: "followRedirects: false, lookup: (name, options, found) => { const kept = (globalThis as Record<string, unknown>).kept as never; if (kept) found(null, kept); else process.getBuiltinModule('node:dns').lookup(name, options, (error, address) => { (globalThis as Record<string, unknown>).kept = address; found(error, address as never); }); },",
        },
      ],
    },
  },
  {
    fault: 'expired, untrusted or wrong-host certificate',
    promise: 'named for what it is, tried again, and the token is not shown to it',
    test: {
      file,
      name: 'expired, untrusted or wrong-host certificate: named, tried again, and no token is shown to it',
    },
    mutation: {
      says: 'certificates are not verified',
      edits: [
        {
          file: 'src/runner/dial.ts',
          from: 'followRedirects: false,',
          to: 'followRedirects: false, rejectUnauthorized: false,',
        },
      ],
    },
  },
  {
    fault: 'clock jump',
    promise: 'deadlines and silences are measured on a clock that nobody sets',
    test: { file, name: 'clock jump: an hour forward or back takes nothing from a job, nor gives it more' },
    mutation: {
      says: 'deadlines by the wall clock',
      edits: [
        {
          file: DISPATCHER,
          from: 'clock.monotonic() - job.submittedAt',
          to: 'clock.now() - job.createdAt',
        },
      ],
    },
  },
  {
    fault: '407, redirect or HTML instead of an upgrade',
    promise: 'named for what it is; the token follows no redirect',
    test: {
      file: 'test/runner/runner.test.ts',
      name: 'what answers instead of a gateway is named, and the token follows no redirect',
    },
    mutation: {
      says: 'redirects are followed',
      edits: [{ file: 'src/runner/dial.ts', from: 'followRedirects: false,', to: 'followRedirects: true,' }],
    },
  },
];
