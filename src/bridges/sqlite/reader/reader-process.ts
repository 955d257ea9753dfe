/** One reader process, from the runner's side: a question at a time, stopped gently or, where that fails, killed. */
import { type ChildProcess, spawn } from 'node:child_process';
import type { Socket } from 'node:net';
import type { Readable, Writable } from 'node:stream';
import { bufferGarbage } from '../../../platform/buffer-garbage.ts';
import type { Clock } from '../../../platform/clock.ts';
import { SourceUnreachableError, UnsupportedOperatorError } from '../../bridge.ts';
import { BRIDGE_NAME } from '../bridge-name.ts';
import type { Answering, Question } from '../question.ts';
import {
  encodeRequest,
  type Failure,
  type Frame,
  FrameDecoder,
  READER_PROTOCOL,
  type Request,
} from './frames.ts';
import type { ReaderProgram } from './program.ts';

/** A reader that is between batches stops within a millisecond; one that does not is in the middle of a long step. */
const STOP_TIMEOUT_MS = 150;

/** The reader on disk is not the one this program was made with, or does not start: its source is read here instead. */
export class ReaderUnusableError extends Error {
  override readonly name = 'ReaderUnusableError';
}

export class ReaderProcess {
  readonly #child: ChildProcess;
  readonly #clock: Clock;
  readonly #decoder = new FrameDecoder();
  /** Resolves with how the process ended. */
  readonly #gone: Promise<string>;
  #wake = (): void => {};
  #alive = true;
  #ready = false;

  constructor(program: ReaderProgram, file: string, clock: Clock) {
    const { args, cwd, env } = program;
    this.#clock = clock;
    this.#child = spawn(process.execPath, args, {
      cwd,
      env,
      // The last is the reader's lifeline: it closes with this process, however that ends.
      stdio: ['pipe', 'pipe', 'ignore', 'pipe'],
      windowsHide: true,
    });
    this.#gone = new Promise(resolve => {
      this.#child.once('error', error => resolve(error.message));
      // Not `close`: that waits until everything it wrote was read.
      this.#child.once('exit', (code, signal) => resolve(signal ?? `status ${code}`));
    });
    void this.#gone.then(() => {
      this.#alive = false;
      this.#wake();
    });
    // Out of file descriptors there are no pipes at all.
    if (!this.#child.stdout) throw new ReaderUnusableError('the reader could not be started');
    for (const event of ['readable', 'end', 'close']) this.#stdout.on(event, () => this.#wake());
    for (const stream of this.#streams) stream.on('error', () => {});
    this.#send({ type: 'open', file });
    this.#hold(false);
  }

  /** Whether it can be asked. */
  get alive(): boolean {
    return this.#alive;
  }

  /**
   * One question; the process can be asked the next when the answer has ended, however it did.
   *
   * @throws SourceUnreachableError, ReaderUnusableError, or Error with the database's message.
   */
  async *ask(question: Question, signal: AbortSignal): Answering {
    let ended = false;
    this.#hold(true);
    try {
      signal.throwIfAborted();
      this.#send({ type: 'ask', question });
      for (;;) {
        const frame = await this.#next(signal);
        if (frame.type === 'lines') yield frame;
        else if (frame.type === 'ready') this.#greet(frame.protocol);
        else {
          ended = true;
          if (frame.type === 'answer') return frame.answer;
          throw thrownFor(frame.failure);
        }
      }
    } finally {
      if (!ended) await this.#stop();
      this.#hold(false);
    }
  }

  /** Ends the process at once; resolves when it is gone, and with it its locks. It only ever read. */
  async kill(): Promise<void> {
    this.#alive = false;
    this.#child.ref();
    this.#child.kill('SIGKILL');
    await this.#gone;
    for (const stream of this.#streams) stream.destroy();
  }

  #greet(protocol: number): void {
    if (protocol !== READER_PROTOCOL) throw new ReaderUnusableError('the reader is of another version');
    this.#ready = true;
  }

  /** @throws the signal's reason as soon as it aborts. */
  async #next(signal: AbortSignal): Promise<Frame> {
    for (;;) {
      signal.throwIfAborted();
      const frame = this.#take();
      if (frame) return frame;
      if (this.#stdout.readableEnded || this.#stdout.destroyed) {
        const how = await this.#gone;
        if (!this.#ready) throw new ReaderUnusableError(`the reader did not start: ${how}`);
        throw new Error(`the process that reads the database ended unexpectedly (${how})`);
      }
      await this.#more(signal);
    }
  }

  #take(): Frame | undefined {
    for (;;) {
      const frame = this.#decoder.next();
      if (frame) return frame;
      // Read only when a frame is wanted: what is not read waits in the pipe, and the reader with it.
      const chunk = this.#stdout.read() as Buffer | null;
      if (chunk === null) return undefined;
      this.#decoder.push(chunk);
      bufferGarbage.passedOn(chunk.length);
    }
  }

  /** Resolves when there may be more to read, or nothing ever again. */
  #more(signal: AbortSignal): Promise<void> {
    return new Promise(resolve => {
      const done = (): void => {
        signal.removeEventListener('abort', done);
        this.#wake = () => {};
        resolve();
      };
      this.#wake = done;
      signal.addEventListener('abort', done, { once: true });
    });
  }

  /** Has the reader stop at its next batch; one that is in a longer step than that is killed. */
  async #stop(): Promise<void> {
    if (!this.#ready || !this.#alive) return await this.kill();
    const patience = new AbortController();
    const cancel = this.#clock.after(STOP_TIMEOUT_MS, () => patience.abort());
    this.#send({ type: 'stop' });
    try {
      for (;;) {
        const { type } = await this.#next(patience.signal);
        if (type === 'answer' || type === 'failure') return;
      }
    } catch {
      await this.kill();
    } finally {
      cancel();
    }
  }

  #send(request: Request): void {
    (this.#child.stdin as Writable).write(encodeRequest(request));
  }

  /** Only a question under way keeps this process from ending. */
  #hold(held: boolean): void {
    for (const one of [this.#child, ...this.#streams] as Pick<Socket, 'ref' | 'unref'>[]) {
      if (held) one.ref();
      else one.unref();
    }
  }

  get #stdout(): Readable {
    return this.#child.stdout as Readable;
  }

  get #streams(): Socket[] {
    return this.#child.stdio.filter(stream => stream !== null && stream !== undefined) as unknown as Socket[];
  }
}

function thrownFor({ unreachable, unsupported, code, message }: Failure): Error {
  if (unsupported) return new UnsupportedOperatorError({ ...unsupported, bridge: BRIDGE_NAME });
  if (unreachable) return new SourceUnreachableError(message);
  return Object.assign(new Error(message), code === undefined ? {} : { code });
}
