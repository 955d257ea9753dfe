/** The commander program, built out of the command table. */
import { Argument, Command, type Help, Option } from 'commander';
import {
  type Args,
  type CommandSpec,
  type Flags,
  type GroupSpec,
  type OptionSpec,
  pathOf,
} from './command.ts';
import { HEADINGS } from './command-table.ts';
import { GLOBAL_OPTIONS } from './global-options.ts';

export interface ProgramOptions {
  version: string;
  commands: readonly CommandSpec[];
  groups: readonly GroupSpec[];
  /** Help, to stdout. */
  print: (text: string) => void;
  /** Columns of the help. */
  width: number;
  /** Called with the command that was typed. */
  act: (spec: CommandSpec, args: Args, flags: Flags) => Promise<void>;
}

const NAME = 'semilayer';
/** Fewer columns than this for what a thing means, and it goes below the thing. */
const NARROWEST_BESIDE = 24;

export function buildProgram(options: ProgramOptions): Command {
  const program = new Command(NAME);
  program
    .description('Reach databases you must not expose: runners dial out, questions come back answered.')
    .version(options.version, '-V, --version', 'print the version')
    .helpOption('-h, --help', 'show help')
    .helpCommand(false)
    .exitOverride()
    .showSuggestionAfterError(true)
    .configureHelp({ showGlobalOptions: true, subcommandTerm: termOf, minWidthToWrap: 20, formatItem })
    .configureOutput({
      writeOut: options.print,
      // Only the help of a group that was named without a command comes this way; errors are thrown.
      writeErr: options.print,
      outputError: () => {},
      getOutHelpWidth: () => options.width,
      getErrHelpWidth: () => options.width,
    });
  for (const option of GLOBAL_OPTIONS)
    if (!option.flags.startsWith('-h')) program.addOption(optionOf(option));
  program.addHelpText(
    'after',
    examplesText([
      'demo',
      'dev',
      'runners create edge-1 > .env',
      'run --env-file .env',
      'help runners create',
    ]),
  );
  const groups = new Map<string, Command>([['', program]]);
  for (const spec of options.commands) addCommand(spec, groups, options);
  return program;
}

/** The command that these words name, or undefined. */
export function findCommand(program: Command, words: readonly string[]): Command | undefined {
  return words.reduce<Command | undefined>(
    (at, word) => at?.commands.find(command => command.name() === word),
    program,
  );
}

function addCommand(spec: CommandSpec, groups: Map<string, Command>, options: ProgramOptions): void {
  const path = pathOf(spec);
  const wanted = spec.usage.split(' ').slice(path.length);
  const parent = groupOf(path.slice(0, -1), groups, options);
  const command = parent.command(path[path.length - 1] as string).description(spec.summary);
  command.usage(['[options]', ...wanted].join(' '));
  // A command that also has others below it, as `gateway` has `gateway keys`.
  if (path.length === 1) placed(command);
  groups.set(path.join(' '), command.helpCommand(false));
  for (const word of wanted) {
    const name = word.replace(/[<>[\].]/g, '');
    const argument = new Argument(
      spec.asked?.includes(name) ? word.replace('<', '[').replace('>', ']') : word,
    );
    const choices = spec.arguments?.[argument.name()];
    command.addArgument(choices ? argument.choices(choices) : argument);
  }
  for (const option of spec.options ?? []) command.addOption(optionOf(option));
  command.addHelpText('after', examplesText(spec.examples));
  command.action(async (...given: unknown[]) => {
    const args = given.slice(0, -2) as Args;
    await options.act(spec, args, command.optsWithGlobals());
  });
}

function groupOf(path: readonly string[], groups: Map<string, Command>, options: ProgramOptions): Command {
  const key = path.join(' ');
  const known = groups.get(key);
  if (known) return known;
  const parent = groupOf(path.slice(0, -1), groups, options);
  const group = parent.command(path[path.length - 1] as string).helpCommand(false);
  group.description(options.groups.find(spec => spec.name === key)?.summary ?? '');
  if (path.length === 1) placed(group);
  const below = options.commands.filter(spec => spec.usage.startsWith(`${key} `));
  group.addHelpText('after', examplesText(below.flatMap(spec => spec.examples.slice(0, 1))));
  groups.set(key, group);
  return group;
}

function examplesText(examples: readonly string[]): string {
  return `\nExamples:\n${examples.map(example => `  $ ${NAME} ${example}`).join('\n')}`;
}

function optionOf(spec: OptionSpec): Option {
  const option = new Option(spec.flags, spec.description);
  if (spec.choices) option.choices(spec.choices);
  if (spec.required) option.makeOptionMandatory();
  if (spec.repeatable) option.argParser((value: string, before: string[] = []) => [...before, value]);
  return option;
}

/** `runners`, and `query <source> <target>`, without `[options]` on each line. */
function termOf(command: Command): string {
  return `${command.name()} ${command.usage()}`.replace(' [options]', '').replace(' [command]', '').trim();
}

/** A term and what it means beside it; below it where the window leaves no room beside. */
function formatItem(term: string, termWidth: number, description: string, help: Help): string {
  const width = help.helpWidth ?? 80;
  if (description === '') return `  ${term}`;
  const beside = width - termWidth - 4;
  if (beside < NARROWEST_BESIDE) {
    return `  ${term}\n${indented(help.boxWrap(description, width - 6), 6)}`;
  }
  const text = indented(help.boxWrap(description, beside), termWidth + 4);
  return `  ${term.padEnd(termWidth)}  ${text.trimStart()}`;
}

function indented(text: string, by: number): string {
  return text.replace(/^/gm, ' '.repeat(by));
}

/** Commands of the first level stand under a heading. */
function placed(command: Command): Command {
  const heading = HEADINGS[command.name()];
  return heading === undefined ? command : command.helpGroup(`${heading}:`);
}
