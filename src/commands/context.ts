/** `semilayer context list|use|show|remove`. */
import type { Context } from '../cli/context.ts';
import { contextNamed, makeCurrent, removeContext } from '../config/contexts.ts';
import { contextName, gatherInput } from '../config/resolve.ts';
import type { StoredContext } from '../config/user-config.ts';
import { AppError, EXIT } from '../errors.ts';
import type { Column } from '../output/output.ts';
import { fingerprintOf } from '../protocol/token.ts';
import { agreedAtTerminal } from './ask.ts';

interface ContextView {
  name: string;
  current: boolean;
  serviceUrl: string;
  gatewayUrl: string | null;
  fingerprint: string | null;
}

const COLUMNS: readonly Column<ContextView>[] = [
  { header: 'NAME', value: one => one.name },
  { header: 'CURRENT', value: one => (one.current ? '*' : null) },
  { header: 'SERVICE', value: one => one.serviceUrl },
  { header: 'GATEWAY', value: one => one.gatewayUrl },
  { header: 'KEY', value: one => one.fingerprint },
];

export async function listContexts(ctx: Context): Promise<void> {
  const input = await gatherInput(ctx);
  const current = contextName(input)?.value;
  const views = [...input.user.contexts].map(([name, context]) => viewOf(name, context, current));
  views.sort((one, other) => (one.name < other.name ? -1 : 1));
  ctx.output.list(views, COLUMNS, 'no contexts yet: semilayer login');
}

export async function useContext(name: string, ctx: Context): Promise<void> {
  await makeCurrent(ctx.env, name);
  ctx.output.success(`context "${name}" is now current`);
  ctx.output.next('semilayer whoami');
  const inUse = contextName(await gatherInput(ctx));
  if (inUse && inUse.value !== name) {
    ctx.output.warn(`here, ${inUse.from} goes before it and names "${inUse.value}"`);
  }
}

export async function showContext(name: string | undefined, ctx: Context): Promise<void> {
  const input = await gatherInput(ctx);
  const inUse = contextName(input);
  const wanted = name ?? inUse?.value;
  if (wanted === undefined) {
    throw new AppError('not_found', { message: 'no context is in use', hint: 'semilayer login makes one' });
  }
  const context = contextNamed(input.user, wanted, name === undefined ? inUse?.from : undefined);
  const view = viewOf(wanted, context, inUse?.value);
  ctx.output.record(view, [
    ['name', view.name],
    ['current', view.current],
    ['service', view.serviceUrl],
    ['gateway', view.gatewayUrl],
    ['key', view.fingerprint],
  ]);
}

export async function forgetContext(name: string, flags: { yes?: boolean }, ctx: Context): Promise<number> {
  contextNamed((await gatherInput(ctx)).user, name);
  const question = `Remove context "${name}"? Its key is forgotten.`;
  if (!(await agreedAtTerminal(question, flags, ctx, name))) return EXIT.failure;
  await removeContext(ctx.env, name);
  ctx.output.success(`removed context "${name}"`);
  return EXIT.ok;
}

function viewOf(
  name: string,
  { serviceUrl, gatewayUrl, key }: StoredContext,
  current: string | undefined,
): ContextView {
  const fingerprint = key === null ? null : fingerprintOf(key);
  return { name, current: name === current, serviceUrl, gatewayUrl, fingerprint };
}
