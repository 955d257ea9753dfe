/** Writes docs/cli.md from the program itself: `npm run docs:cli`. A test holds the file to it. */
import { writeFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import type { CommandSpec, OptionSpec } from '../src/cli/command.ts';
import { COMMANDS, GROUPS, HEADINGS } from '../src/cli/command-table.ts';
import { GLOBAL_OPTIONS } from '../src/cli/global-options.ts';
import { ERRORS } from '../src/commands/error-catalogue.ts';
import { helpTopic } from '../src/commands/help-topics.ts';
import { ERROR_CODES, exitStatusOf } from '../src/errors.ts';

export const CLI_DOCS = fileURLToPath(new URL('../docs/cli.md', import.meta.url));

/** The whole page. */
export function cliDocs(): string {
  const headings = [...new Set(Object.values(HEADINGS))];
  const sections = headings.map(heading => {
    const commands = COMMANDS.filter(spec => HEADINGS[wordsOf(spec)[0] as string] === heading);
    return commands.length === 0 ? '' : `## ${heading}\n\n${commands.map(commandText).join('\n\n')}`;
  });
  return `${[INTRODUCTION, contents(headings), ...sections.filter(Boolean), GLOBAL, TOPICS, errors(), DIFFERENCES].join('\n\n')}\n`;
}

const INTRODUCTION = `# The command line

<!-- Written by \`npm run docs:cli\` from the program; change the program. -->

Data goes to stdout and words to stderr, so that \`semilayer … > file\` and \`semilayer … | jq\` hold nothing but data. At a
terminal lists are tables, times are relative and what is missing is asked for; elsewhere lists are tab-separated lines
with nothing cut (tab, newline, carriage return and backslash written \`\\t \\n \\r \\\\\`), times are RFC 3339, and a
question that needs an answer ends with status 2 and names the flag. \`--json\` prints JSON, failures too:
\`{"error":{"code","message","hint"}}\` on stderr, with \`requestId\` where the service was asked.

\`eval "$(semilayer completion bash)"\` completes commands, options and the names of your runners and sources; \`zsh\` and
\`fish\` likewise.

![semilayer runners list](screenshots/list.png)

![semilayer query](screenshots/query.png)

![semilayer run](screenshots/run.png)`;

const GLOBAL = `## Options of every command

${optionTable(GLOBAL_OPTIONS)}`;

const TOPICS = ['environment', 'exit-codes']
  .map(name => {
    const [title = '', ...rest] = (helpTopic(name) as string).trim().split('\n');
    return `## ${title}\n\n\`\`\`text\n${rest.join('\n').trim()}\n\`\`\``;
  })
  .join('\n\n');

const DIFFERENCES = `## Windows and macOS

The config file is in \`%APPDATA%\\semilayer\` on Windows, in \`~/Library/Preferences/semilayer\` on macOS, and in
\`$XDG_CONFIG_HOME/semilayer\` or \`~/.config/semilayer\` elsewhere; \`semilayer config paths\` says where. On Windows there
are no file modes: what is mode 0600 elsewhere is as private as the folder it lies in, and doctor and the env files do not
warn of it. Ctrl-Break acts as TERM there, and there is no signal for another process to send but a hard kill: what signals
do elsewhere, \`POST /v1/runners/{…}/revoke\` and stopping the gateway from its own terminal do there.

## Env files

\`--env-file\` reads UTF-8, or UTF-16 with a byte order mark, with LF or CRLF: \`NAME=value\` lines as \`docker run --env-file\`
and Compose read them, with \`export\`, quotes and comments. Nothing is interpolated: \`$\` stays a dollar sign.
\`runners create --env-file\` and \`runners rotate --env-file\` replace the file in one step and make it mode 0600; they set
two names and keep every other line.`;

function contents(headings: readonly string[]): string {
  const lines = headings.flatMap(heading => {
    const commands = COMMANDS.filter(spec => HEADINGS[wordsOf(spec)[0] as string] === heading);
    if (commands.length === 0) return [];
    const links = commands.map(spec => `[${wordsOf(spec).join(' ')}](#semilayer-${wordsOf(spec).join('-')})`);
    return [`- ${heading}: ${links.join(', ')}`];
  });
  return lines.join('\n');
}

function commandText(spec: CommandSpec): string {
  const words = wordsOf(spec);
  const group = GROUPS.find(one => one.name === words.slice(0, -1).join(' '));
  const first = COMMANDS.find(one => wordsOf(one).slice(0, -1).join(' ') === words.slice(0, -1).join(' '));
  const introduced = group && first === spec ? `${group.summary}.\n\n` : '';
  const usage = `semilayer ${spec.usage}${spec.options?.length ? ' [options]' : ''}`;
  const parts = [
    `### semilayer ${words.join(' ')}`,
    `${introduced}${spec.summary}.`,
    `\`\`\`sh\n${usage}\n\`\`\``,
    ...argumentsText(spec),
    ...(spec.options?.length ? [optionTable(spec.options)] : []),
    `\`\`\`console\n${spec.examples.map(example => `$ semilayer ${example}`).join('\n')}\n\`\`\``,
  ];
  return parts.join('\n\n');
}

function argumentsText(spec: CommandSpec): string[] {
  const asked = (spec.asked ?? []).map(name => `\`<${name}>\``);
  const closed = Object.entries(spec.arguments ?? {}).map(
    ([name, values]) => `\`<${name}>\` is one of ${values.map(value => `\`${value}\``).join(', ')}.`,
  );
  const said =
    asked.length === 0 ? [] : [`At a terminal ${asked.join(' and ')} may be left out, and is asked for.`];
  return [...closed, ...said];
}

function optionTable(options: readonly OptionSpec[]): string {
  const rows = options.map(option => {
    const notes = [
      option.description,
      option.choices && `one of ${option.choices.map(value => `\`${value}\``).join(', ')}`,
      option.required && 'required',
      option.repeatable && 'may be repeated',
    ];
    return [`\`${option.flags}\``, notes.filter(Boolean).join('; ').replaceAll('|', '\\|')];
  });
  return table(['option', ''], rows);
}

function errors(): string {
  const text = ERROR_CODES.map(code => {
    const { meaning, hint } = ERRORS[code];
    return `### ${code}\n\nExit ${exitStatusOf(code)}: ${meaning}. What to do: ${hint}.`;
  });
  return `## Errors\n\nThe \`code\` of \`--json\`; \`semilayer help errors\` lists them.\n\n${text.join('\n\n')}`;
}

function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const widths = head.map((title, at) =>
    Math.max(3, ...[title, ...rows.map(row => row[at] ?? '')].map(text => text.length)),
  );
  const line = (cells: readonly string[]): string =>
    `| ${cells.map((cell, at) => cell.padEnd(widths[at] as number)).join(' | ')} |`;
  return [line(head), line(widths.map(width => '-'.repeat(width))), ...rows.map(line)].join('\n');
}

function wordsOf(spec: CommandSpec): string[] {
  return spec.usage.split(' ').filter(word => !/^[<[]/.test(word));
}

if (process.argv[1] === fileURLToPath(import.meta.url)) await writeFile(CLI_DOCS, cliDocs());
