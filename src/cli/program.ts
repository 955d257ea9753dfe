/** From a command line to an exit status: parse, run, render what was thrown. */
import { CommanderError } from 'commander';
import { AppError, EXIT, exitStatusOf, messageOf } from '../errors.ts';
import { createOutput } from '../output/create-output.ts';
import type { Output } from '../output/output.ts';
import { buildProgram, findCommand } from './build-program.ts';
import { type CommandSpec, pathOf } from './command.ts';
import { COMMANDS, GROUPS } from './command-table.ts';
import type { Context, GlobalOptions } from './context.ts';
import { HELP_COLUMNS, helpCommand } from './help-command.ts';
import { hasPrinted, pointedToHelp, usageErrorOf } from './usage-error.ts';

/** The process, behind ports: a Context before its options are known. */
export type ProcessPorts = Omit<Context, 'global' | 'output'>;

const COMPLETE = '__complete';

/** Runs one command line (without the program's own name) and returns its exit status. Never rejects. */
export async function run(argv: readonly string[], ports: ProcessPorts): Promise<number> {
  const globals = guessGlobals(argv);
  if (argv[0] === COMPLETE) return await answerShell(argv.slice(1), ports);
  try {
    return await dispatch(argv, ports, globals);
  } catch (error) {
    const output = await outputFor(ports, globals);
    return await renderError(error, output, { debug: globals.debug, version: ports.version });
  }
}

/** For the completion scripts alone; whatever happens, a shell at its prompt hears no complaint. */
async function answerShell(words: readonly string[], ports: ProcessPorts): Promise<number> {
  const { complete, FILES } = await import('./complete.ts');
  const global = guessGlobals(words);
  try {
    const output = await outputFor(ports, global);
    const found = await complete(words, { ...ports, global, output });
    if (found === FILES) output.data(FILES);
    else
      for (const { value, description } of found)
        output.data(description ? `${value}\t${description}` : value);
  } catch {
    // No completion, then.
  }
  return EXIT.ok;
}

/** Says what went wrong; returns the exit status. */
export async function renderError(
  error: unknown,
  output: Output,
  about: { debug: boolean; version: string },
): Promise<number> {
  const { ERRORS, anchorOf } = await import('../commands/error-catalogue.ts');
  const stack = about.debug && error instanceof Error ? stackOf(error) : undefined;
  if (!(error instanceof AppError)) {
    const where = `semilayer ${about.version}, Node ${process.versions.node}, ${process.platform}`;
    const hint = about.debug
      ? `report it with this output (${where})`
      : `report it with the command and what it prints with --debug (${where})`;
    output.error({ code: 'internal', message: `unexpected failure: ${messageOf(error)}`, hint, stack });
    return EXIT.failure;
  }
  const { code, message, requestId } = error;
  const known = Object.hasOwn(ERRORS, code) ? ERRORS[code as keyof typeof ERRORS] : undefined;
  output.error({
    code,
    message,
    hint: error.hint ?? known?.hint,
    requestId,
    docs: known && anchorOf(code),
    stack,
  });
  return exitStatusOf(code);
}

async function dispatch(
  argv: readonly string[],
  ports: ProcessPorts,
  globals: GlobalOptions,
): Promise<number> {
  let status: number = EXIT.ok;
  const { stdout } = ports.streams;
  const program = buildProgram({
    version: ports.version,
    commands: [
      ...commandsFor(argv),
      helpCommand(
        text => void stdout.write(text),
        words => findCommand(program, words),
      ),
    ],
    groups: GROUPS,
    print: text => void stdout.write(text),
    width: Math.min((stdout.isTTY && stdout.columns) || HELP_COLUMNS, HELP_COLUMNS),
    act: async (spec, args, flags) => {
      Object.assign(globals, globalsOf(flags));
      const ctx: Context = { ...ports, global: globals, output: await outputFor(ports, globals) };
      try {
        const result = await spec.run(args, flags, ctx);
        if (typeof result === 'number') status = result;
      } catch (error) {
        throw pointedToHelp(error, pathOf(spec));
      }
      // Nothing is loaded for it where there is no terminal.
      if (stdout.isTTY && !spec.unattended) {
        const { mayCheckForUpdate, tellOfUpdate } = await import('../commands/update-notice.ts');
        if (mayCheckForUpdate(ctx)) await tellOfUpdate(ctx);
      }
    },
  });
  if (argv.length === 0) {
    program.outputHelp();
    return status;
  }
  try {
    await program.parseAsync(argv, { from: 'user' });
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
    if (hasPrinted(error)) return EXIT.ok;
    throw usageErrorOf(error, commandWords(argv));
  }
  return status;
}

/** The one that the first words name, else all: to build forty takes milliseconds. */
function commandsFor(argv: readonly string[]): readonly CommandSpec[] {
  const named = COMMANDS.filter(spec => pathOf(spec).every((word, index) => argv[index] === word));
  // `gateway` may turn out to be `gateway keys`, mistyped.
  const hasOthersBelow = named.some(({ usage }) => GROUPS.some(group => group.name.startsWith(`${usage} `)));
  return named.length === 1 && !hasOthersBelow ? named : COMMANDS;
}

async function outputFor(ports: ProcessPorts, global: GlobalOptions): Promise<Output> {
  return await createOutput({ streams: ports.streams, env: ports.env, global, now: () => ports.clock.now() });
}

function globalsOf(flags: Record<string, unknown>): GlobalOptions {
  const text = (value: unknown): string | undefined => (typeof value === 'string' ? value : undefined);
  return {
    context: text(flags.context),
    serviceUrl: text(flags.serviceUrl),
    caFile: text(flags.caFile),
    insecure: flags.insecure === true,
    input: flags.input !== false,
    quiet: flags.quiet === true,
    debug: flags.debug === true,
    json: flags.json === true,
    color: typeof flags.color === 'boolean' ? flags.color : undefined,
  };
}

/** How to render what goes wrong before the command line is understood. */
function guessGlobals(argv: readonly string[]): GlobalOptions {
  const end = argv.indexOf('--');
  const options = new Set(end < 0 ? argv : argv.slice(0, end));
  const color = options.has('--no-color') ? { color: false } : options.has('--color') ? { color: true } : {};
  const following = (name: string): string | undefined => {
    const at = argv.indexOf(name);
    return at >= 0 && (end < 0 || at < end) ? argv[at + 1] : undefined;
  };
  return globalsOf({
    debug: options.has('--debug'),
    json: options.has('--json'),
    insecure: options.has('--insecure'),
    context: following('--context'),
    serviceUrl: following('--service-url'),
    caFile: following('--ca-file'),
    ...color,
  });
}

/** The leading words that name a command, for the hint. */
function commandWords(argv: readonly string[]): string[] {
  const words = argv.filter(word => !word.startsWith('-'));
  const usages = [...COMMANDS.map(spec => spec.usage), ...GROUPS.map(group => group.name)];
  for (let length = Math.min(words.length, 3); length > 0; length--) {
    const path = words.slice(0, length).join(' ');
    if (usages.some(usage => usage === path || usage.startsWith(`${path} `))) return words.slice(0, length);
  }
  return [];
}

/** Where it was thrown, and the same of what caused it. */
function stackOf(error: Error): string {
  const stack = error.stack ?? error.message;
  return error.cause instanceof Error ? `${stack}\ncaused by: ${stackOf(error.cause)}` : stack;
}
