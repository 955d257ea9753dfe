/** What a command is given: the process it runs in, behind ports, and the options common to all. */
import type { Output } from '../output/output.ts';
import type { Clock } from '../platform/clock.ts';
import type { Random } from '../platform/random.ts';

/** Options every command takes. */
export interface GlobalOptions {
  context?: string | undefined;
  serviceUrl?: string | undefined;
  caFile?: string | undefined;
  insecure: boolean;
  input: boolean;
  quiet: boolean;
  debug: boolean;
  json: boolean;
  /** `--color` true, `--no-color` false, neither undefined. */
  color?: boolean | undefined;
}

export interface Streams {
  stdin: NodeJS.ReadStream;
  stdout: NodeJS.WriteStream;
  stderr: NodeJS.WriteStream;
}

export type SignalName = 'SIGINT' | 'SIGTERM' | 'SIGHUP' | 'SIGUSR2' | 'SIGBREAK';

export interface Signals {
  /** Calls `handler` at each of these signals until the returned function is called. */
  on(names: readonly SignalName[], handler: (name: SignalName) => void): () => void;
}

export interface Context {
  /** A live view of the process's environment: `run` removes the token from it. */
  env: NodeJS.ProcessEnv;
  cwd: string;
  version: string;
  /** The command line that starts this program again: executable, its options, the script. */
  self: readonly string[];
  streams: Streams;
  signals: Signals;
  clock: Clock;
  random: Random;
  global: GlobalOptions;
  output: Output;
  /** Has `handler` hear of what was thrown where nobody waits, which else ends the process; until the returned is called. */
  onStrayError(handler: (error: unknown) => void): () => void;
  /** Has `handler` hear why stdout cannot be written, which else ends the process; until the returned is called. */
  onLostOutput(handler: (code: string) => void): () => void;
  /** Ends the process at once, with nothing flushed: only for the third signal. */
  exitNow(status: number): never;
}
