/** The doctor's first look: what is set, what contradicts itself, and the runner's credential. */
import { readFile, stat } from 'node:fs/promises';
import type { Context } from '../../cli/context.ts';
import { readCaFile } from '../../config/ca-file.ts';
import { readEnvFile } from '../../config/env-file.ts';
import { gatherInput, resolveGatewayUrl, resolveService } from '../../config/resolve.ts';
import { configFile } from '../../config/user-config.ts';
import { AppError, messageOf } from '../../errors.ts';
import { checkChecksum, fingerprintOf } from '../../protocol/token.ts';
import { checkedGatewayUrl } from '../run-settings.ts';
import { type Finding, failed, ok, warning } from './finding.ts';

export interface DoctorFlags {
  id?: string;
  gatewayUrl?: string;
  envFile?: string;
  tokenFile?: string;
  idle?: string;
}

export interface Examined {
  env: Record<string, string | undefined>;
  gatewayUrl: string | undefined;
  runnerId: string | undefined;
  token: string | undefined;
  ca: string[] | undefined;
  findings: Finding[];
}

/** Never throws for what is set wrongly: that is what it is asked about. */
export async function examineSettings(flags: DoctorFlags, ctx: Context): Promise<Examined> {
  const findings: Finding[] = [];
  const tried = async <T>(name: string, read: () => Promise<T>): Promise<T | undefined> => {
    try {
      return await read();
    } catch (error) {
      findings.push(failed(name, messageOf(error), error instanceof AppError ? (error.hint ?? null) : null));
      return undefined;
    }
  };
  const { envFile } = flags;
  const fromFile =
    envFile === undefined ? undefined : await tried('config', async () => await readEnvFile(envFile));
  const env: Record<string, string | undefined> = { ...ctx.env, ...fromFile };
  const settings = await tried('config', async () => resolveService(await gatherInput(ctx)));
  const gateway = await tried('config', () => resolveGatewayUrl({ ...ctx, env }, flags.gatewayUrl));
  const insecure = ctx.global.insecure || env.SEMILAYER_INSECURE === '1' || env.SEMILAYER_INSECURE === 'true';
  const gatewayUrl =
    gateway && (await tried('config', async () => checkedGatewayUrl(gateway.value, insecure)));
  const ca = await tried('config', () => readCaFile(ctx.global.caFile, env));
  // The same trouble told twice, by service and gateway, is one.
  const troubles = findings.filter(
    (one, at) => findings.findIndex(other => other.message === one.message) === at,
  );
  if (troubles.length === 0 && settings && gateway) {
    const context = settings.context ? `context "${settings.context.value}"` : 'no context';
    troubles.push(ok('config', `${context}; gateway ${shown(gateway.value)} (from ${gateway.from})`));
  }
  const exposed = await exposedFile(configFile(ctx.env));
  if (exposed) troubles.push(exposed);

  const runnerId = flags.id ?? (env.SEMILAYER_RUNNER_ID || undefined);
  const credential = await examineToken(flags, env, runnerId, ctx);
  return {
    env,
    gatewayUrl,
    runnerId,
    token: credential.token,
    ca,
    findings: [...troubles, ...credential.findings],
  };
}

/** Whether the gateway accepts it is found out where the gateway is asked. */
async function examineToken(
  flags: DoctorFlags,
  env: Record<string, string | undefined>,
  runnerId: string | undefined,
  ctx: Context,
): Promise<{ token: string | undefined; findings: Finding[] }> {
  const value = env.SEMILAYER_RUNNER_TOKEN || undefined;
  const file = flags.tokenFile ?? (env.SEMILAYER_RUNNER_TOKEN_FILE || undefined);
  // No bridge and no child finds it in an environment.
  delete env.SEMILAYER_RUNNER_TOKEN;
  delete ctx.env.SEMILAYER_RUNNER_TOKEN;
  const only = (finding: Finding) => ({ token: undefined, findings: [finding] });
  if (value !== undefined && flags.tokenFile === undefined && file !== undefined) {
    const both = 'both SEMILAYER_RUNNER_TOKEN and SEMILAYER_RUNNER_TOKEN_FILE are set';
    return only(failed('token', both, 'unset one of them'));
  }
  if (value === undefined && file === undefined) {
    return only(
      runnerId === undefined
        ? warning(
            'token',
            'no runner is configured here',
            'semilayer runners create <name> --env-file .env, then semilayer doctor --env-file .env',
          )
        : failed(
            'token',
            `no token for runner ${runnerId}`,
            'set SEMILAYER_RUNNER_TOKEN_FILE or SEMILAYER_RUNNER_TOKEN; lost it? semilayer runners rotate',
          ),
    );
  }
  const findings: Finding[] = [];
  let token = value;
  if (flags.tokenFile !== undefined || token === undefined) {
    try {
      token = (await readFile(file as string, 'utf8')).replace(/^\uFEFF/, '').trim();
    } catch (error) {
      const code = (error as NodeJS.ErrnoException).code ?? 'unreadable';
      return only(
        failed('token', `the token file ${file} cannot be read (${code})`, 'write the token to that file'),
      );
    }
    const exposed = await exposedFile(file as string);
    if (exposed) findings.push({ ...exposed, name: 'token' });
  }
  const finding = judge(token ?? '');
  findings.push(finding);
  if (finding.status === 'failed' && !/checksum/.test(finding.message)) return { token: undefined, findings };
  if (runnerId === undefined) {
    findings.push(
      failed('token', 'there is a token, but no runner ID', 'set SEMILAYER_RUNNER_ID, or pass --id'),
    );
  }
  return { token, findings };
}

function judge(token: string): Finding {
  if (token === '') return failed('token', 'the token is empty', 'semilayer runners rotate makes another');
  if (!/^[\x21-\x7e]{1,1024}$/.test(token)) {
    return failed(
      'token',
      'the token is not one word',
      'copy it again, without quotes, spaces or line breaks',
    );
  }
  if (!token.startsWith('rk_')) {
    return failed(
      'token',
      `${fingerprintOf(token)} is no runner token: those start with rk_`,
      token.startsWith('sk_') ? 'that is an API key; a runner needs its own token' : 'copy it again',
    );
  }
  switch (checkChecksum(token)) {
    case 'ok':
      return ok('token', `${fingerprintOf(token)}, checksum right`);
    case 'unknown':
      return ok('token', `${fingerprintOf(token)}, of a form without a checksum`);
    case 'wrong':
      return failed(
        'token',
        `${fingerprintOf(token)}: its checksum is wrong`,
        'it was probably cut or mistyped: copy it again, or semilayer runners rotate',
      );
  }
}

/** A file with a secret in it that others on this machine may read; on Windows access is not in the mode. */
async function exposedFile(path: string): Promise<Finding | undefined> {
  if (process.platform === 'win32') return undefined;
  const found = await stat(path).catch(() => undefined);
  if (!found?.isFile() || (found.mode & 0o044) === 0) return undefined;
  return warning('config', `${path} can be read by others on this machine`, `chmod 600 ${path}`);
}

/** Without what a query may hold. */
function shown(url: string): string {
  return URL.canParse(url) ? (url.split(/[?#]/, 1)[0] as string) : url;
}
