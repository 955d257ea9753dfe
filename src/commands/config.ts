/** `semilayer config explain|paths`. */
import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import type { Context } from '../cli/context.ts';
import { readProjectFile } from '../config/project-file.ts';
import { gatherInput, type Resolved, resolveGatewayUrl, resolveService } from '../config/resolve.ts';
import { configDirectory, configFile } from '../config/user-config.ts';
import { AppError } from '../errors.ts';
import { fingerprintOf } from '../protocol/token.ts';

interface Setting {
  name: string;
  value: string | null;
  from: string | null;
}

/** Read as they are; those that hold a secret are shown as fingerprints, and proxies without their credentials. */
const VARIABLES = [
  'SEMILAYER_RUNNER_ID',
  'SEMILAYER_RUNNER_TOKEN_FILE',
  'SEMILAYER_RUNNER_TOKEN',
  'SEMILAYER_HEALTH_PORT',
  'PORT',
  'SEMILAYER_HEALTH_HOST',
  'SEMILAYER_INSECURE',
  'HTTPS_PROXY',
  'HTTP_PROXY',
  'NO_PROXY',
  'NODE_EXTRA_CA_CERTS',
  'NO_COLOR',
  'FORCE_COLOR',
  'CI',
];

export async function explainConfig(ctx: Context): Promise<void> {
  const settings = [...(await serviceSettings(ctx)), ...environmentSettings(ctx)];
  ctx.output.list(
    settings,
    [
      { header: 'NAME', value: one => one.name },
      { header: 'VALUE', value: one => one.value },
      { header: 'FROM', value: one => one.from },
    ],
    '',
  );
}

export async function listPaths(ctx: Context): Promise<void> {
  const project = await readProjectFile(ctx.cwd).catch(() => undefined);
  const paths = [
    { name: 'config', path: configFile(ctx.env), what: 'contexts and their keys, mode 0600' },
    {
      name: 'gateway data',
      path: resolve(ctx.cwd, 'semilayer-data'),
      what: 'of `gateway`, unless --data-dir',
    },
    ...(project ? [{ name: 'project', path: project.path, what: 'read, never written' }] : []),
  ].map(one => ({ ...one, exists: existsSync(one.path) }));
  ctx.output.list(
    paths,
    [
      { header: 'NAME', value: one => one.name },
      { header: 'PATH', value: one => one.path },
      { header: 'EXISTS', value: one => one.exists },
      { header: 'WHAT', value: one => one.what },
    ],
    '',
  );
}

/** What cannot be resolved is explained as well: that is when one asks. */
async function serviceSettings(ctx: Context): Promise<Setting[]> {
  const directory = {
    value: configDirectory(ctx.env),
    from: ctx.env.SEMILAYER_CONFIG_DIR ? 'SEMILAYER_CONFIG_DIR' : 'default',
  };
  const ca: Resolved | undefined =
    ctx.global.caFile !== undefined
      ? { value: ctx.global.caFile, from: '--ca-file' }
      : ctx.env.SEMILAYER_CA_FILE
        ? { value: ctx.env.SEMILAYER_CA_FILE, from: 'SEMILAYER_CA_FILE' }
        : undefined;
  const rows = [setting('config directory', directory)];
  try {
    const { context, serviceUrl, key } = resolveService(await gatherInput(ctx));
    rows.push(
      setting('context', context),
      setting('service URL', serviceUrl),
      setting('API key', key && { ...key, value: fingerprintOf(key.value) }),
    );
  } catch (error) {
    if (!(error instanceof AppError)) throw error;
    ctx.output.warn(error.message);
    rows.push(setting('service URL', undefined), setting('API key', undefined));
  }
  const gateway = await resolveGatewayUrl(ctx, undefined).catch(() => undefined);
  rows.push(setting('gateway URL', gateway), setting('CA file', ca));
  return rows;
}

function environmentSettings(ctx: Context): Setting[] {
  return VARIABLES.flatMap(name => {
    const found = [name, name.toLowerCase()].find(one => ctx.env[one]);
    const value = found === undefined ? undefined : ctx.env[found];
    if (found === undefined || value === undefined) return [];
    return [{ name, value: shown(name, value), from: found }];
  });
}

function shown(name: string, value: string): string {
  if (name === 'SEMILAYER_RUNNER_TOKEN') return fingerprintOf(value);
  if (!/^HTTPS?_PROXY$/.test(name)) return value;
  if (!URL.canParse(value)) return '(not a URL)';
  const url = new URL(value);
  return url.username === '' && url.password === '' ? value : `${url.protocol}//…@${url.host}`;
}

function setting(name: string, resolved: Resolved | undefined): Setting {
  return { name, value: resolved?.value ?? null, from: resolved?.from ?? null };
}
