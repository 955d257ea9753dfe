/** The databases that this runner holds the credentials of: is each set, and can each be opened from here. */

import { resolveBridge } from '../../bridges/registry.ts';
import type { Context } from '../../cli/context.ts';
import { messageOf } from '../../errors.ts';
import type { AssignedSource } from '../../protocol/frames.ts';
import { readLocalConfig, variablePrefix } from '../../runner/local-credentials.ts';
import { SourcePool } from '../../runner/source-pool.ts';
import { elapsed, type Finding, failed, ok, warning } from './finding.ts';

type Environment = Readonly<Record<string, string | undefined>>;

const VARIABLE = /^(SEMILAYER_SOURCE_.+?)_(URL_FILE|CONFIG_FILE|URL|CONFIG)$/;
const CONNECT_TIMEOUT_MS = 10_000;

/** @param assigned as the gateway said; undefined when it could not be asked. */
export async function examineSources(
  assigned: readonly AssignedSource[] | undefined,
  env: Environment,
  ctx: Context,
  report: (finding: Finding) => void,
): Promise<void> {
  const local = (assigned ?? []).filter(source => source.credentialsLocation === 'runner-local');
  for (const source of local) report(await examine(source, assigned ?? [], env, ctx));
  const known = new Set(local.map(source => variablePrefix(source.name)));
  for (const prefix of prefixesIn(env)) {
    if (known.has(prefix)) continue;
    if (assigned) {
      const hint = 'semilayer runners assign <runner> <source>, or unset it';
      report(warning('source', `${prefix}_… is set, but no such source is assigned to this runner`, hint));
    } else {
      report(await examineUnassigned(prefix, env, ctx));
    }
  }
}

async function examine(
  source: AssignedSource,
  assigned: readonly AssignedSource[],
  env: Environment,
  ctx: Context,
): Promise<Finding> {
  const started = ctx.clock.monotonic();
  const took = (): { durationMs: number } => ({ durationMs: elapsed(started, ctx.clock.monotonic()) });
  const pool = new SourcePool({
    clock: ctx.clock,
    resolveBridge,
    localConfig: wanted => readLocalConfig(wanted, assigned, env),
  });
  try {
    const opened = await inTime(pool.open(source), ctx);
    if (opened === undefined) {
      const message = `${source.name}: the database did not answer within ${CONNECT_TIMEOUT_MS / 1000} s`;
      return failed('source', message, 'is a firewall between it and this machine?', took());
    }
    try {
      await opened.bridge.ping?.();
    } finally {
      await opened.bridge.disconnect();
    }
    return ok('source', `${source.name}: ${source.bridge} connects`, took());
  } catch (error) {
    return failed('source', `${source.name}: ${messageOf(error)}`, hintOf(source, error), took());
  }
}

/** Without the gateway the kind of database shows in its URL, or not at all. */
async function examineUnassigned(prefix: string, env: Environment, ctx: Context): Promise<Finding> {
  const name = prefix.slice('SEMILAYER_SOURCE_'.length).toLowerCase();
  const source = (bridge: string): AssignedSource => ({
    id: name,
    name,
    bridge,
    credentialsLocation: 'runner-local',
  });
  try {
    const { url } = await readLocalConfig(source(''), [], env);
    if (typeof url !== 'string') {
      return warning(
        'source',
        `${name}: not tested, because its kind is not known`,
        'the gateway knows it: set ID and token',
      );
    }
    return await examine(source(bridgeOf(url)), [], env, ctx);
  } catch (error) {
    return failed('source', messageOf(error), null);
  }
}

function bridgeOf(url: string): string {
  if (/^postgres(?:ql)?:/i.test(url)) return '@semilayer/bridge-postgres';
  if (/^(?:mysql|mariadb):/i.test(url)) return '@semilayer/bridge-mysql';
  return '@semilayer/bridge-sqlite';
}

function hintOf(source: AssignedSource, error: unknown): string | null {
  const { code } = error as { code?: string };
  // The message names the variable.
  if (code === 'SOURCE_CONFIG_MISSING') return null;
  if ((error as Error).name === 'BridgeNotFoundError') return `npm install ${source.bridge}`;
  return 'can this machine reach the database, and are user and password right?';
}

function prefixesIn(env: Environment): string[] {
  const set = Object.keys(env).filter(name => (env[name] ?? '') !== '');
  return [...new Set(set.flatMap(name => VARIABLE.exec(name)?.[1] ?? []))].sort();
}

async function inTime<T>(opening: Promise<T>, ctx: Context): Promise<T | undefined> {
  const done = new AbortController();
  // Whoever comes too late is not waited for.
  opening.catch(() => {});
  try {
    return await Promise.race([
      opening,
      ctx.clock.sleep(CONNECT_TIMEOUT_MS, done.signal).then(() => undefined),
    ]);
  } finally {
    done.abort();
  }
}
