/** `semilayer sources add` at a terminal: what was not said is asked, field by field of the bridge's manifest. */
import type { BridgeManifest } from '../bridges/bridge.ts';
import { listBridges, resolveBridge } from '../bridges/registry.ts';
import type { Context } from '../cli/context.ts';
import { AppError } from '../errors.ts';
import type { Prompts } from '../output/prompt.ts';
import { mayAsk, missingArgument, promptsOf } from './ask.ts';
import { readBridge } from './source-url.ts';

const OTHER = 'other';

/** Credentials as they were typed: a URL, the fields of the bridge, or nothing because the runner has them. */
export type AnsweredCredentials =
  | { kind: 'url'; url: string }
  | { kind: 'fields'; config: Record<string, unknown> }
  | { kind: 'runner-local' };

export async function sourceName(given: string | undefined, ctx: Context): Promise<string> {
  if (given !== undefined) return given;
  if (!mayAsk(ctx)) throw missingArgument("'name'", 'semilayer sources add --help');
  return await (await promptsOf(ctx)).text('Name of the source', { validate: checkName });
}

/** @throws AppError `usage` naming `--bridge` where nobody can be asked. */
export async function bridgeGiven(given: string | undefined, ctx: Context): Promise<string> {
  if (given !== undefined) return readBridge(given, ctx);
  if (!mayAsk(ctx)) {
    throw new AppError('usage', {
      message: "required option '--bridge <bridge>' not specified",
      hint: 'semilayer sources add --help has examples',
    });
  }
  const prompts = await promptsOf(ctx);
  const choices = await Promise.all(
    listBridges().map(async name => ({ value: name, name: (await manifestOf(name))?.displayName ?? name })),
  );
  const picked = await prompts.choose('Kind of database', [
    ...choices,
    { value: OTHER, name: 'another bridge' },
  ]);
  return picked === OTHER ? readBridge(await prompts.text('Package name of the bridge'), ctx) : picked;
}

/** Undefined where nobody can be asked. */
export async function askCredentials(bridge: string, ctx: Context): Promise<AnsweredCredentials | undefined> {
  if (!mayAsk(ctx)) return undefined;
  const prompts = await promptsOf(ctx);
  const manifest = await manifestOf(bridge);
  const fields = manifest?.fields ?? [];
  const way = await prompts.choose('Where are its credentials?', [
    ...(manifest?.supportsUrl === false
      ? []
      : [{ value: 'url' as const, name: 'a URL, stored encrypted by the service' }]),
    ...(fields.length === 0
      ? []
      : [{ value: 'fields' as const, name: 'host, user and so on, stored encrypted by the service' }]),
    { value: 'runner-local' as const, name: 'with the runner; the service never sees them' },
  ]);
  switch (way) {
    case 'url':
      return { kind: 'url', url: await askUrl(manifest, prompts) };
    case 'fields':
      return { kind: 'fields', config: await askFields(fields, prompts) };
    case 'runner-local':
      return { kind: 'runner-local' };
  }
}

async function askUrl(manifest: BridgeManifest | undefined, prompts: Prompts): Promise<string> {
  const like = manifest?.urlPlaceholder === undefined ? '' : ` (like ${manifest.urlPlaceholder})`;
  // A URL of a server holds a password; that of a file does not, and is easier to type when it is seen.
  const url = manifest?.urlPlaceholder?.startsWith('file:')
    ? await prompts.text(`URL or path of the database${like}`)
    : await prompts.secret(`URL of the database${like}`);
  if (url === '') throw new AppError('usage', { message: 'no URL was entered' });
  return url;
}

async function askFields(
  fields: BridgeManifest['fields'],
  prompts: Prompts,
): Promise<Record<string, unknown>> {
  const config: Record<string, unknown> = {};
  for (const { key, label, type, required = false, placeholder } of fields) {
    if (type === 'boolean') {
      config[key] = await prompts.choose(label, [
        { value: false, name: 'no' },
        { value: true, name: 'yes' },
      ]);
      continue;
    }
    const like = placeholder === undefined ? '' : ` (like ${placeholder})`;
    const question = `${label}${like}${required ? '' : ', or nothing'}`;
    const answer =
      type === 'password'
        ? await prompts.secret(question)
        : await prompts.text(question, { validate: text => checkField(text, type, required) });
    if (answer !== '') config[key] = type === 'number' ? Number(answer) : answer;
  }
  return config;
}

function checkField(text: string, type: 'string' | 'number', required: boolean): string | true {
  if (text === '') return required ? 'this is needed' : true;
  return type === 'number' && !Number.isFinite(Number(text)) ? 'a number' : true;
}

/** As the service will check it; said before anything is sent. */
export function checkName(name: string): string | true {
  return /^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/.test(name)
    ? true
    : 'lower-case letters, digits and hyphens, at most 63, none at the ends a hyphen';
}

/** A bridge that is not installed here may well be where the runner is. */
async function manifestOf(bridge: string): Promise<BridgeManifest | undefined> {
  try {
    return (await resolveBridge(bridge)).manifest;
  } catch {
    return undefined;
  }
}
