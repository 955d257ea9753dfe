/** `semilayer gateway keys|backup`: the way back into a gateway that is stopped, through its directory. */
import { resolve } from 'node:path';
import type { Context } from '../cli/context.ts';
import { AppError, EXIT } from '../errors.ts';
import { fingerprintOf, formatSecret, hashSecret, TOKEN_SECRET_BYTES } from '../protocol/token.ts';
import { openDataDirectory } from '../store/data-directory.ts';
import { openSqliteStore } from '../store/sqlite-store.ts';
import type { Actor, ApiKeyRecord, Role, Store } from '../store/store.ts';
import { agreedAtTerminal } from './ask.ts';
import { KEY_COLUMNS } from './keys.ts';
import type { KeyRecord } from './records.ts';

export interface DirectoryFlags {
  dataDir?: string;
}

/** Whoever may write to the directory; the audit log has no better name for them. */
const ACTOR: Actor = { keyId: null, name: 'command line' };
const PAGE_LIMIT = 1_000;

export async function createGatewayKey(
  name: string,
  flags: DirectoryFlags & { role?: string },
  ctx: Context,
): Promise<void> {
  const secret = formatSecret('sk_', ctx.random.bytes(TOKEN_SECRET_BYTES));
  const fingerprint = fingerprintOf(secret);
  const record = await withStore(flags, ctx, store =>
    store.createKey(
      { id: ctx.random.uuid(), name, role: flags.role as Role, hash: hashSecret(secret), fingerprint },
      ACTOR,
    ),
  );
  if (ctx.global.json) ctx.output.document({ ...viewOf(record), key: secret });
  else ctx.output.data(`SEMILAYER_API_KEY=${secret}`);
  ctx.output.success(`created key ${record.name} (${record.role}), ${fingerprint}: shown this once`);
}

export async function listGatewayKeys(flags: DirectoryFlags, ctx: Context): Promise<void> {
  const records = await withStore(flags, ctx, async store => {
    const all: ApiKeyRecord[] = [];
    for (let page: ApiKeyRecord[] = []; ; ) {
      page = await store.listKeys({ limit: PAGE_LIMIT, after: page[page.length - 1]?.name });
      all.push(...page);
      if (page.length < PAGE_LIMIT) return all;
    }
  });
  ctx.output.list(records.map(viewOf), KEY_COLUMNS, 'no keys');
}

export async function revokeGatewayKey(
  key: string,
  flags: DirectoryFlags & { yes?: boolean },
  ctx: Context,
): Promise<number> {
  const question = `Revoke the API key "${key}"? Whoever uses it is refused once the gateway runs again.`;
  if (!(await agreedAtTerminal(question, flags, ctx, key))) return EXIT.failure;
  // Whoever is here can make another, so even the last admin key may go.
  const record = await withStore(flags, ctx, store => store.revokeKey(key, ACTOR, { allowLastAdmin: true }));
  ctx.output.success(`revoked key ${record.name}`);
  return EXIT.ok;
}

export async function backupGateway(file: string, flags: DirectoryFlags, ctx: Context): Promise<void> {
  const path = resolve(ctx.cwd, file);
  await withStore(flags, ctx, store => store.backup(path));
  ctx.output.success(`wrote ${path}`);
  ctx.output.note(`and ${path}.key, without which stored source configs cannot be read: keep the two apart`);
}

/** Takes the directory for this process alone, and gives it back. */
async function withStore<T>(
  flags: DirectoryFlags,
  ctx: Context,
  act: (store: Store) => Promise<T>,
): Promise<T> {
  const directory = await openDataDirectory(resolve(ctx.cwd, flags.dataDir ?? 'semilayer-data'), {
    create: false,
  });
  try {
    const store = await openSqliteStore({ directory, clock: ctx.clock });
    try {
      return await act(store);
    } finally {
      await store.close();
    }
  } catch (error) {
    if (error instanceof AppError) throw error;
    throw new AppError('internal', { message: `${directory.path} could not be used`, cause: error });
  } finally {
    await directory.close();
  }
}

function viewOf(record: ApiKeyRecord): KeyRecord {
  const { id, name, role, fingerprint, createdAt, revokedAt } = record;
  return {
    id,
    name,
    role,
    fingerprint,
    createdAt: new Date(createdAt).toISOString(),
    revokedAt: revokedAt === null ? null : new Date(revokedAt).toISOString(),
  };
}
