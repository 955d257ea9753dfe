/** Questions to the person at the terminal, and what stands in for an answer where there is none. */
import type { Context } from '../cli/context.ts';
import { AppError } from '../errors.ts';
import { confirm } from '../output/prompt.ts';

/** Whether anybody can answer: a terminal on both sides, and no `--no-input` or CI. */
export function mayAsk(ctx: Context): boolean {
  const { stdin, stderr } = ctx.streams;
  return ctx.global.input && !ctx.env.CI && stdin.isTTY === true && stderr.isTTY === true;
}

/**
 * Whether to go on with what cannot be undone.
 *
 * @throws AppError `usage` naming `--yes` where nobody can be asked.
 */
export async function agreed(question: string, flags: { yes?: unknown }, ctx: Context): Promise<boolean> {
  if (flags.yes === true) return true;
  if (!mayAsk(ctx)) {
    throw new AppError('usage', {
      message: `nobody can be asked here: ${question}`,
      hint: 'pass --yes if that is what you want',
    });
  }
  if (await confirm(ctx.streams, question)) return true;
  ctx.output.note('nothing was changed');
  return false;
}
