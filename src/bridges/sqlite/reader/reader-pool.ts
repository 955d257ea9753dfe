/** The reader processes of one source: started when they are needed, kept for a while, a few at most. */
import type { CancelTimer, Clock } from '../../../platform/clock.ts';
import type { PoolUse } from '../../bridge.ts';
import { Slots } from '../../slots.ts';
import type { Answering, Question } from '../question.ts';
import type { ReaderProgram } from './program.ts';
import { ReaderProcess } from './reader-process.ts';

/** Each is a process with its memory. More questions than this at once wait: they would only share the same disk. */
export const MAX_READERS = 8;
/** A steady load keeps its readers, a single question does not hold memory for long. */
const IDLE_MS = 10_000;

export interface ReaderPoolOptions {
  program: ReaderProgram;
  file: string;
  clock: Clock;
}

interface Idle {
  reader: ReaderProcess;
  cancel: CancelTimer;
}

export class ReaderPool {
  readonly #options: ReaderPoolOptions;
  /** The last one given back is the first one used. */
  readonly #idle: Idle[] = [];
  readonly #slots = new Slots(MAX_READERS);
  #closed = false;

  constructor(options: ReaderPoolOptions) {
    this.#options = options;
  }

  get use(): PoolUse {
    return this.#slots.use;
  }

  async *ask(question: Question, signal: AbortSignal): Answering {
    await this.#slots.take(signal);
    let reader: ReaderProcess | undefined;
    try {
      reader = this.#take();
      return yield* reader.ask(question, signal);
    } finally {
      // First back among the idle, so that the next in turn finds it there.
      const given = reader && this.#give(reader);
      this.#slots.give();
      await given;
    }
  }

  /** Ends the readers that have nothing to do; the others end with their question. */
  async close(): Promise<void> {
    this.#closed = true;
    await Promise.all(this.#idle.splice(0).map(idle => end(idle)));
  }

  #take(): ReaderProcess {
    for (let idle = this.#idle.pop(); idle; idle = this.#idle.pop()) {
      idle.cancel();
      if (idle.reader.alive) return idle.reader;
    }
    const { program, file, clock } = this.#options;
    return new ReaderProcess(program, file, clock);
  }

  async #give(reader: ReaderProcess): Promise<void> {
    if (!reader.alive) return;
    if (this.#closed) return await reader.kill();
    const idle: Idle = {
      reader,
      cancel: this.#options.clock.after(IDLE_MS, () => {
        const at = this.#idle.indexOf(idle);
        if (at >= 0) void end(this.#idle.splice(at, 1)[0] as Idle);
      }),
    };
    this.#idle.push(idle);
  }
}

async function end(idle: Idle): Promise<void> {
  idle.cancel();
  await idle.reader.kill();
}
