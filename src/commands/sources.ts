/** `semilayer sources add|list|show|update|remove|targets`. */
import type { Context } from '../cli/context.ts';
import { AppError } from '../errors.ts';
import type { Column } from '../output/output.ts';
import type { SourceRecord } from './records.ts';
import { everyItem, openService, recordPath } from './service.ts';
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

interface TargetColumn {
  name: string;
  type: string;
  nullable: boolean;
  primaryKey: boolean;
}

const COLUMNS: readonly Column<SourceRecord>[] = [
  { header: 'ID', value: one => one.id },
  { header: 'NAME', value: one => one.name },
  { header: 'BRIDGE', value: one => one.bridge },
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

export async function addSource(name: string, flags: AddFlags, ctx: Context): Promise<void> {
  const ways = [flags.urlStdin === true, flags.url !== undefined, flags.runnerLocal === true];
  if (ways.filter(Boolean).length !== 1) {
    throw new AppError('usage', {
      message: 'say where the credentials are with exactly one of --url-stdin, --url and --runner-local',
      hint: 'semilayer sources add --help has examples',
    });
  }
  const bridge = readBridge(flags.bridge as string, ctx);
  const given = await readUrl(flags, ctx);
  const url = given === undefined ? undefined : configUrl(bridge, given, ctx.cwd);
  const { client } = await openService(ctx);
  const record = (await client.post('/v1/sources', {
    name,
    bridge,
    ...(url === undefined
      ? { credentialsLocation: 'runner-local' }
      : { credentialsLocation: 'managed', config: { url } }),
  })) as SourceRecord;
  saySource(record, 'added', ctx);
  ctx.output.note(`next: semilayer runners assign <runner> ${record.name}`);
  if (url === undefined) ctx.output.note(`where the runner starts, set ${variableOf(record.name)}_URL`);
}

export async function listSources(ctx: Context): Promise<void> {
  const { client } = await openService(ctx);
  const sources = await everyItem<SourceRecord>(client, '/v1/sources');
  ctx.output.list(sources, COLUMNS, 'no sources yet: semilayer sources add <name>');
}

export async function showSource(source: string, ctx: Context): Promise<void> {
  const { client } = await openService(ctx);
  const record = (await client.get(recordPath('sources', source))) as SourceRecord;
  ctx.output.record(record, [
    ['id', record.id],
    ['name', record.name],
    ['bridge', record.bridge],
    ['credentials', record.credentialsLocation],
    ['runners', record.runners, 'list'],
    ['created', record.createdAt, 'time'],
  ]);
}

export async function updateSource(source: string, flags: UpdateFlags, ctx: Context): Promise<void> {
  const { name, credentialsLocation } = flags;
  const bridge = flags.bridge === undefined ? undefined : readBridge(flags.bridge, ctx);
  if (credentialsLocation === 'runner-local' && (flags.urlStdin || flags.url !== undefined)) {
    throw new AppError('usage', {
      message: 'with --credentials-location runner-local there is no URL to store',
    });
  }
  const { client } = await openService(ctx);
  const path = recordPath('sources', source);
  const url = await readUrl(flags, ctx);
  const change: Record<string, unknown> = {
    ...(name === undefined ? {} : { name }),
    ...(bridge === undefined ? {} : { bridge }),
    ...(credentialsLocation === undefined ? {} : { credentialsLocation }),
  };
  if (url !== undefined) {
    const known = bridge ?? ((await client.get(path)) as SourceRecord).bridge;
    change.credentialsLocation = 'managed';
    change.config = { url: configUrl(known, url, ctx.cwd) };
  }
  if (Object.keys(change).length === 0) {
    throw new AppError('usage', {
      message: 'nothing to change',
      hint: 'semilayer sources update --help shows what can be',
    });
  }
  saySource((await client.patch(path, change)) as SourceRecord, 'updated', ctx);
}

export async function removeSource(source: string, flags: { force?: boolean }, ctx: Context): Promise<void> {
  const { client } = await openService(ctx);
  await client.delete(`${recordPath('sources', source)}${flags.force ? '?force=true' : ''}`);
  ctx.output.success(`removed source ${source}`);
}

export async function listTargets(source: string, target: string | undefined, ctx: Context): Promise<void> {
  const { client } = await openService(ctx);
  const path = `${recordPath('sources', source)}/targets`;
  if (target === undefined) {
    const { items } = (await client.get(path)) as { items: { name: string }[] };
    ctx.output.list(items, [{ header: 'NAME', value: one => one.name }], 'this source has no tables');
    return;
  }
  const schema = (await client.get(`${path}/${encodeURIComponent(target)}`)) as { columns: TargetColumn[] };
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
