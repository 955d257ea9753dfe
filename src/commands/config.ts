/** `semilayer config explain|paths`. */
import { existsSync } from 'node:fs';
import nodeModule from 'node:module';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import type { Context } from '../cli/context.ts';
import { readProjectFile } from '../config/project-file.ts';
import {
  contextLabel,
  contextName,
  gatherInput,
  type Resolved,
  resolveGatewayUrl,
  resolveService,
  sameOrigin,
} from '../config/resolve.ts';
import { configDirectory, configFile, readUserConfig } from '../config/user-config.ts';
import { AppError, messageOf } from '../errors.ts';
import { isCi } from '../platform/environment.ts';
import { proxyOf, shownProxy, variableOf } from '../platform/proxy.ts';
import { fingerprintOf } from '../protocol/token.ts';
import { mayAsk } from './ask.ts';
import { updateCheckFile } from './update-notice.ts';

interface Setting {
  name: string;
  value: string | null;
  from: string | null;
}

/** Read as they are; those that hold a secret are shown as fingerprints. */
const VARIABLES = [
  'SEMILAYER_RUNNER_ID',
  'SEMILAYER_RUNNER_TOKEN_FILE',
  'SEMILAYER_RUNNER_TOKEN',
  'SEMILAYER_HEALTH_PORT',
  'PORT',
  'SEMILAYER_HEALTH_HOST',
  'SEMILAYER_POLICY_FILE',
  'SEMILAYER_LEDGER_DIR',
  'SEMILAYER_LEDGER_FSYNC',
  'SEMILAYER_LEDGER_ON_FAILURE',
  'SEMILAYER_NO_UPDATE_CHECK',
  'NO_PROXY',
  'NODE_EXTRA_CA_CERTS',
  'NO_COLOR',
  'FORCE_COLOR',
  'CI',
];
const SOURCE_VARIABLE = /^SEMILAYER_SOURCE_.+_(?:URL|URL_FILE|CONFIG|CONFIG_FILE)$/;

export async function explainConfig(ctx: Context): Promise<void> {
  const all = [...(await serviceSettings(ctx)), ...terminalSettings(ctx), ...environmentSettings(ctx)];
  const settings = all.filter(one => one.value !== null);
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
    { name: 'update check', path: updateCheckFile(ctx.env), what: 'when the registry was last asked' },
    ...compileCache(),
    {
      name: 'gateway data',
      path: resolve(ctx.cwd, 'semilayer-data'),
      what: 'of `gateway`, unless --data-dir',
    },
    {
      name: 'dev data',
      path: join(tmpdir(), 'semilayer-dev-…'),
      what: 'of `dev`, unless --data-dir; removed at its end, and `demo` its own beside it',
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

/** Where Node keeps what it has compiled of us: on Node 22 and later, unless it is told otherwise. */
function compileCache(): { name: string; path: string; what: string }[] {
  const { getCompileCacheDir } = nodeModule as { getCompileCacheDir?: () => string | undefined };
  const path = getCompileCacheDir?.();
  return path === undefined ? [] : [{ name: 'compile cache', path, what: "Node's, of this program's code" }];
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
  let service: Resolved | undefined;
  try {
    const { context, serviceUrl, key } = resolveService(await gatherInput(ctx));
    service = serviceUrl;
    rows.push(
      setting('context', context),
      setting('service URL', serviceUrl),
      setting('API key', key && { ...key, value: fingerprintOf(key.value) }),
    );
  } catch (error) {
    if (!(error instanceof AppError)) throw error;
    // Which of them it would be is what is not decided.
    ctx.output.warn(error.message);
  }
  const gateway = await gatewaySetting(ctx, service);
  rows.push(
    setting('gateway URL', gateway && { ...gateway, value: shownUrl(gateway.value) }),
    setting('proxy to the service', service && proxySetting(service.value, ctx)),
    setting('proxy to the gateway', gateway && proxySetting(gateway.value, ctx)),
    setting('CA file', ca),
    setting('insecure', insecureSetting(ctx)),
  );
  return rows;
}

/** The gateway of a context is none of a service that was named apart from it. */
async function gatewaySetting(ctx: Context, service: Resolved | undefined): Promise<Resolved | undefined> {
  try {
    const gateway = await resolveGatewayUrl(ctx, undefined);
    const name = contextName(await gatherInput(ctx));
    if (!service || !name || gateway.from !== contextLabel(name)) return gateway;
    const { contexts } = await readUserConfig(ctx.env);
    const known = contexts.get(name.value)?.serviceUrl;
    return known !== undefined && sameOrigin(known, service.value) ? gateway : undefined;
  } catch (error) {
    if (error instanceof AppError) return undefined;
    throw error;
  }
}

/** Without the user, password and query that a URL may hold. */
function shownUrl(text: string): string {
  if (!URL.canParse(text)) return '(not a URL)';
  const url = new URL(text);
  const user = url.username === '' && url.password === '' ? '' : '…@';
  return `${url.protocol}//${user}${url.host}${url.pathname}${url.search === '' ? '' : '?…'}`;
}

/** A variable that names no proxy is explained as well. */
function proxySetting(url: string, ctx: Context): Resolved {
  const none = { value: 'none', from: variableOf('NO_PROXY', ctx.env) ?? 'default' };
  if (!URL.canParse(url)) return none;
  try {
    const proxy = proxyOf(url, ctx.env);
    return proxy ? { value: shownProxy(proxy), from: proxy.from } : none;
  } catch (error) {
    const from = ['HTTPS_PROXY', 'HTTP_PROXY'].find(name => messageOf(error).includes(name)) ?? 'HTTPS_PROXY';
    return { value: '(not a proxy)', from };
  }
}

function insecureSetting({ global, env }: Context): Resolved {
  if (global.insecure) return { value: 'true', from: '--insecure' };
  const set = env.SEMILAYER_INSECURE === '1' || env.SEMILAYER_INSECURE === 'true';
  return { value: String(set), from: env.SEMILAYER_INSECURE ? 'SEMILAYER_INSECURE' : 'default' };
}

/** What this terminal, or the lack of one, makes of colour and questions. */
function terminalSettings(ctx: Context): Setting[] {
  const { global, env, streams } = ctx;
  const { value, from } = colourSetting(streams.stdout, env, global.color);
  const asks = mayAsk(ctx);
  const why = !global.input
    ? '--no-input'
    : global.json
      ? '--json'
      : isCi(env)
        ? 'CI'
        : asks
          ? 'terminal'
          : 'not a terminal';
  return [
    setting('colour', { value: value ? 'yes' : 'no', from }),
    setting('questions', { value: asks ? 'yes' : 'no', from: why }),
  ];
}

function colourSetting(
  stdout: { isTTY?: boolean },
  env: Context['env'],
  flag: boolean | undefined,
): { value: boolean; from: string } {
  if (flag !== undefined) return { value: flag, from: flag ? '--color' : '--no-color' };
  if (env.FORCE_COLOR !== undefined) {
    return { value: !/^(?:0|false)$/.test(env.FORCE_COLOR), from: 'FORCE_COLOR' };
  }
  if (env.NO_COLOR) return { value: false, from: 'NO_COLOR' };
  if (!stdout.isTTY) return { value: false, from: 'not a terminal' };
  return env.TERM === 'dumb' ? { value: false, from: 'TERM' } : { value: true, from: 'terminal' };
}

function environmentSettings(ctx: Context): Setting[] {
  const sources = Object.keys(ctx.env).filter(name => SOURCE_VARIABLE.test(name));
  return [...VARIABLES, ...sources.sort()].flatMap(name => {
    const found = variableOf(name, ctx.env);
    if (found === undefined) return [];
    return [{ name, value: shown(name, ctx.env[found] as string), from: found }];
  });
}

function shown(name: string, value: string): string {
  if (name === 'SEMILAYER_RUNNER_TOKEN') return fingerprintOf(value);
  // A database URL or the fields of a bridge: what of it is secret only the bridge knows.
  return SOURCE_VARIABLE.test(name) && !name.endsWith('_FILE') ? '(set)' : value;
}

function setting(name: string, resolved: Resolved | undefined): Setting {
  return { name, value: resolved?.value ?? null, from: resolved?.from ?? null };
}
