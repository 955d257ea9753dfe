/** One command line run in this process, with streams that remember and an environment of its own. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { clearLine, cursorTo, type Direction, moveCursor } from 'node:readline';
import { PassThrough, Readable } from 'node:stream';
import type { TestContext } from 'node:test';
import type { SignalName } from '../../src/cli/context.ts';
import { run } from '../../src/cli/program.ts';
import type { Clock } from '../../src/platform/clock.ts';
import { systemClock } from '../../src/platform/clock.ts';
import { systemRandom } from '../../src/platform/random.ts';

export interface Outcome {
  status: number;
  stdout: string;
  stderr: string;
}

export interface RunOptions {
  /** What there is to read; a stream may stay open. */
  stdin?: string | Readable;
  /** Which streams are terminals; none, unless told otherwise. */
  terminal?: ('stdin' | 'stdout' | 'stderr')[];
  /** Width of the terminals; 200 unless given. */
  columns?: number;
  env?: Record<string, string>;
  clock?: Clock;
  cwd?: string;
  /** Called with each piece as it comes out. */
  onStdout?: (text: string) => void;
}

export class CommandLine {
  readonly directory: string;
  env: Record<string, string>;
  #listening: (() => void)[] = [];
  readonly #handlers = new Map<SignalName, Set<(name: SignalName) => void>>();

  constructor(directory: string) {
    this.directory = directory;
    this.env = { SEMILAYER_CONFIG_DIR: join(directory, 'config'), HOME: directory };
  }

  /** A command line in a temporary directory, removed after the test. */
  static async create(t: TestContext): Promise<CommandLine> {
    const directory = await mkdtemp(join(tmpdir(), 'semilayer-test-'));
    t.after(() => rm(directory, { recursive: true, force: true }));
    return new CommandLine(directory);
  }

  /** Resolves when a command listens for this signal. */
  async listensFor(name: SignalName): Promise<void> {
    while (!this.#handlers.get(name)?.size) {
      await new Promise<void>(resolve => this.#listening.push(resolve));
    }
  }

  signal(name: SignalName): void {
    for (const handler of [...(this.#handlers.get(name) ?? [])]) handler(name);
  }

  async run(args: string[], options: RunOptions = {}): Promise<Outcome> {
    const terminal = new Set(options.terminal);
    const stdout = sink(terminal.has('stdout'), options.columns, options.onStdout);
    const keyboard = new PassThrough();
    const given = options.stdin ?? '';
    let asked = false;
    // A person answers what was asked, and leaves the terminal open.
    const stderr = sink(terminal.has('stderr'), options.columns, () => {
      if (!asked && typeof given === 'string') setImmediate(() => keyboard.write(given));
      asked = true;
    });
    const source = typeof given === 'string' ? Readable.from([given]) : given;
    const stdin = Object.assign(terminal.has('stdin') && typeof given === 'string' ? keyboard : source, {
      isTTY: terminal.has('stdin'),
    });
    const status = await run(args, {
      env: { ...this.env, ...options.env },
      cwd: options.cwd ?? this.directory,
      version: '1.2.3',
      self: [],
      streams: {
        stdin: stdin as unknown as NodeJS.ReadStream,
        stdout: stdout.stream as unknown as NodeJS.WriteStream,
        stderr: stderr.stream as unknown as NodeJS.WriteStream,
      },
      signals: {
        on: (names, handler) => {
          for (const name of names) {
            const known = this.#handlers.get(name) ?? new Set();
            this.#handlers.set(name, known.add(handler));
          }
          for (const resolve of this.#listening.splice(0)) resolve();
          return () => {
            for (const name of names) this.#handlers.get(name)?.delete(handler);
          };
        },
      },
      clock: options.clock ?? systemClock,
      random: systemRandom,
      onStrayError: () => () => {},
      onLostOutput: () => () => {},
      exitNow: code => {
        throw new Error(`left at once with ${code}`);
      },
    });
    return { status, stdout: stdout.text(), stderr: stderr.text() };
  }
}

function sink(
  isTTY: boolean,
  columns = 200,
  heard: (text: string) => void = () => {},
): { stream: PassThrough; text: () => string } {
  const plain = new PassThrough();
  const stream = Object.assign(plain, {
    isTTY,
    columns,
    // As a terminal's stream has them.
    cursorTo: (x: number) => cursorTo(plain, x),
    moveCursor: (dx: number, dy: number) => moveCursor(plain, dx, dy),
    clearLine: (dir: Direction) => clearLine(plain, dir),
  });
  let text = '';
  stream.setEncoding('utf8').on('data', chunk => {
    text += chunk;
    heard(chunk);
  });
  return {
    stream,
    text: () => {
      for (let chunk = stream.read(); chunk !== null; chunk = stream.read()) text += chunk;
      return text;
    },
  };
}
