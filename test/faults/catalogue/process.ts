/** Faults of processes and of what they keep on disks. */
import type { Fault } from './fault.ts';

const KILLS = 'test/faults/kill-points.test.ts';
const file = 'test/faults/process.test.ts';
const DISPATCHER = 'src/gateway/job-dispatcher.ts';
const SQLITE_FILE = 'src/store/sqlite-file.ts';
const SIGNALS = 'signals: idle is 0, a drain in time is 0, the second is 130, grace over is 124';
const LOST = 'lost: reason => this.#move(';

export const process: Fault[] = [
  {
    fault: 'SIGTERM mid-job',
    promise: 'the job ends within the grace period; else it is cancelled, and the status is 124',
    test: { file: 'test/e2e/run.test.ts', name: SIGNALS },
    mutation: {
      says: 'a drain that was cut short is called complete',
      built: true,
      edits: [
        { file: 'src/runner/leave.ts', from: 'return { drained: false,', to: 'return { drained: true,' },
      ],
    },
  },
  {
    fault: 'Ctrl-C once, twice',
    promise: 'drain; cancel and tell the gateway, 130',
    test: { file: 'test/e2e/run.test.ts', name: SIGNALS },
    mutation: {
      says: 'the second is like the first',
      built: true,
      edits: [
        {
          file: 'src/commands/run-signals.ts',
          from: 'if (this.#count === 1) {',
          to: 'if (this.#count > 0) {',
        },
      ],
    },
  },
  {
    fault: 'Ctrl-C three times',
    promise: 'leave at once, whatever hangs: 130, and 143 after SIGTERM',
    test: {
      file: 'test/commands/run-signals.test.ts',
      name: 'SIGINT: the third leaves at once, where neither draining nor cancelling has come to an end',
    },
    mutation: {
      says: 'the third is like the second',
      edits: [
        {
          file: 'src/commands/run-signals.ts',
          from: 'if (this.#count > 2 || ',
          to: 'if (',
        },
      ],
    },
  },
  {
    fault: 'kill -9 of a runner at accept',
    promise: 'the job is moved, at most twice, within its deadline',
    test: { file: KILLS, name: 'kill -9 of a runner at accept, whose message arrives' },
    mutation: {
      says: 'a job whose runner is lost fails',
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
    fault: 'kill -9 of a runner at the first row',
    promise: 'what the caller has begun to see is not begun again by another: one stream',
    test: { file: KILLS, name: 'kill -9 of a runner at first row, whose message arrives' },
    mutation: {
      says: 'a job is moved after its first rows',
      edits: [{ file: DISPATCHER, from: 'if (job.delivered || ', to: 'if (' }],
    },
  },
  {
    fault: 'kill -9 of a runner at the last row',
    promise: 'rows without their ending are not complete, and the caller is told',
    test: { file: KILLS, name: 'kill -9 of a runner at last row, whose message arrives' },
    mutation: {
      says: 'the end of the connection is the end of the rows',
      edits: [
        {
          file: DISPATCHER,
          from: LOST,
          to: 'lost: reason => job.delivered ? job.succeed(undefined, session.runnerId) : this.#move(',
        },
      ],
    },
  },
  {
    fault: 'kill -9 of a runner at done',
    promise: 'complete when the ending has arrived, told otherwise when it has not',
    test: { file: KILLS, name: 'kill -9 of a runner at done, whose message is lost' },
    mutation: {
      says: 'the end of the connection is the end of the rows',
      edits: [
        {
          file: DISPATCHER,
          from: LOST,
          to: 'lost: reason => job.delivered ? job.succeed(undefined, session.runnerId) : this.#move(',
        },
      ],
    },
  },
  {
    fault: 'kill -9 of the gateway at every database write',
    promise: 'a change is whole or not at all, and there once it was acknowledged',
    test: {
      file: 'test/faults/store-kill.test.ts',
      name: 'kill -9 at every database write: each change is whole or not at all, and there once it was acknowledged',
    },
    mutation: {
      says: 'changes are written before their transaction',
      built: true,
      edits: [
        {
          file: SQLITE_FILE,
          from: "this.#guarded(() => this.#database.exec('BEGIN IMMEDIATE'));\n",
          to: '\n',
        },
        {
          file: SQLITE_FILE,
          from: 'const result = change();\n',
          to: "const result = change();\n      this.#database.exec('BEGIN IMMEDIATE');\n",
        },
      ],
    },
  },
  {
    fault: 'kill -9 of the gateway at any moment',
    promise: 'no acknowledged record is lost',
    test: {
      file: 'test/faults/store-kill.test.ts',
      name: 'kill -9 at any moment while records are created, rotated and assigned: nothing acknowledged is lost',
    },
    mutation: {
      says: 'acknowledged at once, committed a little later',
      built: true,
      edits: [
        {
          file: SQLITE_FILE,
          from: "this.#guarded(() => this.#database.exec('BEGIN IMMEDIATE'));\n",
          to: "try { this.#database.exec('BEGIN IMMEDIATE'); } catch {}\n",
        },
        {
          file: SQLITE_FILE,
          from: "this.#guarded(() => this.#database.exec('COMMIT'));",
          to: "setTimeout(() => { try { this.#database.exec('COMMIT'); } catch {} }, 40);",
        },
      ],
    },
  },
  {
    fault: 'ten million rows',
    promise: 'memory is flat on either side (figures: `bench/memory.mjs`)',
    test: {
      file: 'test/faults/network.test.ts',
      name: 'slow caller: only what it can hold is read from the database, and the other jobs do not wait',
    },
    mutation: {
      says: 'credit is granted before the caller has taken anything',
      edits: [
        {
          file: 'src/gateway/dispatched-job.ts',
          from: 'this.#queue.push({ batch, bytes });',
          to: 'this.#queue.push({ batch, bytes }); attempt?.session.drained(attempt.wireId, bytes);',
        },
      ],
    },
  },
  {
    fault: 'an event loop blocked for a minute',
    promise:
      'its jobs are with another: in 2 s those that it had not taken, in 7 s, when the link is found dead, the others; and nobody else’s wait',
    test: {
      file,
      name: "an event loop blocked for a minute: a job not taken moves in 2 s, the link is dead in 7 s, what comes late is nobody's",
    },
    mutation: {
      says: 'a ping that is sent is taken for an answer',
      edits: [
        {
          file: 'src/protocol/liveness.ts',
          from: 'this.#pingedAt = now;\n      ping();',
          to: 'this.#heardAt = now;\n      ping();',
        },
      ],
    },
  },
  {
    fault: 'a gateway that stood still for seconds',
    promise: 'what its runners said meanwhile is read before one is called late: no job is moved for it',
    test: {
      file: 'test/gateway/beyond-version-1.test.ts',
      name: 'a gateway that stood still reads what came meanwhile before it says that a job was not taken',
    },
    mutation: {
      says: 'its own lateness is laid to its runners',
      edits: [{ file: 'src/gateway/job-dispatcher.ts', from: 'if (sinceMs > WATCH_MS * 2) return;', to: '' }],
    },
  },
  {
    fault: 'a hello that came while the gateway stood still',
    promise: 'answered, however late it is read',
    test: {
      file: 'test/gateway/beyond-version-1.test.ts',
      name: 'a hello that came while the gateway stood still is answered, however late it is',
    },
    mutation: {
      says: 'the time is over before what came is read',
      edits: [
        {
          file: 'src/gateway/greeting.ts',
          from: 'setImmediate(() => {\n        if (!this.#helloSeen)',
          to: 'queueMicrotask(() => {\n        if (!this.#helloSeen)',
        },
      ],
    },
  },
  {
    fault: 'a gateway that stops while somebody has dialled and said nothing',
    promise: 'sent away with the sessions: 1001, and nothing is waited for',
    test: {
      file: 'test/gateway/leaving.test.ts',
      name: 'a connection that has not said hello is sent away with the sessions, not waited for',
    },
    mutation: {
      says: 'only sessions are sent away',
      edits: [{ file: 'src/gateway/gateway.ts', from: 'this.#endpoint.goAway();', to: '' }],
    },
  },
  {
    fault: 'a hello that crosses with the leaving of its gateway',
    promise: '1001, and no session that nobody would end',
    test: {
      file: 'test/gateway/leaving.test.ts',
      name: 'a hello that is being answered while the gateway leaves becomes no session',
    },
    mutation: {
      says: 'whether the gateway leaves is asked once',
      edits: [
        {
          file: 'src/gateway/greeting.ts',
          from: 'if (!accepting()) return this.goAway();\n    // In the',
          to: '// In the',
        },
      ],
    },
  },
  {
    fault: 'SIGSTOP after the first rows',
    promise: 'in 7 s the caller is told that they are not all, and how many there are',
    test: {
      file,
      name: 'SIGSTOP after the first rows: the link is dead in 7 s, and the caller told that they are not all',
    },
    mutation: {
      says: 'a link with a job under way has the time of an idle one',
      edits: [
        {
          file: 'src/gateway/runner-session.ts',
          from: 'return this.#attempts.size > 0 ? this.#options.features.fastPing : undefined;',
          to: 'return undefined;',
        },
      ],
    },
  },
  {
    fault: 'SIGSTOP for a minute',
    promise:
      'its jobs are with another as above; what it says when it wakes is nobody’s, and it is back at once',
    test: {
      file,
      name: "SIGSTOP for a minute: a job not taken moves in 2 s, the link is dead in 7 s, what comes late is nobody's",
    },
    mutation: {
      says: 'a session that was given up is not taken out',
      edits: [
        {
          file: 'src/gateway/greeting.ts',
          from: 'session.close(code, reason);\n      this.#options.sessions.remove(session);',
          to: '',
        },
      ],
    },
  },
  {
    fault: 'a driver that throws',
    promise: 'its job fails, once; what it throws later is heard by nobody',
    test: {
      file: 'test/runner/bridges.test.ts',
      name: 'a bridge that fails after its job is over is heard by nobody',
    },
    mutation: {
      says: 'the work is not listened to once the job is over',
      edits: [
        {
          file: 'src/runner/job-table.ts',
          from: 'const meta = await work;',
          to: 'const meta = await new Promise<Awaited<typeof work>>(done => { work.then(done); });',
        },
      ],
    },
  },
  {
    fault: 'a caller that leaves',
    promise: 'the runner is told at once, and its slot is free when the job has ended there',
    test: {
      file: 'test/gateway/dispatcher.test.ts',
      name: 'a caller that leaves cancels its job, and the slot is free when the runner has ended it',
    },
    mutation: {
      says: 'the caller is not watched',
      edits: [{ file: 'src/gateway/http/stream-job.ts', from: "response.on('close', gone);", to: '' }],
    },
  },
  {
    fault: 'disk full under the gateway',
    promise: '503, nothing acknowledged that is not there; reading goes on',
    test: {
      file: 'test/faults/input.test.ts',
      name: 'disk full: 503 and nothing acknowledged that is not there, reading goes on, and a start with room has it all',
    },
    mutation: {
      says: 'a commit that failed is taken for one',
      built: true,
      edits: [
        {
          file: SQLITE_FILE,
          from: "this.#guarded(() => this.#database.exec('COMMIT'));",
          to: "try { this.#database.exec('COMMIT'); } catch { this.#database.exec('ROLLBACK'); }",
        },
      ],
    },
  },
  {
    fault: 'disk full under a ledger',
    promise: 'jobs stop or go on, as told; it is said once; the ledger holds when there is room again',
    test: {
      file: 'test/runner/ledger/ledger.test.ts',
      name: 'a full disk: jobs stop, it is said once, and the ledger holds when there is room again',
    },
    mutation: {
      says: 'a job begins before its record is written',
      edits: [
        {
          file: 'src/runner/job-table.ts',
          from: 'ledger.start(frame).then(answer)',
          to: '(void ledger.start(frame).catch(() => {}), answer())',
        },
      ],
    },
  },
  {
    fault: 'home read-only',
    promise: 'the environment is enough; what needs a file says so',
    test: {
      file: 'test/commands/settings.test.ts',
      name: 'where no config can be kept the environment is enough, and what needs one says so',
    },
    mutation: {
      says: 'a config that cannot be is an error',
      edits: [
        {
          file: 'src/config/user-config.ts',
          from: "if (code === 'ENOENT' || code === 'ENOTDIR') return EMPTY;",
          to: "if (code === 'ENOENT') return EMPTY;",
        },
      ],
    },
  },
  {
    fault: 'config cut short or bit-flipped',
    promise: 'set aside under a name that is told, never written over',
    test: {
      file: 'test/config/contexts.test.ts',
      name: 'a damaged config file is set aside and named, never written over',
    },
    mutation: {
      says: 'a damaged file is an empty one',
      edits: [
        {
          file: 'src/config/user-config.ts',
          from: 'const aside = setAside(path);',
          to: 'const aside = path; if (aside) return EMPTY;',
        },
      ],
    },
  },
  {
    fault: 'SQLite file cut short or bit-flipped',
    promise: '`store_corrupt`, and the file stays byte for byte as it was',
    test: {
      file: 'test/store/store.test.ts',
      name: 'a damaged or newer file is left byte for byte as it was',
    },
    mutation: {
      says: 'the file is not looked at before it is opened',
      edits: [{ file: SQLITE_FILE, from: 'if (!isNew) await refuseUnfit(path);', to: '' }],
    },
  },
  {
    fault: 'two gateways on one data directory',
    promise: 'the second is refused with status 5, and the first goes on',
    test: {
      file: 'test/store/crash.test.ts',
      name: 'a second gateway on the same directory is refused, and the first goes on',
    },
    mutation: {
      says: 'the lock is not looked at',
      built: true,
      edits: [
        {
          file: 'src/store/data-directory.ts',
          from: 'if (lock) return lock;',
          to: 'return lock ?? { release() {} };',
        },
      ],
    },
  },
];
