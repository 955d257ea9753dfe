/** Tells of a newer version: on a terminal, at most daily, never in CI, and not at all with SEMILAYER_NO_UPDATE_CHECK. */
import { readFile, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Context } from '../cli/context.ts';
import { configDirectory } from '../config/user-config.ts';
import { proxyAgent } from '../platform/agent.ts';
import { isCi } from '../platform/environment.ts';
import { probeHttp } from '../platform/http-probe.ts';
import { makeDirectory } from '../platform/make-directory.ts';

const DAY_MS = 86_400_000;
/** Waited for once a day, after the command has done its work. */
const PATIENCE_MS = 1_000;
/** Asked over TLS, unless npm itself is set to ask another. */
const REGISTRY_HOST = 'registry.npmjs.org';

interface Seen {
  /** Milliseconds since the epoch: when the registry was last asked, whatever came of it. */
  checkedAt: number;
  latest: string | null;
}

/** Whether this process may ask and tell. */
export function mayCheckForUpdate(ctx: Context): boolean {
  const { env, streams, global } = ctx;
  return (
    streams.stdout.isTTY === true &&
    streams.stderr.isTTY === true &&
    !global.quiet &&
    !global.json &&
    !isCi(env) &&
    (env.SEMILAYER_NO_UPDATE_CHECK ?? '') === ''
  );
}

export function updateCheckFile(env: Context['env']): string {
  return join(configDirectory(env), 'update-check.json');
}

/** Never throws, and never takes longer than a second. */
export async function tellOfUpdate(ctx: Context): Promise<void> {
  try {
    const path = updateCheckFile(ctx.env);
    let seen = await read(path);
    const now = ctx.clock.now();
    if (!seen || now - seen.checkedAt >= DAY_MS || seen.checkedAt > now) {
      // Written first: a registry that does not answer is asked again tomorrow, not at the next command.
      await write(path, { checkedAt: now, latest: seen?.latest ?? null });
      seen = { checkedAt: now, latest: await askRegistry(ctx) };
      await write(path, seen);
    }
    if (seen.latest === null) return;
    const { gt } = await import('semver');
    if (!gt(seen.latest, ctx.version)) return;
    ctx.output.note(
      `\nsemilayer ${seen.latest} is out, this is ${ctx.version}: npm install -g semilayer (SEMILAYER_NO_UPDATE_CHECK=1 ends this)`,
    );
  } catch {
    // A notice is no reason for anything to fail: no network, a read-only home, an answer that is none.
  }
}

async function askRegistry(ctx: Context): Promise<string | null> {
  const url = new URL(ctx.env.npm_config_registry || `https://${REGISTRY_HOST}`);
  url.pathname = `${url.pathname.replace(/\/+$/, '')}/semilayer/latest`;
  const agent = await proxyAgent(url.href, { env: ctx.env });
  const { status, body, tls } = await probeHttp({ url, agent, timeoutMs: PATIENCE_MS });
  if (status !== 200 || tls?.problem !== undefined) return null;
  const version = /"version":"(\d+\.\d+\.\d+)"/.exec(body)?.[1];
  return version ?? null;
}

async function read(path: string): Promise<Seen | undefined> {
  try {
    const { checkedAt, latest } = JSON.parse(await readFile(path, 'utf8')) as Partial<Seen>;
    if (typeof checkedAt !== 'number') return undefined;
    return { checkedAt, latest: typeof latest === 'string' ? latest : null };
  } catch {
    return undefined;
  }
}

async function write(path: string, seen: Seen): Promise<void> {
  await makeDirectory(join(path, '..'));
  const temporary = `${path}.${process.pid}`;
  await writeFile(temporary, `${JSON.stringify(seen)}\n`, { mode: 0o600 });
  await rename(temporary, path);
}
