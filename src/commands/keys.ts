/** `semilayer keys create|list|revoke`. */
import type { Context } from '../cli/context.ts';
import { AppError, EXIT } from '../errors.ts';
import type { Column } from '../output/output.ts';
import { agreedAtTerminal } from './ask.ts';
import { type KeyRecord, keyOf } from './records.ts';
import { everyItem, openService, recordPath } from './service.ts';

export const KEY_COLUMNS: readonly Column<KeyRecord>[] = [
  { header: 'ID', value: one => one.id },
  { header: 'NAME', value: one => one.name },
  { header: 'ROLE', value: one => one.role },
  { header: 'KEY', value: one => one.fingerprint },
  { header: 'CREATED', value: one => one.createdAt, format: 'time' },
  { header: 'REVOKED', value: one => one.revokedAt, format: 'time' },
];

export async function createKey(name: string, flags: { role?: string }, ctx: Context): Promise<void> {
  const { client } = await openService(ctx);
  const answer = await client.post('/v1/keys', { name, role: flags.role });
  const record = keyOf(answer) as KeyRecord & { key: string };
  if (typeof record?.key !== 'string') {
    throw new AppError('incomplete_response', { message: 'the service answered without a key' });
  }
  if (ctx.global.json) ctx.output.document(record);
  else ctx.output.data(`SEMILAYER_API_KEY=${record.key}`);
  ctx.output.success(`created key ${record.name} (${record.role}), ${record.fingerprint}: shown this once`);
  ctx.output.next('semilayer login --api-key-stdin, where it is used');
}

export async function listKeys(ctx: Context): Promise<void> {
  const { client } = await openService(ctx);
  ctx.output.list(await everyItem(client, '/v1/keys', keyOf), KEY_COLUMNS, 'no keys');
}

export async function revokeKey(key: string, flags: { yes?: boolean }, ctx: Context): Promise<number> {
  const { client } = await openService(ctx);
  const question = `Revoke the API key "${key}"? Whoever uses it is refused at once.`;
  if (!(await agreedAtTerminal(question, flags, ctx, key))) return EXIT.failure;
  await client.delete(recordPath('keys', key));
  ctx.output.success(`revoked key ${key}`);
  return EXIT.ok;
}
