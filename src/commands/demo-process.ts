/** A child process of the demo: this same program, its lines watched. */
import { type ChildProcess, spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { AppError } from '../errors.ts';

export interface Finished {
  stdout: string;
  status: number | null;
}

interface Watch {
  pattern: RegExp;
  missing: number;
  found: (match: RegExpExecArray) => void;
}

export class DemoProcess {
  readonly #child: ChildProcess;
  readonly #lines: string[] = [];
  #watches: Watch[] = [];
  #stdout = '';
  #stderr = '';
  readonly ended: Promise<Finished>;

  constructor(command: readonly string[], env: NodeJS.ProcessEnv, cwd: string) {
    const [program, ...args] = command as [string, ...string[]];
    const child = spawn(program, args, { env, cwd, stdio: ['pipe', 'pipe', 'pipe'] });
    this.#child = child;
    // A child that ends before it has read its input is judged by its exit status.
    child.stdin.on('error', () => {});
    child.stdout.setEncoding('utf8').on('data', text => {
      this.#stdout += text;
    });
    child.stderr.setEncoding('utf8').on('data', text => {
      this.#stderr += text;
    });
    for (const stream of [child.stdout, child.stderr]) {
      createInterface({ input: stream }).on('line', line => this.#line(line));
    }
    this.ended = new Promise((resolve, reject) => {
      child.on('error', reject);
      child.on('close', status => resolve({ stdout: this.#stdout, status }));
    });
    this.ended.catch(() => {});
  }

  get pid(): number | undefined {
    return this.#child.pid;
  }

  /** What the program said to a person. */
  get stderr(): string {
    return this.#stderr;
  }

  /** The first line, or the one of that count, of either stream, that matches; fails when the process ends without one. */
  async line(pattern: RegExp, occurrence = 1): Promise<RegExpExecArray> {
    const matches = this.#lines.map(line => pattern.exec(line)).filter(match => match !== null);
    const seen = matches[occurrence - 1];
    if (seen) return seen;
    return await new Promise((resolve, reject) => {
      this.#watches.push({ pattern, missing: occurrence - matches.length, found: resolve });
      this.ended.then(
        ({ status }) =>
          reject(new AppError('demo_failed', { message: `it ended with ${status}: ${this.#stderr}` })),
        reject,
      );
    });
  }

  feed(stdin: string): void {
    this.#child.stdin?.end(stdin);
  }

  kill(signal: NodeJS.Signals): void {
    this.#child.kill(signal);
  }

  async destroy(): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return;
    this.#child.kill('SIGKILL');
    await this.ended.catch(() => {});
  }

  #line(line: string): void {
    this.#lines.push(line);
    this.#watches = this.#watches.filter(watch => {
      const match = watch.pattern.exec(line);
      if (!match || --watch.missing > 0) return true;
      watch.found(match);
      return false;
    });
  }
}

/** Runs a command to its end; anything but exit status 0 is a failure with what it said. */
export async function finish(process: DemoProcess, stdin: string): Promise<Finished> {
  process.feed(stdin);
  const finished = await process.ended;
  if (finished.status !== 0) {
    throw new AppError('demo_failed', {
      message: `it ended with ${finished.status}: ${process.stderr.trim()}`,
    });
  }
  return finished;
}
