/** What an entry of the command table says. */
import type { Context } from './context.ts';

/** Options as commander hands them over, those common to all among them. */
export type Flags = Record<string, unknown>;

export interface OptionSpec {
  /** `--limit <n>`; `[value...]` forms are not used: a repeatable option says `repeatable`. */
  flags: string;
  description: string;
  choices?: readonly string[];
  required?: boolean;
  repeatable?: boolean;
}

/** Arguments by position; a variadic one is an array. */
export type Args = (string | string[] | undefined)[];

export interface CommandSpec {
  /** Words and arguments: `runners create <name>`. */
  usage: string;
  summary: string;
  options?: readonly OptionSpec[];
  /** What an argument may be, where that is a closed list; by its name. */
  arguments?: Readonly<Record<string, readonly string[]>>;
  /** Arguments that a person at a terminal is asked for when they are missing; the command itself misses them elsewhere. */
  asked?: readonly string[];
  /** It runs until it is stopped, or a machine reads it: nobody is told of updates then. */
  unattended?: boolean;
  /** Without the leading `semilayer`. */
  examples: readonly string[];
  /** Loads the command and runs it; a number is the exit status, anything else is 0. */
  run(args: Args, flags: Flags, ctx: Context): Promise<unknown>;
}

/** The words that name the command, without its arguments. */
export function pathOf({ usage }: CommandSpec): string[] {
  return usage.split(' ').filter(word => !/^[<[]/.test(word));
}

/** A word that has commands below it and, perhaps, does something itself. */
export interface GroupSpec {
  name: string;
  summary: string;
}
