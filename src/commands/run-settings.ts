/** What `semilayer run` will do, out of flags, environment and files, before anything is started. */
import { readFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import type { Context } from '../cli/context.ts';
import { readCaFile } from '../config/ca-file.ts';
import { readEnvFile } from '../config/env-file.ts';
import { resolveGatewayUrl } from '../config/resolve.ts';
import { AppError } from '../errors.ts';
import { parseDuration } from '../platform/duration.ts';
import { isLoopbackHost } from '../platform/network.ts';
import { checkChecksum, fingerprintOf } from '../protocol/token.ts';
import { Policy } from '../runner/policy/policy.ts';

/** Found in the working directory where no other is named. */
const POLICY_FILE = 'semilayer.policy.json';

/** As commander hands them over: every value a string. */
export interface RunFlags {
  id?: string;
  gatewayUrl?: string;
  envFile?: string;
  tokenFile?: string;
  tokenWait?: string;
  concurrency?: string;
  gracePeriod?: string;
  healthPort?: string;
  logFormat?: string;
  logLevel?: string;
  emit?: string;
  policy?: string;
  ledger?: string;
  ledgerFsync?: boolean;
  ledgerOnFailure?: string;
}

export interface RunSettings {
  runnerId: string;
  gatewayUrl: string;
  gatewayUrlFrom: string;
  authToken: string | undefined;
  tokenFile: string | undefined;
  /** Of the token now in use; undefined when its file is not there yet. */
  fingerprint: string | undefined;
  tokenWaitMs: number;
  concurrency: number | undefined;
  gracePeriodMs: number;
  health: { host: string; port: number } | undefined;
  logFormat: 'pretty' | 'json';
  policy: { policy: Policy; path: string } | undefined;
  ledger: { directory: string; fsync: boolean; onFailure: 'stop' | 'continue' } | undefined;
  ca: string[] | undefined;
  /** The environment that bridges see: without the token. */
  env: Record<string, string | undefined>;
  warnings: string[];
}

/** @throws AppError `usage` (no ID, two tokens, bad value), `no_credential` (an ID without its token). */
export async function resolveRunSettings(flags: RunFlags, ctx: Context): Promise<RunSettings> {
  const fromFile = flags.envFile === undefined ? {} : await readEnvFile(flags.envFile);
  const env: Record<string, string | undefined> = { ...ctx.env, ...fromFile };
  const warnings: string[] = [];

  const runnerId = flags.id ?? nonEmpty(env.SEMILAYER_RUNNER_ID);
  if (runnerId === undefined) {
    throw new AppError('usage', {
      message: 'no runner ID',
      hint: 'semilayer runners create <name> > .env && semilayer run --env-file .env; or set SEMILAYER_RUNNER_ID, or pass --id',
    });
  }
  const token = await resolveToken(flags, env, runnerId, ctx);
  // From here on no bridge and no child finds it in an environment.
  delete env.SEMILAYER_RUNNER_TOKEN;
  delete ctx.env.SEMILAYER_RUNNER_TOKEN;

  const gateway = await resolveGatewayUrl({ ...ctx, env }, flags.gatewayUrl);
  const insecure = ctx.global.insecure || isSet(env.SEMILAYER_INSECURE);
  const current = token.authToken ?? (await peek(token.tokenFile));
  if (current !== undefined && checkChecksum(current) === 'wrong') {
    warnings.push("the token's checksum is wrong: it was probably cut or mistyped when it was copied");
  }
  return {
    runnerId,
    gatewayUrl: checkedGatewayUrl(gateway.value, insecure),
    gatewayUrlFrom: gateway.from,
    ...token,
    fingerprint: current === undefined ? undefined : fingerprintOf(current),
    tokenWaitMs: parseDuration(flags.tokenWait ?? '10s', '--token-wait'),
    concurrency:
      flags.concurrency === undefined ? undefined : integer(flags.concurrency, '--concurrency', 1, 1024),
    gracePeriodMs: parseDuration(flags.gracePeriod ?? '25s', '--grace-period'),
    health: resolveHealth(flags, env),
    logFormat: logFormatOf(flags.logFormat),
    ledger: resolveLedger(flags, env, ctx.cwd),
    policy: await readPolicy(flags.policy ?? nonEmpty(env.SEMILAYER_POLICY_FILE), ctx.cwd),
    ca: await readCaFile(ctx.global.caFile, env),
    env,
    warnings,
  };
}

async function resolveToken(
  flags: RunFlags,
  env: Record<string, string | undefined>,
  runnerId: string,
  ctx: Context,
): Promise<Pick<RunSettings, 'authToken' | 'tokenFile'>> {
  if (flags.tokenFile === '-') {
    const authToken = nonEmpty((await readAll(ctx.streams.stdin)).trim());
    if (authToken !== undefined) return { authToken, tokenFile: undefined };
    throw new AppError('no_credential', {
      message: '--token-file -: there is no token on stdin',
      hint: 'for example: semilayer run --token-file - < token',
    });
  }
  if (flags.tokenFile !== undefined) return { authToken: undefined, tokenFile: flags.tokenFile };
  const value = nonEmpty(env.SEMILAYER_RUNNER_TOKEN?.trim());
  const file = nonEmpty(env.SEMILAYER_RUNNER_TOKEN_FILE);
  if (value !== undefined && file !== undefined) {
    throw new AppError('usage', {
      message: 'both SEMILAYER_RUNNER_TOKEN and SEMILAYER_RUNNER_TOKEN_FILE are set',
      hint: 'unset one of them',
    });
  }
  if (value === undefined && file === undefined) {
    throw new AppError('no_credential', {
      message: `no token for runner ${runnerId}`,
      hint: 'set SEMILAYER_RUNNER_TOKEN or SEMILAYER_RUNNER_TOKEN_FILE, or pass --env-file or --token-file; lost it? semilayer runners rotate',
    });
  }
  return { authToken: value, tokenFile: file };
}

/** A name without a path is taken for a gateway of ours; plain `ws` is for this machine alone. */
export function checkedGatewayUrl(text: string, insecure: boolean): string {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  const scheme = url && { 'ws:': 'ws:', 'wss:': 'wss:', 'http:': 'ws:', 'https:': 'wss:' }[url.protocol];
  if (!url || !scheme) {
    throw new AppError('usage', {
      message: 'the gateway URL is not a ws:// or wss:// URL',
      hint: 'for example wss://runner.semilayer.com/connect',
    });
  }
  if (url.username !== '' || url.password !== '' || url.hash !== '') {
    throw new AppError('usage', {
      message: 'the gateway URL must not hold a user, a password or a fragment',
      hint: 'the token goes into SEMILAYER_RUNNER_TOKEN_FILE',
    });
  }
  if (scheme === 'ws:' && !insecure && !isLoopbackHost(url.hostname)) {
    throw new AppError('usage', {
      message: `${url.protocol}//${url.host} is not encrypted and not on this machine`,
      hint: 'use wss://, or --insecure (SEMILAYER_INSECURE=1) if the network between is trusted',
    });
  }
  const rest = url.href.slice(url.protocol.length);
  return url.pathname === '/' && url.search === '' ? `${scheme}//${url.host}/connect` : scheme + rest;
}

function resolveHealth(flags: RunFlags, env: Record<string, string | undefined>): RunSettings['health'] {
  const [text, from] =
    flags.healthPort !== undefined
      ? [flags.healthPort, '--health-port']
      : nonEmpty(env.SEMILAYER_HEALTH_PORT) !== undefined
        ? [env.SEMILAYER_HEALTH_PORT, 'SEMILAYER_HEALTH_PORT']
        : [nonEmpty(env.PORT), 'PORT'];
  if (text === undefined) return undefined;
  return { port: integer(text, from, 0, 65_535), host: nonEmpty(env.SEMILAYER_HEALTH_HOST) ?? '127.0.0.1' };
}

/** A whole number within bounds, or a usage error that names where it came from. */
export function integer(text: string, what: string, min: number, max: number): number {
  const value = /^\d{1,15}$/.test(text.trim()) ? Number(text) : Number.NaN;
  if (!(value >= min && value <= max)) {
    throw new AppError('usage', { message: `${what} must be a whole number from ${min} to ${max}` });
  }
  return value;
}

function logFormatOf(text = 'pretty'): 'pretty' | 'json' {
  if (text === 'pretty' || text === 'json') return text;
  throw new AppError('usage', { message: `--log-format must be pretty or json, not "${text}"` });
}

function resolveLedger(
  flags: RunFlags,
  env: Record<string, string | undefined>,
  cwd: string,
): RunSettings['ledger'] {
  const directory = flags.ledger ?? nonEmpty(env.SEMILAYER_LEDGER_DIR);
  if (directory === undefined) return undefined;
  const onFailure = flags.ledgerOnFailure ?? nonEmpty(env.SEMILAYER_LEDGER_ON_FAILURE) ?? 'stop';
  if (onFailure !== 'stop' && onFailure !== 'continue') {
    throw new AppError('usage', {
      message: `SEMILAYER_LEDGER_ON_FAILURE must be stop or continue, not "${onFailure}"`,
    });
  }
  const fsync = flags.ledgerFsync ?? isSet(env.SEMILAYER_LEDGER_FSYNC);
  return { directory: resolve(cwd, directory), fsync, onFailure };
}

/** One that is named must be there; the one in the working directory may be. */
async function readPolicy(named: string | undefined, cwd: string): Promise<RunSettings['policy']> {
  const path = resolve(cwd, named ?? POLICY_FILE);
  let text: string;
  try {
    text = await readFile(path, 'utf8');
  } catch (cause) {
    const code = (cause as NodeJS.ErrnoException).code ?? 'unreadable';
    if (named === undefined && code === 'ENOENT') return undefined;
    throw new AppError('usage', {
      message: `the policy ${path} cannot be read (${code})`,
      hint: 'a runner without its policy would let everything out, so it does not start',
    });
  }
  return { policy: Policy.parse(text, path), path };
}

async function readAll(stdin: NodeJS.ReadStream): Promise<string> {
  let text = '';
  for await (const chunk of stdin) text += chunk;
  return text;
}

/** A token file may appear later (`--token-wait`): not being there yet is no error here. */
async function peek(path: string | undefined): Promise<string | undefined> {
  if (path === undefined) return undefined;
  try {
    return nonEmpty((await readFile(path, 'utf8')).trim());
  } catch {
    return undefined;
  }
}

function nonEmpty(text: string | undefined): string | undefined {
  return text === undefined || text === '' ? undefined : text;
}

function isSet(text: string | undefined): boolean {
  return text === '1' || text === 'true';
}
