/** A reader: the program of a child process that reads one SQLite file, for as long as a step takes, and can be killed. */
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { Worker } from 'node:worker_threads';
import { messageOf } from '../../../errors.ts';
import { SourceUnreachableError, UnsupportedOperatorError } from '../../bridge.ts';
import { isBusy } from '../connections.ts';
import { FileReader } from '../file-reader.ts';
import type { Question } from '../question.ts';
import { encodeFrame, type Failure, type Frame, READER_PROTOCOL, type Request } from './frames.ts';

/** A writer that holds the database is waited for this long. */
const BUSY_TIMEOUT_MS = 5_000;

/** File descriptor that closes when the runner has gone. */
const LIFELINE = 3;

/** In a thread of its own, because this one may be in the middle of a step when the runner goes. */
const WATCH = `const { Socket } = require('node:net');
  new Socket({ fd: ${LIFELINE} }).on('error', () => {}).on('close', () => process.kill(process.pid, 'SIGKILL')).resume();`;

// The terminal's Ctrl-C goes to every process of the group: the runner decides when its readers end.
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => {});
new Worker(WATCH, { eval: true, env: {} }).unref();

let reader: FileReader | undefined;
let stop = new AbortController();

await send({ type: 'ready', protocol: READER_PROTOCOL });
for await (const line of createInterface({ input: process.stdin })) {
  const request = JSON.parse(line) as Request;
  if (request.type === 'open')
    reader = new FileReader({ file: request.file, busyTimeoutMs: BUSY_TIMEOUT_MS });
  else if (request.type === 'stop') stop.abort(new Error('stopped'));
  else {
    stop = new AbortController();
    // Not awaited: a stop must be read while the answer is under way.
    void answer(request.question, stop.signal);
  }
}
process.exit();

async function answer(question: Question, signal: AbortSignal): Promise<void> {
  try {
    if (!reader) throw new Error('the reader was given no file');
    const answering = reader.answer(question, signal);
    for (;;) {
      const step = await answering.next();
      if (step.done) return await send({ type: 'answer', answer: step.value });
      await send({ type: 'lines', ...step.value });
    }
  } catch (error) {
    await send({ type: 'failure', failure: failureOf(error) });
  }
}

function failureOf(error: unknown): Failure {
  if (isBusy(error)) {
    return {
      unreachable: true,
      message: `another program has kept the database locked for ${BUSY_TIMEOUT_MS / 1_000} seconds`,
    };
  }
  const { code } = error as { code?: unknown };
  return {
    unreachable: error instanceof SourceUnreachableError,
    ...(error instanceof UnsupportedOperatorError
      ? { unsupported: { op: error.op, target: error.target } }
      : {}),
    ...(typeof code === 'string' ? { code } : {}),
    message: messageOf(error),
  };
}

/** Resolves when there is room for more: the runner takes no faster than its caller. */
async function send(frame: Frame): Promise<void> {
  const parts = encodeFrame(frame);
  process.stdout.cork();
  const room = parts.map(part => process.stdout.write(part)).at(-1);
  process.stdout.uncork();
  if (!room) await once(process.stdout, 'drain');
}
