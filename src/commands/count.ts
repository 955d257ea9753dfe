/** `semilayer count`. */
import type { Context } from '../cli/context.ts';
import { AppError } from '../errors.ts';
import { sourceGiven, targetGiven } from './ask.ts';
import { DEFAULT_DEADLINE_MS, type QuestionFlags, questionOf } from './question.ts';
import { openService, recordPath } from './service.ts';

export async function count(
  givenSource: string | undefined,
  givenTarget: string | undefined,
  flags: Pick<QuestionFlags, 'where' | 'timeout'>,
  ctx: Context,
): Promise<void> {
  const source = await sourceGiven(givenSource, 'count', ctx);
  const target = await targetGiven(givenTarget, source, ctx);
  const question = questionOf(target, flags);
  const { client } = await openService(ctx);
  const deadlineMs = question.deadlineMs ?? DEFAULT_DEADLINE_MS;
  const answer = await client.post(`${recordPath('sources', source)}/count`, question, { deadlineMs });
  const { total, approximate = false } = answer as { total?: unknown; approximate?: boolean };
  if (typeof total !== 'number') {
    throw new AppError('incomplete_response', { message: 'the service answered without a total' });
  }
  if (ctx.global.json) ctx.output.document({ total, approximate });
  else ctx.output.data(String(total));
  if (approximate) ctx.output.note('an estimate: this bridge does not count exactly');
}
