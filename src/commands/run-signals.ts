/** The three-stage signals of `semilayer run`, listened for before anything else is done. */
import type { Context, SignalName } from '../cli/context.ts';
import { EXIT } from '../errors.ts';
import { formatDuration } from '../platform/duration.ts';
import type { RunnerHandle } from '../runner/index.ts';
import type { LogLine } from './run-log.ts';

/** First signal drains, second cancels, third leaves at once. Each says what the next will do. */
export class RunSignals {
  readonly #ctx: Pick<Context, 'signals' | 'exitNow'>;
  readonly #say: (line: LogLine) => void;
  readonly #dispose: () => void;
  readonly #first: Promise<undefined>;
  #wake: () => void = () => {};
  #count = 0;
  #runner: { handle: RunnerHandle; gracePeriodMs: number } | undefined;
  #outcome: Promise<number> | undefined;

  constructor(ctx: Pick<Context, 'signals' | 'exitNow'>, say: (line: LogLine) => void) {
    this.#ctx = ctx;
    this.#say = say;
    this.#first = new Promise(resolve => {
      this.#wake = () => resolve(undefined);
    });
    this.#dispose = ctx.signals.on(['SIGINT', 'SIGTERM', 'SIGHUP', 'SIGBREAK'], name => this.#signal(name));
  }

  /** What `work` comes to, or undefined once a signal has come first: there is nothing to drain yet. */
  async unlessStopped<T>(work: Promise<T>): Promise<T | undefined> {
    return await Promise.race([this.#first, work]);
  }

  /** Whether a signal has come. */
  get stopped(): boolean {
    return this.#count > 0;
  }

  /** From here on a signal drains this runner. */
  attach(handle: RunnerHandle, gracePeriodMs: number): void {
    this.#runner = { handle, gracePeriodMs };
  }

  /** The status that a signal decided, once the runner has closed; undefined when none came. */
  async status(): Promise<number | undefined> {
    return await this.#outcome;
  }

  dispose(): void {
    this.#dispose();
  }

  #signal(name: SignalName): void {
    const killed = name === 'SIGINT' ? EXIT.interrupted : EXIT.terminated;
    this.#count++;
    const runner = this.#runner;
    if (this.#count > 2 || (this.#count > 1 && !runner)) return this.#ctx.exitNow(killed);
    if (!runner) {
      this.#line('info', name, 'stopped before the first connection; again to leave at once');
      return this.#wake();
    }
    const { handle, gracePeriodMs } = runner;
    if (this.#count === 1) {
      this.#line(
        'info',
        name,
        `draining up to ${formatDuration(gracePeriodMs)}; again to cancel the jobs under way`,
      );
      this.#outcome = handle
        .stop({ gracePeriodMs })
        .then(({ drained }) => (drained ? EXIT.ok : EXIT.drainTimedOut));
    } else {
      this.#line('warn', name, 'cancelling the jobs under way; again to leave at once');
      this.#outcome = handle.cancel().then(() => killed);
    }
  }

  #line(level: 'info' | 'warn', name: SignalName, text: string): void {
    this.#say({
      level,
      msg: `${name}: ${text}`,
      fields: { signal: name },
      tone: level === 'info' ? 'busy' : 'bad',
    });
  }
}
