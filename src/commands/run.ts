/** `semilayer run`: the shared runner runtime in the foreground, with a spinner, coloured status and three-stage signals. */
import type { Context, SignalName } from '../cli/context.ts';
import { EXIT } from '../errors.ts';
import { colourOf } from '../output/colour.ts';
import type { Progress } from '../output/output.ts';
import { sanitise } from '../output/sanitise.ts';
import { formatDuration } from '../platform/duration.ts';
import { createServiceManager, type ServiceManager } from '../platform/service-manager.ts';
import { CLOSE } from '../protocol/close-codes.ts';
import { type HealthServer, startHealthServer } from '../runner/health-server.ts';
import { type RunnerEvent, type RunnerHandle, startRunner } from '../runner/index.ts';
import { Ledger } from '../runner/ledger/ledger.ts';
import { formatLine, type LogLine, lineOf } from './run-log.ts';
import { type RunFlags, type RunSettings, resolveRunSettings } from './run-settings.ts';

/** @returns the exit status: 0 drained, 124 grace over, 130 or 143 at the second signal, 77, 2 or 1 when told to go. */
export async function runCommand(flags: RunFlags, ctx: Context): Promise<number> {
  const settings = await resolveRunSettings(flags, ctx);
  const log = createLog(settings, ctx);
  const manager = createServiceManager(ctx.env, ctx.clock);
  let runner: RunnerHandle | undefined;
  const idle = { connected: false, draining: false, activeJobs: 0, sources: [] };
  let health: HealthServer | undefined;
  if (settings.health) {
    health = await startHealthServer({ ...settings.health, status: () => runner?.status ?? idle });
    log.line({ level: 'info', msg: `health on http://${settings.health.host}:${health.port}/readyz` });
  }
  log.line(startLine(settings));
  if (settings.policy) {
    const { path, policy } = settings.policy;
    const fields = { policy: path, fingerprint: policy.fingerprint };
    log.line({ level: 'info', msg: `policy ${path} (${policy.fingerprint}) decides what may leave`, fields });
  }
  for (const message of settings.warnings) log.line({ level: 'warn', msg: message, tone: 'bad' });

  const ledger = settings.ledger && (await openLedger(settings.ledger, settings, ctx, log.line));

  runner = startRunner({
    gatewayUrl: settings.gatewayUrl,
    runnerId: settings.runnerId,
    ...(settings.tokenFile === undefined
      ? { authToken: settings.authToken ?? '' }
      : { tokenFile: settings.tokenFile }),
    tokenWaitMs: settings.tokenWaitMs,
    runtimeVersion: ctx.version,
    ...(settings.concurrency === undefined ? {} : { concurrency: settings.concurrency }),
    ...(settings.ca === undefined ? {} : { ca: settings.ca }),
    ...(settings.policy === undefined ? {} : { policy: settings.policy.policy }),
    ...(ledger === undefined ? {} : { ledger }),
    env: settings.env,
    onEvent: event => {
      log.event(event);
      tellManager(manager, event);
    },
  });
  const signalled = handleSignals(ctx, runner, settings.gracePeriodMs, log.line);
  try {
    const stopped = await runner.closed;
    return (await signalled.status()) ?? statusOf(stopped.code);
  } finally {
    signalled.dispose();
    await ledger?.close();
    if (ledger)
      log.line({
        level: 'info',
        msg: `ledger closed at ${ledger.position}`,
        fields: { ledger: ledger.position },
      });
    log.close();
    manager.close();
    await health?.close();
  }
}

/** The lines it logs are kept elsewhere, so that a ledger whose end was cut off does not pass for whole. */
async function openLedger(
  where: NonNullable<RunSettings['ledger']>,
  settings: RunSettings,
  ctx: Context,
  say: (line: LogLine) => void,
): Promise<Ledger> {
  const onWarning = (msg: string): void => say({ level: 'warn', msg, tone: 'bad' });
  const ledger = await Ledger.open({ ...where, clock: ctx.clock, onWarning });
  await ledger.append({
    type: 'opened',
    runner: settings.runnerId,
    gateway: new URL(settings.gatewayUrl).host,
    version: ctx.version,
    policy: settings.policy?.policy.fingerprint ?? null,
  });
  say({
    level: 'info',
    msg: `ledger ${where.directory} at ${ledger.position}`,
    fields: { directory: where.directory, ledger: ledger.position },
  });
  return ledger;
}

function startLine(settings: RunSettings): LogLine {
  const { runnerId, fingerprint, gatewayUrl, gatewayUrlFrom } = settings;
  const { origin, pathname, protocol, host } = new URL(gatewayUrl);
  // `origin` of a ws URL is "null" in some engines; a query may hold what nobody should log.
  const url = (origin === 'null' ? `${protocol}//${host}` : origin) + pathname;
  return {
    level: 'info',
    msg: `runner ${runnerId} with token ${fingerprint ?? '(not there yet)'} to ${url} (from ${gatewayUrlFrom})`,
    fields: { runner: runnerId, token: fingerprint ?? null, gatewayUrl: url, gatewayUrlFrom },
  };
}

/** Exit status of a runner that stopped for good without a signal. */
function statusOf(code: number): number {
  switch (code) {
    case CLOSE.normal:
      return EXIT.ok;
    case CLOSE.unauthorized:
    case CLOSE.wrongRunner:
      return EXIT.refused;
    case CLOSE.noCommonVersion:
      return EXIT.usage;
    default:
      return EXIT.failure;
  }
}

/** Ready is connected: whoever waits for the unit waits for the gateway. */
function tellManager(manager: ServiceManager, event: RunnerEvent): void {
  if (event.type === 'connected') manager.notify('READY=1', 'STATUS=connected');
  if (event.type === 'disconnected') manager.notify(`STATUS=disconnected: ${oneLine(event.reason)}`);
  if (event.type === 'draining') manager.notify('STOPPING=1', 'STATUS=draining');
}

function oneLine(text: string): string {
  return sanitise(text).replaceAll('\n', ' ').slice(0, 200);
}

interface RunLog {
  line(line: LogLine): void;
  event(event: RunnerEvent): void;
  close(): void;
}

function createLog(settings: RunSettings, ctx: Context): RunLog {
  const { output, clock } = ctx;
  const json = settings.logFormat === 'json';
  const colours =
    !json && output.stdoutIsTerminal ? colourOf(ctx.streams.stdout, ctx.env, ctx.global.color) : undefined;
  const format = { json, colours, now: () => new Date(clock.now()), safe: sanitise };
  let spinner: Progress | undefined;
  const line = (entry: LogLine): void => {
    // The spinner owns the terminal's last line; it steps aside for a log line.
    spinner?.stop();
    spinner = undefined;
    output.data(formatLine(entry, format));
  };
  return {
    line,
    event(event) {
      const entry = lineOf(event);
      if (entry) line(entry);
      if (json || !output.stderrIsTerminal) return;
      if (event.type === 'connecting') spinner = output.progress('connecting to the gateway');
      if (event.type === 'retrying')
        spinner = output.progress(`next attempt in ${formatDuration(event.delayMs)}`);
      if (event.type === 'waiting-for-token') spinner = output.progress('waiting for another token');
    },
    close: () => spinner?.stop(),
  };
}

interface Signalled {
  /** The status that a signal decided, once the runner has closed; undefined when none came. */
  status(): Promise<number | undefined>;
  dispose(): void;
}

/** First signal drains, second cancels, third leaves at once. Each says what the next will do. */
function handleSignals(
  ctx: Context,
  runner: RunnerHandle,
  gracePeriodMs: number,
  say: (line: LogLine) => void,
): Signalled {
  let count = 0;
  let outcome: Promise<number> | undefined;
  const dispose = ctx.signals.on(['SIGINT', 'SIGTERM', 'SIGHUP', 'SIGBREAK'], name => {
    count++;
    const killed = killedBy(name);
    if (count === 1) {
      say({
        level: 'info',
        msg: `${name}: draining up to ${formatDuration(gracePeriodMs)}; again to cancel the jobs under way`,
        fields: { signal: name },
        tone: 'busy',
      });
      outcome = runner
        .stop({ gracePeriodMs })
        .then(({ drained }) => (drained ? EXIT.ok : EXIT.drainTimedOut));
    } else if (count === 2) {
      say({
        level: 'warn',
        msg: `${name}: cancelling the jobs under way; again to leave at once`,
        fields: { signal: name },
        tone: 'bad',
      });
      outcome = runner.cancel().then(() => killed);
    } else {
      ctx.exitNow(killed);
    }
  });
  return { status: async () => await outcome, dispose };
}

function killedBy(name: SignalName): number {
  return name === 'SIGINT' ? EXIT.interrupted : EXIT.terminated;
}
