/** `semilayer console`: a link that opens the Console once. */
import type { Context } from '../cli/context.ts';
import { AppError } from '../errors.ts';
import { openService } from './service.ts';

export async function consoleLink(ctx: Context): Promise<void> {
  const { client } = await openService(ctx);
  const { url, expiresAt = null } = (await client.post('/v1/session/links', {})) as {
    url?: string;
    expiresAt?: string;
  };
  if (typeof url !== 'string' || !/^https?:\/\/[\x21-\x7e]+$/.test(url)) {
    throw new AppError('incomplete_response', { message: 'the service answered without a link' });
  }
  if (ctx.global.json) ctx.output.document({ url, expiresAt });
  else ctx.output.data(url);
  ctx.output.note('it works once, within five minutes');
}
