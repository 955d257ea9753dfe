/** `semilayer dev`: a gateway, a sample source and a runner of it, kept running, and the CLI pointed at them. */
import { existsSync, mkdtempSync, realpathSync, rmSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { type Client, createClient } from '../api/client.ts';
import { bridgeManifests } from '../bridges/manifests.ts';
import { writeSampleDatabase } from '../bridges/sample-data.ts';
import type { Context } from '../cli/context.ts';
import { restoreContext, shadowContext } from '../config/contexts.ts';
import { AppError, EXIT } from '../errors.ts';
import { startGateway } from '../gateway/gateway.ts';
import { colourOf } from '../output/colour.ts';
import { sanitise } from '../output/sanitise.ts';
import { makeDirectory } from '../platform/make-directory.ts';
import { type RunnerHandle, startRunner } from '../runner/index.ts';
import { formatLine, isShown, lineOf } from './run-log.ts';
import { integer } from './run-settings.ts';

export interface DevFlags {
  port?: string;
  dataDir?: string;
}

const SOURCE = 'sample';
const RUNNER = 'dev';
const CONTEXT = 'local';
const KEY = 'dev';
const ROWS = 4_000;
/** A person waits at the terminal: jobs of a sample end quickly or not at all. */
const GRACE_PERIOD_MS = 5_000;
/** On this machine a gateway that runs answers at once. */
const ALIVE_WITHIN_MS = 1_000;

export async function devCommand(flags: DevFlags, ctx: Context): Promise<number> {
  const stop = new AbortController();
  let signals = 0;
  const temporary = flags.dataDir === undefined;
  const dataDir = temporary
    ? realpathSync(mkdtempSync(join(tmpdir(), 'semilayer-dev-')))
    : resolve(ctx.cwd, flags.dataDir as string);
  const dispose = ctx.signals.on(['SIGINT', 'SIGTERM', 'SIGHUP', 'SIGBREAK'], name => {
    if (++signals > 1) {
      if (temporary) rmSync(dataDir, { recursive: true, force: true });
      ctx.exitNow(EXIT.ok);
    }
    ctx.output.note(`${name}: stopping; again to leave at once`);
    stop.abort();
  });
  try {
    await develop(
      { port: integer(flags.port ?? '4400', '--port', 0, 65_535), dataDir, temporary },
      ctx,
      stop.signal,
    );
    return 0;
  } finally {
    dispose();
    if (temporary) await rm(dataDir, { recursive: true, force: true, maxRetries: 5 });
  }
}

interface Settings {
  port: number;
  dataDir: string;
  temporary: boolean;
}

async function develop(settings: Settings, ctx: Context, stop: AbortSignal): Promise<void> {
  const { output } = ctx;
  const gateway = await startGateway({
    host: '127.0.0.1',
    port: settings.port,
    dataDir: settings.dataDir,
    publicUrl: undefined,
    allowedHosts: [],
    tls: undefined,
    trustedProxies: undefined,
    metricsOpen: true,
    // The key of this run is made below, so a stray one in the environment decides nothing.
    offeredKey: undefined,
    version: ctx.version,
    bridges: bridgeManifests,
    clock: ctx.clock,
    random: ctx.random,
    onWarning: message => output.warn(message),
  });
  let runner: RunnerHandle | undefined;
  let recorded = false;
  try {
    const key = await gateway.mintKey(KEY, 'admin');
    const client = createClient({ serviceUrl: gateway.url, key, version: ctx.version, insecure: false });
    const token = await prepare(client, settings.dataDir);
    const gatewayUrl = `${gateway.url.replace(/^http/, 'ws')}/connect`;
    output.note(`listening on ${gateway.url}`);
    output.note(
      `data in ${settings.dataDir}${settings.temporary ? ' (removed at the end; keep it with --data-dir)' : ''}`,
    );
    // What is suggested below works at once: its runner is there before it is said.
    const connected = new Promise<void>((resolve, reject) => {
      runner = startRunner({
        gatewayUrl,
        runnerId: RUNNER,
        authToken: token,
        runtimeVersion: ctx.version,
        // The gateway is in this process: no proxy lies between.
        env: {},
        onConnected: resolve,
        onEvent: reporter(ctx),
      });
      runner.closed.then(({ reason }) =>
        reject(new AppError('internal', { message: `the runner stopped: ${reason}` })),
      );
    });
    await Promise.race([connected, aborted(stop)]);
    recorded = await record({ serviceUrl: gateway.url, gatewayUrl, key }, ctx);
    await announce(client, recorded, ctx);
    await aborted(stop);
  } finally {
    if (recorded) await restoreContext(ctx.env, CONTEXT, gateway.url, answers);
    await runner?.stop({ gracePeriodMs: GRACE_PERIOD_MS });
    await gateway.close({ gracePeriodMs: GRACE_PERIOD_MS });
  }
  output.note('stopped');
}

/** The sample source and a runner assigned to it, made or found; returns the runner's new token. */
async function prepare(client: Client, dataDir: string): Promise<string> {
  await makeDirectory(dataDir);
  const database = join(dataDir, 'sample.db');
  if (!existsSync(database)) await writeSampleDatabase(database, { rows: ROWS });
  const config = { url: `file:${database}` };
  await orExisting(
    () => client.post('/v1/sources', { name: SOURCE, bridge: 'sqlite', config }),
    () => client.patch(`/v1/sources/${SOURCE}`, { bridge: 'sqlite', config, credentialsLocation: 'managed' }),
  );
  const { token } = (await orExisting(
    () => client.post('/v1/runners', { name: RUNNER }),
    () => client.post(`/v1/runners/${RUNNER}/rotate`, {}),
  )) as { token: string };
  await client.post(`/v1/runners/${RUNNER}/sources`, { sources: [SOURCE] });
  return token;
}

async function orExisting<T>(create: () => Promise<T>, otherwise: () => Promise<T>): Promise<T> {
  try {
    return await create();
  } catch (error) {
    if (error instanceof AppError && error.code === 'conflict') return await otherwise();
    throw error;
  }
}

/** @returns whether there is something to undo; not where nothing can be written, and the environment has to do. */
async function record(
  context: { serviceUrl: string; gatewayUrl: string; key: string },
  ctx: Context,
): Promise<boolean> {
  try {
    await shadowContext(ctx.env, CONTEXT, context);
    return true;
  } catch (error) {
    if (!(error instanceof AppError)) throw error;
    ctx.output.warn(`${error.message}; set these in the other terminal:`);
    ctx.output.data(`SEMILAYER_SERVICE_URL=${context.serviceUrl}`);
    ctx.output.data(`SEMILAYER_API_KEY=${context.key}`);
    return false;
  }
}

async function announce(client: Client, recorded: boolean, ctx: Context): Promise<void> {
  const { output } = ctx;
  const { url } = (await client.post('/v1/session/links', {})) as { url: string };
  output.note('');
  output.note('Console, once, within five minutes:');
  output.data(`  ${url}`);
  output.note(
    recorded
      ? `In another terminal, with nothing to set (context "${CONTEXT}" is current while this runs):`
      : 'In another terminal:',
  );
  output.data(`  semilayer query ${SOURCE} orders --where '{"status":"shipped"}' --limit 5`);
  output.note('');
}

/** Whether the gateway of another `dev` still runs. */
async function answers(serviceUrl: string): Promise<boolean> {
  try {
    const response = await fetch(`${serviceUrl}/livez`, { signal: AbortSignal.timeout(ALIVE_WITHIN_MS) });
    return response.ok;
  } catch {
    return false;
  }
}

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise(done => {
    if (signal.aborted) done();
    signal.addEventListener('abort', () => done(), { once: true });
  });
}

/** The runner's lines go to stderr here: they are not this command's data. */
function reporter(ctx: Context): (event: Parameters<typeof lineOf>[0]) => void {
  const { output, clock } = ctx;
  const colours = output.stderrIsTerminal
    ? colourOf(ctx.streams.stderr, ctx.env, ctx.global.color)
    : undefined;
  return event => {
    const line = lineOf(event);
    if (line && isShown(line.level, 'info'))
      output.note(
        formatLine(line, { json: false, colours, now: () => new Date(clock.now()), safe: sanitise }),
      );
  };
}
