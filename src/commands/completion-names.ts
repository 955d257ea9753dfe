/** Names that exist now, for the shell to offer: asked quickly, and nothing said when there is no answer. */
import type { Context } from '../cli/context.ts';
import { gatherInput, resolveService } from '../config/resolve.ts';
import { readUserConfig } from '../config/user-config.ts';
import { clientOf } from './service.ts';

export type NameKind = 'runners' | 'sources' | 'keys' | 'contexts';

/** Values of options that name a file or a directory. */
export const COMPLETED_FROM_FILES: readonly string[] = ['path', 'file', 'dir'];

/** A person waits with a finger on Tab. */
const PATIENCE_MS = 1_500;
/** What a shell can be trusted with as it is. */
const PLAIN = /^[A-Za-z0-9][A-Za-z0-9._:-]{0,127}$/;

/** Never throws: a completion that cannot be made is no completion. */
export async function namesOf(kind: NameKind, ctx: Context): Promise<string[]> {
  const deadline = new AbortController();
  const cancel = ctx.clock.after(PATIENCE_MS, () => deadline.abort());
  try {
    const names =
      kind === 'contexts'
        ? [...(await readUserConfig(ctx.env)).contexts.keys()]
        : await liveNames(kind, ctx, deadline.signal);
    return names.filter(name => PLAIN.test(name)).sort();
  } catch {
    return [];
  } finally {
    cancel();
  }
}

async function liveNames(kind: NameKind, ctx: Context, signal: AbortSignal): Promise<string[]> {
  const { serviceUrl, key } = resolveService(await gatherInput(ctx));
  if (!key) return [];
  const client = await clientOf(ctx, serviceUrl.value, key.value, signal);
  const page = (await client.get(`/v1/${kind}?limit=1000`)) as { items?: { name?: unknown }[] };
  return (page.items ?? []).flatMap(({ name }) => (typeof name === 'string' ? [name] : []));
}
