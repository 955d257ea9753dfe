/** `semilayer logout`: forgets a key, keeps the rest of its context. */
import type { Context } from '../cli/context.ts';
import { contextNamed, forgetKey } from '../config/contexts.ts';
import { contextName, gatherInput } from '../config/resolve.ts';

export async function logout(ctx: Context): Promise<void> {
  const input = await gatherInput(ctx);
  const name = contextName(input);
  const context = name && contextNamed(input.user, name.value, name.from);
  if (name && context?.key) {
    await forgetKey(ctx.env, name.value);
    ctx.output.success(
      `forgot the key of context "${name.value}" (${context.serviceUrl}); it is still valid there`,
    );
  } else {
    ctx.output.note('not logged in: no key is stored for the context in use');
  }
  if (ctx.env.SEMILAYER_API_KEY) ctx.output.warn('SEMILAYER_API_KEY is still set');
}
