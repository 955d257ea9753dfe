/** The log of `semilayer run`: each event of the runtime as one line, for people or as JSON. */

import { assertNever } from '../errors.ts';
import type { Chalk } from '../output/colour.ts';
import { redact } from '../output/redact.ts';
import { formatDuration, roughDuration } from '../platform/duration.ts';
import { CLOSE } from '../protocol/close-codes.ts';
import type { JobCaller } from '../protocol/frames.ts';
import type { RunnerEvent } from '../runner/events.ts';

export const LEVELS = ['error', 'warn', 'info', 'debug'] as const;
export type Level = (typeof LEVELS)[number];

export interface LogLine {
  level: Level;
  msg: string;
  /** Further keys of the JSON form; the text form has said it all in `msg`. */
  fields?: Record<string, unknown>;
  /** Colour of the mark at a terminal. */
  tone?: 'good' | 'bad' | 'busy';
}

/** What to log of an event; undefined for what is only shown by the spinner. */
export function lineOf(event: RunnerEvent): LogLine | undefined {
  switch (event.type) {
    case 'connecting':
    case 'round-trip':
      return undefined;
    case 'connected':
      return {
        level: 'info',
        msg: 'connected, awaiting jobs',
        fields: { sources: event.sources },
        tone: 'good',
      };
    case 'disconnected':
      if (event.code === CLOSE.normal) return undefined;
      return {
        level: 'warn',
        msg: `disconnected: ${event.reason}`,
        fields: { code: event.code, reason: event.reason },
        tone: 'bad',
      };
    case 'retrying':
      return {
        level: 'warn',
        msg: `next attempt in ${roughDuration(event.delayMs)}: ${event.reason}`,
        fields: { delayMs: event.delayMs, reason: event.reason },
        tone: 'busy',
      };
    case 'waiting-for-token':
      return {
        level: 'warn',
        msg: `${event.reason}; waiting ${formatDuration(event.waitMs)} for another token in the token file`,
        fields: { reason: event.reason, waitMs: event.waitMs },
        tone: 'busy',
      };
    case 'assignments-changed':
      return {
        level: 'info',
        msg: `assigned sources: ${event.sources.length === 0 ? 'none' : event.sources.join(', ')}`,
        fields: { sources: event.sources },
      };
    case 'job-started':
      return {
        level: 'debug',
        msg: `job ${jobText(event.job)} started`,
        fields: { ...jobFields(event.job), ...callerFields(event.caller) },
        tone: 'busy',
      };
    case 'job-ended': {
      const { rows, total, durationMs, error } = event;
      const counts = event.job.kind === 'count';
      const fields = {
        ...jobFields(event.job),
        ...callerFields(event.caller),
        ...(counts ? { total: total ?? null } : { rows }),
        durationMs,
      };
      if (error === null) {
        return {
          level: 'info',
          msg: `job ${jobText(event.job)} done: ${counts ? `count ${total}` : rowsText(rows)} in ${durationMs} ms`,
          fields,
          tone: 'good',
        };
      }
      return {
        level: error.code === 'CANCELLED' ? 'info' : 'warn',
        msg: `job ${jobText(event.job)} ended after ${counts ? '' : `${rowsText(rows)} in `}${durationMs} ms: ${error.code} ${error.message}`,
        fields: { ...fields, error },
        tone: 'bad',
      };
    }
    case 'warning':
      return { level: 'warn', msg: event.message, tone: 'bad' };
    case 'gateway-leaving':
      return {
        level: 'info',
        msg: `the gateway is leaving: opening another connection${event.activeJobs === 0 ? '' : `, ${event.activeJobs} ${event.activeJobs === 1 ? 'job ends' : 'jobs end'} on this one`}`,
        fields: { activeJobs: event.activeJobs },
        tone: 'busy',
      };
    case 'loop-blocked':
      return {
        level: 'warn',
        msg: `the event loop was blocked for ${roughDuration(event.blockedMs)}: heartbeats, cancels and every other job waited for a driver or a bridge`,
        fields: { blockedMs: event.blockedMs },
        tone: 'bad',
      };
    case 'woke':
      return {
        level: 'warn',
        msg: `this process did not run for ${roughDuration(event.sleptMs)}: it was stopped, the machine slept, or a driver waited in a system call`,
        fields: { sleptMs: event.sleptMs },
        tone: 'busy',
      };
    case 'draining':
      if (event.activeJobs === 0) return undefined;
      return {
        level: 'info',
        msg: `draining: ${event.activeJobs} ${event.activeJobs === 1 ? 'job' : 'jobs'} under way, ${formatDuration(event.gracePeriodMs)} to end them`,
        fields: { activeJobs: event.activeJobs, gracePeriodMs: event.gracePeriodMs },
        tone: 'busy',
      };
    case 'stopped':
      return {
        level: event.code === CLOSE.normal ? 'info' : 'error',
        msg: event.code === CLOSE.normal ? 'stopped' : `stopped: ${event.reason}`,
        fields: { code: event.code, reason: event.reason },
        ...(event.code === CLOSE.normal ? {} : { tone: 'bad' as const }),
      };
    default:
      return assertNever(event);
  }
}

/** Whether lines of this level are shown where the log is set to another. */
export function isShown(level: Level, least: Level): boolean {
  return LEVELS.indexOf(level) <= LEVELS.indexOf(least);
}

export interface LogFormat {
  json: boolean;
  /** Colours of stdout; undefined off a terminal, where lines carry their time instead. */
  colours: Chalk | undefined;
  now: () => Date;
  /** Makes text from outside safe to show. */
  safe: (text: string) => string;
}

/** One line, without its newline. */
export function formatLine(line: LogLine, format: LogFormat): string {
  const time = format.now().toISOString();
  if (format.json) return redact(JSON.stringify({ time, level: line.level, msg: line.msg, ...line.fields }));
  const msg = format.safe(line.msg);
  if (!format.colours) return `${time} ${line.level.toUpperCase().padEnd(5)} ${msg}`;
  const { green, red, yellow, dim } = format.colours;
  const mark = { good: green('✓'), bad: red('✗'), busy: yellow('●'), none: dim('·') }[line.tone ?? 'none'];
  return `${dim(time.slice(11, 19))} ${mark} ${msg}`;
}

function rowsText(rows: number): string {
  return `${rows} ${rows === 1 ? 'row' : 'rows'}`;
}

function jobText(job: { id: string; kind: string; source: string; target: string }): string {
  return `${job.id.slice(0, 8)} ${job.kind} ${job.source}${job.target === '' ? '' : `/${job.target}`}`;
}

function callerFields(caller: JobCaller | undefined): Record<string, unknown> {
  return caller ? { caller: caller.name, requestId: caller.requestId } : {};
}

function jobFields(job: {
  id: string;
  kind: string;
  source: string;
  target: string;
}): Record<string, unknown> {
  return { jobId: job.id, kind: job.kind, source: job.source, target: job.target };
}
