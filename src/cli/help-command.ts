/** `semilayer help`, and the help of every command as one table for the program's quick start. */
import { AppError } from '../errors.ts';
import { buildProgram, findCommand } from './build-program.ts';
import type { CommandSpec } from './command.ts';
import { COMMANDS, GROUPS } from './command-table.ts';

/** Lines of help are under 80 columns wide, in however wide a window. */
export const HELP_COLUMNS = 79;

export function helpCommand(
  print: (text: string) => void,
  find: (words: string[]) => { outputHelp(): void } | undefined,
): CommandSpec {
  return {
    usage: 'help [topic...]',
    summary: 'Show help of a command, or about exit-codes, environment or errors',
    examples: ['help runners create', 'help exit-codes', 'help environment'],
    run: async ([topic]) => {
      const words = topic as string[];
      const { helpTopic } = await import('../commands/help-topics.ts');
      const text = words.length === 1 ? helpTopic(words[0] as string) : undefined;
      if (text !== undefined) return print(text);
      const command = find(words);
      if (command) return command.outputHelp();
      throw new AppError('usage', {
        message: `there is no help about "${words.join(' ')}"`,
        hint: 'semilayer help shows the commands; further topics: exit-codes, environment, errors',
      });
    },
  };
}

/** By the words that name a command, the text of its help; the build writes it down. */
export function helpTexts(version: string): Record<string, string> {
  const texts: Record<string, string> = {};
  let printed = '';
  const print = (text: string): void => {
    printed += text;
  };
  const program = buildProgram({
    version,
    commands: [...COMMANDS, helpCommand(print, () => undefined)],
    groups: GROUPS,
    print,
    width: HELP_COLUMNS,
    act: async () => {},
  });
  const names = COMMANDS.map(spec => spec.usage.replace(/ ?[<[].*$/, ''));
  for (const name of ['', 'help', ...names, ...GROUPS.map(group => group.name)]) {
    printed = '';
    findCommand(program, name.split(' ').filter(Boolean))?.outputHelp();
    texts[name] = printed;
  }
  return texts;
}
