/** The only composition root: the real process, made into a Context, a command run in it, its exit status set. */
import { renderError, run } from './cli/program.ts';
import { createSignals } from './cli/signals.ts';
import { createOutput } from './output/create-output.ts';
import { systemClock } from './platform/clock.ts';
import { systemRandom } from './platform/random.ts';
import { VERSION } from './version.ts';

/** More than the last writes and closing handshakes take. */
const LINGER_MS = 2_000;

process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  // The reader has gone (`| head`): there is nobody left to tell.
  if (error.code === 'EPIPE') process.exit(process.exitCode ?? 0);
  lostBy(error.code ?? 'unknown error');
});
const endWithoutOutput = (code: string): void => {
  process.stderr.write(`error: stdout cannot be written (${code})\n`);
  process.exit(1);
};
let lostBy = endWithoutOutput;
// Where nobody hears what is said to them, the data is still wanted.
process.stderr.on('error', () => {});
let heardBy: (error: unknown) => void = error => void crash(error);
for (const event of ['uncaughtException', 'unhandledRejection'] as const) {
  process.on(event, error => heardBy(error));
}
let ended = false;
// With nothing left to wait for, Node would leave as if all were well.
process.once('beforeExit', () => {
  if (!ended) void crash(new Error('there is nothing left to wait for, and no result'));
});
const running = run(process.argv.slice(2), {
  env: process.env,
  cwd: process.cwd(),
  version: VERSION,
  // The `--` keeps Node from taking our `--env-file` for its own.
  self: [process.execPath, ...process.execArgv.filter(one => one !== '--'), '--', process.argv[1] ?? ''],
  streams: {
    // Opened where it is read: to make a stream of it takes milliseconds.
    get stdin() {
      return process.stdin;
    },
    stdout: process.stdout,
    stderr: process.stderr,
  },
  signals: createSignals(status => process.exit(status)),
  clock: systemClock,
  random: systemRandom,
  onStrayError: handler => {
    heardBy = handler;
    return () => {
      heardBy = error => void crash(error);
    };
  },
  onLostOutput: handler => {
    lostBy = handler;
    return () => {
      lostBy = endWithoutOutput;
    };
  },
  exitNow: status => process.exit(status),
});
// No top-level await: the program is bundled as CommonJS.
void running.then(status => {
  ended = true;
  process.exitCode = status;
  leave();
});

/** Ends the process that something else would keep alive: a bridge of somebody's that never lets go of its sockets. */
function leave(): void {
  setTimeout(() => {
    // What a slow reader has not taken yet is not cut off.
    if (process.stdout.writableLength + process.stderr.writableLength > 0) return leave();
    process.exit();
  }, LINGER_MS).unref();
}

/** A defect: what was thrown where nobody waited for it. */
async function crash(error: unknown): Promise<never> {
  const debug = process.argv.includes('--debug');
  const output = await createOutput({
    streams: process,
    env: process.env,
    global: { json: process.argv.includes('--json'), quiet: false, debug },
    now: Date.now,
  });
  process.exit(await renderError(error, output, { debug, version: VERSION }));
}
