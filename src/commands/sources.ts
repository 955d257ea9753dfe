/** `semilayer sources add|list|show|update|remove|targets`. */
import type { Context } from '../cli/context.ts';
import { AppError, EXIT } from '../errors.ts';
import type { Column } from '../output/output.ts';
import { shortBridgeName } from '../protocol/bridge-names.ts';
import { agreedAtTerminal, mayAsk, sourceGiven } from './ask.ts';
import { type SourceRecord, sourceOf, type TargetColumn, tableOf, targetsOf } from './records.ts';
import { everyItem, openService, recordPath } from './service.ts';
import { type AnsweredCredentials, askCredentials, bridgeGiven, sourceName } from './source-questions.ts';
import { configUrl, readBridge, readUrl, type UrlFlags } from './source-url.ts';

interface AddFlags extends UrlFlags {
  bridge?: string;
  runnerLocal?: boolean;
}

interface UpdateFlags extends UrlFlags {
  name?: string;
  bridge?: string;
  credentialsLocation?: string;
}

const COLUMNS: readonly Column<SourceRecord>[] = [
  { header: 'ID', value: one => one.id },
  { header: 'NAME', value: one => one.name },
  { header: 'BRIDGE', value: one => one.bridge, shown: one => one.bridge && shortBridgeName(one.bridge) },
  { header: 'CREDENTIALS', value: one => one.credentialsLocation },
  { header: 'RUNNERS', value: one => one.runners, format: 'list' },
  { header: 'CREATED', value: one => one.createdAt, format: 'time' },
];

const TARGET_COLUMNS: readonly Column<TargetColumn>[] = [
  { header: 'COLUMN', value: one => one.name },
  { header: 'TYPE', value: one => one.type },
  { header: 'NULLABLE', value: one => one.nullable },
  { header: 'PRIMARY KEY', value: one => one.primaryKey },
];

export async function addSource(given: string | undefined, flags: AddFlags, ctx: Context): Promise<void> {
  const name = await sourceName(given, ctx);
  const bridge = await bridgeGiven(flags.bridge, ctx);
  const ways = [flags.urlStdin === true, flags.url !== undefined, flags.runnerLocal === true];
  const said = ways.filter(Boolean).length;
  if (said > 1 || (said === 0 && !mayAsk(ctx))) {
    throw new AppError('usage', {
      message: 'say where the credentials are with exactly one of --url-stdin, --url and --runner-local',
      hint: 'semilayer sources add --help has examples',
    });
  }
  const { client } = await openService(ctx);
  const credentials = said === 0 ? await askCredentials(bridge, ctx) : await credentialsOf(flags, ctx);
  const config = credentials && configOf(credentials, bridge, ctx);
  const record = sourceOf(
    await client.post('/v1/sources', {
      name,
      bridge,
      ...(config === undefined
        ? { credentialsLocation: 'runner-local' }
        : { credentialsLocation: 'managed', config }),
    }),
  );
  saySource(record, 'added', ctx);
  ctx.output.next(`semilayer runners assign <runner> ${record.name}`);
  if (config === undefined) ctx.output.note(`where the runner starts, set ${variableOf(record.name)}_URL`);
}

async function credentialsOf(flags: AddFlags, ctx: Context): Promise<AnsweredCredentials> {
  const url = await readUrl(flags, ctx);
  return url === undefined ? { kind: 'runner-local' } : { kind: 'url', url };
}

function configOf(
  credentials: AnsweredCredentials,
  bridge: string,
  ctx: Context,
): Record<string, unknown> | undefined {
  switch (credentials.kind) {
    case 'url':
      return { url: configUrl(bridge, credentials.url, ctx.cwd) };
    case 'fields':
      return credentials.config;
    case 'runner-local':
      return undefined;
  }
}

export async function listSources(ctx: Context): Promise<void> {
  const { client } = await openService(ctx);
  const sources = await everyItem(client, '/v1/sources', sourceOf);
  ctx.output.list(sources, COLUMNS, 'no sources yet: semilayer sources add <name>');
}

export async function showSource(given: string | undefined, ctx: Context): Promise<void> {
  const source = await sourceGiven(given, 'sources show', ctx);
  const { client } = await openService(ctx);
  const record = sourceOf(await client.get(recordPath('sources', source)));
  ctx.output.record(record, [
    ['id', record.id],
    ['name', record.name],
    ['bridge', record.bridge],
    ['credentials', record.credentialsLocation],
    ['runners', record.runners, 'list'],
    ['created', record.createdAt, 'time'],
  ]);
}

export async function updateSource(
  given: string | undefined,
  flags: UpdateFlags,
  ctx: Context,
): Promise<void> {
  const { name, credentialsLocation } = flags;
  const bridge = flags.bridge === undefined ? undefined : readBridge(flags.bridge, ctx);
  if (credentialsLocation === 'runner-local' && (flags.urlStdin || flags.url !== undefined)) {
    throw new AppError('usage', {
      message: 'with --credentials-location runner-local there is no URL to store',
    });
  }
  const source = await sourceGiven(given, 'sources update', ctx);
  const { client } = await openService(ctx);
  const path = recordPath('sources', source);
  const url = await readUrl(flags, ctx);
  const change: Record<string, unknown> = {
    ...(name === undefined ? {} : { name }),
    ...(bridge === undefined ? {} : { bridge }),
    ...(credentialsLocation === undefined ? {} : { credentialsLocation }),
  };
  if (url !== undefined) {
    const known = bridge ?? sourceOf(await client.get(path)).bridge ?? '';
    change.credentialsLocation = 'managed';
    change.config = { url: configUrl(known, url, ctx.cwd) };
  }
  if (Object.keys(change).length === 0) {
    throw new AppError('usage', {
      message: 'nothing to change',
      hint: 'semilayer sources update --help shows what can be',
    });
  }
  saySource(sourceOf(await client.patch(path, change)), 'updated', ctx);
}

export async function removeSource(
  given: string | undefined,
  flags: { force?: boolean; yes?: boolean },
  ctx: Context,
): Promise<number> {
  const source = await sourceGiven(given, 'sources remove', ctx);
  const { client } = await openService(ctx);
  const question = `Remove source "${source}"? Nobody can query it any more.`;
  if (!(await agreedAtTerminal(question, flags, ctx, source))) return EXIT.failure;
  await client.delete(`${recordPath('sources', source)}${flags.force ? '?force=true' : ''}`);
  ctx.output.success(`removed source ${source}`);
  return EXIT.ok;
}

export async function listTargets(
  given: string | undefined,
  target: string | undefined,
  ctx: Context,
): Promise<void> {
  const source = await sourceGiven(given, 'sources targets', ctx);
  const { client } = await openService(ctx);
  const path = `${recordPath('sources', source)}/targets`;
  if (target === undefined) {
    const items = targetsOf(await client.get(path));
    ctx.output.list(items, [{ header: 'NAME', value: one => one.name }], 'this source has no tables');
    return;
  }
  const schema = tableOf(await client.get(`${path}/${encodeURIComponent(target)}`));
  if (ctx.global.json) ctx.output.document({ rowCount: null, ...schema });
  else ctx.output.list(schema.columns, TARGET_COLUMNS, 'this table has no columns');
}

function saySource(record: SourceRecord, done: string, ctx: Context): void {
  if (ctx.global.json) ctx.output.document(record);
  ctx.output.success(
    `${done} source ${record.name} (${record.id}), credentials ${record.credentialsLocation}`,
  );
}

/** As `semilayer run` names the variables of a source. */
function variableOf(name: string): string {
  return `SEMILAYER_SOURCE_${name.toUpperCase().replace(/[^A-Z0-9]/g, '_')}`;
}
