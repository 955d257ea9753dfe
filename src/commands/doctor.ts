/** `semilayer doctor`: everything between this machine and the gateway, one line a check, and what to do. */
import type { Context } from '../cli/context.ts';
import { gatherInput, resolveService } from '../config/resolve.ts';
import { AppError, messageOf } from '../errors.ts';
import { redact } from '../output/redact.ts';
import { parseDuration } from '../platform/duration.ts';
import { elapsed, type Finding, failed, ok } from './doctor/finding.ts';
import { openSession } from './doctor/gateway-session.ts';
import { examineIdle } from './doctor/idle.ts';
import { examineSources } from './doctor/local-sources.ts';
import { examinePath } from './doctor/path.ts';
import { type DoctorFlags, examineSettings } from './doctor/settings.ts';
import { clientOf } from './service.ts';

/** In the order in which they are taken; each needs those before it. */
const STEPS = ['config', 'token', 'proxy', 'DNS', 'TCP', 'TLS', 'clock', 'upgrade', 'protocol'];
const MIN_IDLE_MS = 100;
const MAX_IDLE_MS = 3_600_000;

/** @throws AppError `doctor_failed` (exit 1) after the last line, when a check failed. */
export async function doctorCommand(flags: DoctorFlags, ctx: Context): Promise<void> {
  const idleMs =
    flags.idle === undefined
      ? undefined
      : parseDuration(flags.idle, '--idle', { minMs: MIN_IDLE_MS, maxMs: MAX_IDLE_MS });
  const { output } = ctx;
  const findings: Finding[] = [];
  let progress = output.progress('looking at the settings');
  const report = ({ name, status, message, hint, durationMs }: Finding): void => {
    progress.stop();
    // A service, a driver or a proxy may quote what it was given.
    const finding: Finding = {
      name,
      status,
      message: redact(message),
      hint: hint === null ? null : redact(hint),
      durationMs,
    };
    findings.push(finding);
    if (!output.json) output.finding(finding.status, lineOf(finding));
    progress = output.progress('asking the gateway');
  };
  try {
    await examine(flags, idleMs, ctx, report);
  } finally {
    progress.stop();
  }
  const count = findings.filter(one => one.status === 'failed').length;
  if (output.json) output.document({ ok: count === 0, checks: [...findings, ...skipped(findings, idleMs)] });
  if (count === 0) return output.success('nothing is wrong');
  throw new AppError('doctor_failed', {
    message: `${count} ${count === 1 ? 'check' : 'checks'} failed`,
    hint: 'what to do stands with each',
  });
}

async function examine(
  flags: DoctorFlags,
  idleMs: number | undefined,
  ctx: Context,
  report: (finding: Finding) => void,
): Promise<void> {
  const { findings, gatewayUrl, ...settings } = await examineSettings(flags, ctx);
  for (const finding of findings) report(finding);
  const service = await examineService(ctx);
  if (service) report(service);
  const path = gatewayUrl === undefined ? undefined : { ...settings, gatewayUrl };
  const plain = path && (await examinePath(path, ctx, report));
  const session = path && plain && (await openSession({ ...path, plain }, ctx, report));
  try {
    if (idleMs !== undefined && path && plain) report(await examineIdle(idleMs, path, session, ctx));
    await examineSources(session?.sources, settings.env, ctx, report);
  } finally {
    session?.close();
  }
}

/** The service API, where a key for it is known here. */
async function examineService(ctx: Context): Promise<Finding | undefined> {
  const started = ctx.clock.monotonic();
  const took = (): { durationMs: number } => ({ durationMs: elapsed(started, ctx.clock.monotonic()) });
  let url = '';
  try {
    const { serviceUrl, key } = resolveService(await gatherInput(ctx));
    url = serviceUrl.value;
    if (!key) return undefined;
    const client = await clientOf(ctx, url, key.value);
    const { name, role } = (await client.get('/v1/whoami')) as { name?: string; role?: string };
    return ok('service', `${url} knows this key as ${name} (${role})`, took());
  } catch (error) {
    // Settings that cannot be are told of by the first check.
    if (url === '') return undefined;
    const hint = error instanceof AppError ? (error.hint ?? null) : null;
    return failed('service', messageOf(error), hint, took());
  }
}

/** For scripts: what was not come to is there all the same. */
function skipped(findings: readonly Finding[], idleMs: number | undefined): Record<string, unknown>[] {
  const names = [...STEPS, ...(idleMs === undefined ? [] : ['idle'])];
  return names
    .filter(name => findings.every(one => one.name !== name))
    .map(name => ({ name, status: 'skipped', message: 'not come to', hint: null, durationMs: null }));
}

function lineOf({ name, message, durationMs, hint }: Finding): string {
  const time = durationMs === null ? '' : ` (${durationMs} ms)`;
  return `${name.padEnd(8)} ${message}${time}${hint === null ? '' : `: ${hint}`}`;
}
