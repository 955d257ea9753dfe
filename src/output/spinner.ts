/** The spinner: ora on stderr, loaded when the first one turns. */
import type { Ora } from 'ora';
import type { Progress } from './output.ts';
import { sanitise } from './sanitise.ts';

/** A call that is over sooner shows nothing: a flash tells nobody anything. */
const SHOW_AFTER_MS = 150;

export interface SpinnerOptions {
  stream: NodeJS.WritableStream;
  colour: boolean;
  success: (text: string) => void;
  failure: (text: string) => void;
}

/** Turns until one of `succeed`, `fail` or `stop`, of which the first counts. */
export function startSpinner(text: string, options: SpinnerOptions): Progress {
  let current = sanitise(text);
  let ended = false;
  let spinner: Ora | undefined;
  const timer = setTimeout(async () => {
    const { default: ora } = await import('ora');
    if (ended) return;
    spinner = ora({
      text: current,
      stream: options.stream,
      discardStdin: false,
      ...(options.colour ? {} : { color: false }),
    }).start();
  }, SHOW_AFTER_MS);
  timer.unref();
  const end = (): boolean => {
    if (ended) return false;
    ended = true;
    clearTimeout(timer);
    spinner?.stop();
    return true;
  };
  return {
    update: next => {
      current = sanitise(next);
      if (spinner) spinner.text = current;
    },
    succeed: last => void (end() && options.success(last)),
    fail: last => void (end() && options.failure(last)),
    stop: () => void end(),
  };
}

/** Where no spinner turns: endings are said in a line. */
export function silentProgress(options: Pick<SpinnerOptions, 'success' | 'failure'>): Progress {
  let ended = false;
  const once = (say: () => void): void => {
    if (!ended) say();
    ended = true;
  };
  return {
    update: () => {},
    succeed: text => once(() => options.success(text)),
    fail: text => once(() => options.failure(text)),
    stop: () => {
      ended = true;
    },
  };
}
