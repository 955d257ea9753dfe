/** Questions to the person at the terminal, and what stands in for an answer where there is none. */
import type { Context } from '../cli/context.ts';
import { AppError } from '../errors.ts';
import type { Prompts } from '../output/prompt.ts';
import { isCi } from '../platform/environment.ts';
import { runnerOf, sourceOf } from './records.ts';
import { everyItem, openService, recordPath } from './service.ts';

/** Whether anybody can answer: a terminal on both sides, and neither `--no-input`, `--json` nor CI. */
export function mayAsk(ctx: Context): boolean {
  const { stdin, stderr } = ctx.streams;
  const { input, json } = ctx.global;
  return input && !json && !isCi(ctx.env) && stdin.isTTY === true && stderr.isTTY === true;
}

/** Loads the prompts; only where `mayAsk`. */
export async function promptsOf(ctx: Context): Promise<Prompts> {
  const [{ Prompts: PromptsOf }, { levelOf }] = await Promise.all([
    import('../output/prompt.ts'),
    import('../output/colour.ts'),
  ]);
  const { streams, env, global } = ctx;
  return new PromptsOf(streams, levelOf(streams.stderr, env, global.color) > 0);
}

/**
 * Whether to go on with what cannot be undone: `y`, or the name of what it is about.
 *
 * @throws AppError `usage` naming `--yes` where nobody can be asked.
 */
export async function agreed(
  question: string,
  flags: { yes?: unknown },
  ctx: Context,
  name?: string,
): Promise<boolean> {
  if (flags.yes === true) return true;
  if (!mayAsk(ctx)) {
    throw new AppError('usage', {
      message: `nobody can be asked here: ${question}`,
      hint: 'pass --yes if that is what you want',
    });
  }
  const answer = await (await promptsOf(ctx)).text(`${question} [y/N]`);
  if (/^y(?:es)?$/i.test(answer) || (name !== undefined && answer === name)) return true;
  ctx.output.note('nothing was changed');
  return false;
}

/** As `agreed` at a terminal; elsewhere the command itself is the answer. */
export async function agreedAtTerminal(
  question: string,
  flags: { yes?: unknown },
  ctx: Context,
  name?: string,
): Promise<boolean> {
  return mayAsk(ctx) ? await agreed(question, flags, ctx, name) : true;
}

/** @throws AppError `usage` naming what to give. */
export function missingArgument(what: string, hint: string): AppError {
  return new AppError('usage', { message: `missing required argument ${what}`, hint });
}

/** The runner that was named, else the one that is picked. */
export async function runnerGiven(given: string | undefined, command: string, ctx: Context): Promise<string> {
  if (given !== undefined) return given;
  if (!mayAsk(ctx)) throw missingArgument("'runner'", `semilayer ${command} --help`);
  const { client } = await openService(ctx);
  const runners = await everyItem(client, '/v1/runners', runnerOf);
  if (runners.length === 0) {
    throw new AppError('not_found', {
      message: 'there is no runner yet',
      hint: 'semilayer runners create <name>',
    });
  }
  const choices = runners.map(({ name, status }) => ({ value: name, name: `${name}  (${status})` }));
  return await (await promptsOf(ctx)).choose('Which runner?', choices);
}

/** The source that was named, else the one that is picked. */
export async function sourceGiven(given: string | undefined, command: string, ctx: Context): Promise<string> {
  if (given !== undefined) return given;
  if (!mayAsk(ctx)) throw missingArgument("'source'", `semilayer ${command} --help`);
  return await (await promptsOf(ctx)).choose('Which source?', await sourceChoices(ctx));
}

/** The sources that were named, else those that are picked, one at least. */
export async function sourcesGiven(
  given: readonly string[] | undefined,
  command: string,
  ctx: Context,
): Promise<string[]> {
  if (given !== undefined && given.length > 0) return [...given];
  if (!mayAsk(ctx)) throw missingArgument("'source'", `semilayer ${command} --help`);
  return await (await promptsOf(ctx)).chooseSeveral('Which sources?', await sourceChoices(ctx));
}

/** The table that was named, else one of those that the source has now. */
export async function targetGiven(given: string | undefined, source: string, ctx: Context): Promise<string> {
  if (given !== undefined) return given;
  if (!mayAsk(ctx)) throw missingArgument("'target'", `semilayer sources targets ${source} lists them`);
  const { client } = await openService(ctx);
  const { items } = (await client.get(`${recordPath('sources', source)}/targets`)) as {
    items: { name: string }[];
  };
  const choices = items.map(({ name }) => ({ value: name, name }));
  return await (await promptsOf(ctx)).choose('Which table?', choices);
}

async function sourceChoices(ctx: Context): Promise<{ value: string; name: string }[]> {
  const { client } = await openService(ctx);
  const sources = await everyItem(client, '/v1/sources', sourceOf);
  if (sources.length === 0) {
    throw new AppError('not_found', {
      message: 'there is no source yet',
      hint: 'semilayer sources add <name>',
    });
  }
  return sources.map(({ name, bridge }) => ({ value: name, name: `${name}  (${bridge})` }));
}
