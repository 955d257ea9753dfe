/** `semilayer run`: the shared runner runtime in the foreground, with a spinner, coloured status and three-stage signals. */
import type { Context } from '../cli/context.ts';
import { AppError, EXIT } from '../errors.ts';
import { colourOf } from '../output/colour.ts';
import type { Progress } from '../output/output.ts';
import { redact } from '../output/redact.ts';
import { sanitise } from '../output/sanitise.ts';
import { formatDuration, roughDuration } from '../platform/duration.ts';
import { createServiceManager, type ServiceManager } from '../platform/service-manager.ts';
import type { HealthServer } from '../runner/health-server.ts';
import type { RunnerEvent, RunnerHandle, RunnerStatus } from '../runner/index.ts';
import type { Ledger } from '../runner/ledger/ledger.ts';
import type { RunnerMetrics } from '../runner/metrics.ts';
import { endingError, type StoppedEvent } from './run-ending.ts';
import { formatLine, isShown, type Level, type LogLine, lineOf } from './run-log.ts';
import type { RunFlags, RunSettings } from './run-settings.ts';
import { RunSignals } from './run-signals.ts';

/**
 * @returns the exit status: 0 drained, 130 or 143 at the second signal.
 * @throws AppError for every other ending, among them `drain_timed_out`, `no_credential`, `token_refused`.
 */
export async function runCommand(flags: RunFlags, ctx: Context): Promise<number> {
  const log = createLog(flags.logFormat === 'json', (flags.logLevel ?? 'info') as Level, ctx);
  const signals = new RunSignals(ctx, log.line);
  try {
    // The settings may wait for a token on stdin, and what they load takes its time: a signal ends that as well.
    const settings = await signals.unlessStopped(loadSettings(flags, ctx));
    if (!settings) {
      ctx.streams.stdin.destroy();
      return EXIT.ok;
    }
    return await runRunner(settings, log, signals, ctx);
  } finally {
    signals.dispose();
    log.close();
  }
}

async function loadSettings(flags: RunFlags, ctx: Context): Promise<RunSettings> {
  const { resolveRunSettings } = await import('./run-settings.ts');
  return await resolveRunSettings(flags, ctx);
}

async function runRunner(
  settings: RunSettings,
  log: RunLog,
  signals: RunSignals,
  ctx: Context,
): Promise<number> {
  const { startRunner } = await import('../runner/index.ts');
  let runner: RunnerHandle | undefined;
  let health: HealthServer | undefined;
  let metrics: RunnerMetrics | undefined;
  let ledger: Ledger | undefined;
  const manager = createServiceManager(ctx.env, ctx.clock);
  const deaf = ctx.onStrayError(error => log.line(strayLine(error)));
  try {
    if (settings.health) {
      const [{ startHealthServer }, { runnerMetrics }] = await Promise.all([
        import('../runner/health-server.ts'),
        import('../runner/metrics.ts'),
      ]);
      const idle = { connected: false, draining: false, activeJobs: 0, sources: [] };
      const status = (): RunnerStatus => runner?.status ?? idle;
      metrics = await runnerMetrics(ctx.version, status);
      health = await startHealthServer({ ...settings.health, status, metrics });
      log.line({ level: 'info', msg: `health on http://${settings.health.host}:${health.port}/readyz` });
    }
    if (signals.stopped) return EXIT.ok;
    log.line(startLine(settings));
    if (settings.policy) log.line(policyLine(settings.policy));
    for (const message of settings.warnings) log.line({ level: 'warn', msg: message, tone: 'bad' });
    ledger = settings.ledger && (await openLedger(settings.ledger, settings, ctx, log.line));
    let stopped: StoppedEvent | undefined;
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
      // Whoever asks for readiness wants to know of the databases, too.
      probeSources: settings.health !== undefined,
      env: settings.env,
      onEvent: event => {
        if (event.type === 'stopped') stopped = event;
        metrics?.event(event);
        log.event(event);
        tellManager(manager, event);
      },
    });
    signals.attach(runner, settings.gracePeriodMs);
    const closed = await runner.closed;
    const status = await signals.status();
    if (status === EXIT.drainTimedOut) throw graceOver(settings.gracePeriodMs);
    if (status !== undefined) return status;
    const error = endingError(stopped ?? { type: 'stopped', ...closed }, settings.runnerId);
    if (error) throw error;
    return EXIT.ok;
  } finally {
    deaf();
    manager.close();
    await ledger?.close();
    if (ledger) log.line(ledgerLine('ledger closed', ledger));
    await health?.close();
  }
}

function graceOver(gracePeriodMs: number): AppError {
  return new AppError('drain_timed_out', {
    message: `the grace period of ${formatDuration(gracePeriodMs)} was over: the jobs under way were cancelled`,
    hint: 'give them longer with --grace-period',
  });
}

function policyLine({ path, policy }: NonNullable<RunSettings['policy']>): LogLine {
  return {
    level: 'info',
    msg: `policy ${path} (${policy.fingerprint}) decides what may leave`,
    fields: { policy: path, fingerprint: policy.fingerprint },
  };
}

function ledgerLine(what: string, { position }: Ledger): LogLine {
  return { level: 'info', msg: `${what} at ${position}`, fields: { ledger: position } };
}

/** The lines it logs are kept elsewhere, so that a ledger whose end was cut off does not pass for whole. */
async function openLedger(
  where: NonNullable<RunSettings['ledger']>,
  settings: RunSettings,
  ctx: Context,
  say: (line: LogLine) => void,
): Promise<Ledger> {
  const onWarning = (msg: string): void => say({ level: 'warn', msg, tone: 'bad' });
  const { Ledger } = await import('../runner/ledger/ledger.ts');
  const ledger = await Ledger.open({ ...where, clock: ctx.clock, onWarning });
  await ledger.append({
    type: 'opened',
    runner: settings.runnerId,
    gateway: new URL(settings.gatewayUrl).host,
    version: ctx.version,
    policy: settings.policy?.policy.fingerprint ?? null,
  });
  say(ledgerLine(`ledger ${where.directory}`, ledger));
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

/**
 * A promise or a callback of some bridge, after its job or beside it: the other jobs go on. What it says may hold a
 * password, so only its kind is told.
 */
function strayLine(error: unknown): LogLine {
  const { name, code } = error instanceof Error ? (error as NodeJS.ErrnoException) : {};
  const kind = [name, code].filter(one => typeof one === 'string').join(' ');
  return {
    level: 'error',
    msg: `a bridge failed where no job waited for it${kind === '' ? '' : ` (${kind})`}`,
    fields: { error: kind },
    tone: 'bad',
  };
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

function createLog(json: boolean, configured: Level, ctx: Context): RunLog {
  const { output, clock } = ctx;
  let least = configured;
  const deaf = ctx.signals.on(['SIGUSR2'], name => {
    least = least === 'debug' ? configured : 'debug';
    // Whatever is shown, the switch itself is: whoever made it looks for it.
    show({
      level: least === 'debug' ? 'debug' : 'info',
      msg: `${name}: log level ${least}`,
      fields: { logLevel: least },
    });
  });
  const colours =
    !json && output.stdoutIsTerminal ? colourOf(ctx.streams.stdout, ctx.env, ctx.global.color) : undefined;
  /** When that happened which is told of late. */
  let instant: number | undefined;
  const format = {
    json,
    colours,
    now: () => new Date(instant ?? clock.now()),
    safe: (text: string) => sanitise(redact(text)),
  };
  let lost: string | undefined;
  // A disk that is full of logs ends no job: what befalls the ledger then is configured, and a log is no ledger.
  const unheard = ctx.onLostOutput(code => {
    if (lost === undefined) output.warn(`the log cannot be written (${code})`);
    lost = code;
  });
  let spinner: Progress | undefined;
  /** One turns at a time: it owns the terminal's last line, and steps aside for a log line or the next one. */
  const spin = (text: string | undefined): void => {
    spinner?.stop();
    spinner = text === undefined || json || !output.stderrIsTerminal ? undefined : output.progress(text);
  };
  let untold: { event: RunnerEvent; at: number }[] = [];
  /** Lines of jobs wait for the end of the turn: their answers leave first, and neighbours are written in one call. */
  const later = (event: RunnerEvent): void => {
    if (untold.length === 0) setImmediate(tellUntold);
    untold.push({ event, at: clock.now() });
  };
  const tellUntold = (): void => {
    const told = untold;
    untold = [];
    const lines: string[] = [];
    for (const { event, at } of told) {
      const entry = lineOf(event);
      if (!entry || !isShown(entry.level, least)) continue;
      instant = at;
      lines.push(formatLine(entry, format));
    }
    instant = undefined;
    if (lines.length > 0) write(lines.join('\n'));
  };
  const write = (text: string): void => {
    spin(undefined);
    if (lost !== undefined) {
      const msg = `lines of this log are missing: it could not be written (${lost})`;
      lost = undefined;
      // The line before may have been cut off in its middle.
      output.data(`\n${formatLine({ level: 'warn', msg, tone: 'bad' }, format)}`);
    }
    output.data(text);
  };
  const show = (entry: LogLine): void => {
    tellUntold();
    write(formatLine(entry, format));
  };
  const line = (entry: LogLine): void => {
    if (isShown(entry.level, least)) show(entry);
  };
  return {
    line,
    event(event) {
      if (event.type === 'job-started' || event.type === 'job-ended') return later(event);
      const entry = lineOf(event);
      if (entry) line(entry);
      if (event.type === 'connecting') spin('connecting to the gateway');
      if (event.type === 'retrying') spin(`next attempt in ${roughDuration(event.delayMs)}`);
      if (event.type === 'waiting-for-token') spin('waiting for another token');
    },
    close: () => {
      tellUntold();
      deaf();
      unheard();
      spin(undefined);
    },
  };
}
