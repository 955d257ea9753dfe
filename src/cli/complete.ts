/** What may follow on an unfinished command line: asked by the shells' completion scripts, answered in lines. */
import { COMPLETED_FROM_FILES, type NameKind, namesOf } from '../commands/completion-names.ts';
import { HELP_TOPICS } from '../commands/help-topics.ts';
import type { CommandSpec, OptionSpec } from './command.ts';
import { COMMANDS } from './command-table.ts';
import type { Context } from './context.ts';
import { GLOBAL_OPTIONS } from './global-options.ts';

export interface Candidate {
  value: string;
  description?: string;
}

/** Where the shell itself completes file names. */
export const FILES = ':files';

/** Which kind of name stands for an argument of the table. */
const KINDS: Record<string, NameKind> = { runner: 'runners', source: 'sources', key: 'keys' };

/**
 * @param words of the command line after the program's name; the last is the one being typed, perhaps empty.
 * @returns candidates that begin with what was typed, or `FILES`.
 */
export async function complete(words: readonly string[], ctx: Context): Promise<Candidate[] | typeof FILES> {
  if (words[0] === 'help' && words.length > 1) return await completeHelp(words.slice(1), ctx);
  const typed = words[words.length - 1] ?? '';
  const before = words.slice(0, -1);
  const path = pathOf(before);
  const spec = COMMANDS.find(one => wordsOf(one).join(' ') === path.join(' '));
  const options = [...(spec?.options ?? []), ...GLOBAL_OPTIONS];
  const asking = optionNamed(before[before.length - 1], options);
  const found = asking && takesValue(asking) ? await valuesOf(asking, ctx) : undefined;
  if (found === FILES) return FILES;
  const all =
    found ??
    (typed.startsWith('-') ? options.flatMap(candidatesOf) : await wordsAfter(path, spec, before, ctx));
  return all.filter(one => one.value.startsWith(typed));
}

async function completeHelp(words: readonly string[], ctx: Context): Promise<Candidate[]> {
  const typed = words[words.length - 1] as string;
  const topics = words.length === 1 ? HELP_TOPICS.map(value => ({ value })) : [];
  const commands = await wordsAfter(pathOf(words.slice(0, -1)), undefined, words.slice(0, -1), ctx);
  return [...commands, ...topics].filter(one => one.value.startsWith(typed));
}

/** The leading words that name a command or a group. */
function pathOf(words: readonly string[]): string[] {
  const path: string[] = [];
  for (let at = 0; at < words.length; at++) {
    const word = words[at] as string;
    if (word.startsWith('-')) {
      const option = optionNamed(word, GLOBAL_OPTIONS);
      if (option && takesValue(option)) at++;
      continue;
    }
    const longer = [...path, word].join(' ');
    if (!COMMANDS.some(one => `${wordsOf(one).join(' ')} `.startsWith(`${longer} `))) break;
    path.push(word);
  }
  return path;
}

async function wordsAfter(
  path: readonly string[],
  spec: CommandSpec | undefined,
  before: readonly string[],
  ctx: Context,
): Promise<Candidate[]> {
  // A word that is no command: nothing can follow it.
  if (!spec && positionals(spec, before).length > path.length) return [];
  const found = new Map<string, Candidate>();
  for (const command of COMMANDS) {
    const words = wordsOf(command);
    if (words.length <= path.length || path.some((word, at) => word !== words[at])) continue;
    const value = words[path.length] as string;
    const description = words.length === path.length + 1 ? { description: command.summary } : {};
    if (!found.has(value)) found.set(value, { value, ...description });
  }
  if (path.length === 0 && spec === undefined) found.set('help', { value: 'help' });
  return [...found.values(), ...(spec ? await argumentsOf(spec, before, ctx) : [])];
}

async function argumentsOf(spec: CommandSpec, before: readonly string[], ctx: Context): Promise<Candidate[]> {
  const given = positionals(spec, before).slice(wordsOf(spec).length);
  const names = spec.usage.split(' ').slice(wordsOf(spec).length);
  const wanted = names[given.length] ?? names.find(name => name.includes('...'));
  if (wanted === undefined) return [];
  const name = wanted.replace(/[<>[\].]/g, '');
  if (spec.arguments?.[name]) return spec.arguments[name].map(value => ({ value }));
  const kind = spec.usage.startsWith('context ') ? 'contexts' : KINDS[name];
  const live = kind === undefined ? [] : await namesOf(kind, ctx);
  return live.filter(one => !given.includes(one)).map(value => ({ value }));
}

/** Words that are neither options nor the values of options. */
function positionals(spec: CommandSpec | undefined, words: readonly string[]): string[] {
  const options = [...(spec?.options ?? []), ...GLOBAL_OPTIONS];
  return words.filter((word, at) => {
    if (word.startsWith('-')) return false;
    const option = optionNamed(words[at - 1], options);
    return !(option && takesValue(option));
  });
}

async function valuesOf(option: OptionSpec, ctx: Context): Promise<Candidate[] | typeof FILES> {
  if (option.choices) return option.choices.map(value => ({ value }));
  const value = /[<[]([^>\]]+)[>\]]/.exec(option.flags)?.[1] ?? '';
  if (COMPLETED_FROM_FILES.includes(value)) return FILES;
  if (option.flags.startsWith('--context'))
    return (await namesOf('contexts', ctx)).map(name => ({ value: name }));
  const kind = KINDS[value];
  return kind === undefined ? [] : (await namesOf(kind, ctx)).map(name => ({ value: name }));
}

function candidatesOf(option: OptionSpec): Candidate[] {
  const long = namesIn(option).find(name => name.startsWith('--'));
  return long === undefined ? [] : [{ value: long, description: option.description }];
}

function optionNamed(word: string | undefined, options: readonly OptionSpec[]): OptionSpec | undefined {
  return word?.startsWith('-') ? options.find(option => namesIn(option).includes(word)) : undefined;
}

function namesIn(option: OptionSpec): string[] {
  return option.flags.split(/[ ,|]+/).filter(part => part.startsWith('-'));
}

function takesValue(option: OptionSpec): boolean {
  return /[<[]/.test(option.flags);
}

function wordsOf(spec: CommandSpec): string[] {
  return spec.usage.split(' ').filter(word => !/^[<[]/.test(word));
}
