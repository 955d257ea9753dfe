/** What the runtime reports. It prints nothing itself: `semilayer run`, the container and an embedding program do. */
import type { PoolUse } from '../bridges/bridge.ts';
import type { JobCaller, JobKind } from '../protocol/frames.ts';

/** `unknown` until something was asked of it. */
export type SourceState = 'ok' | 'unreachable' | 'misconfigured' | 'unknown';

export interface JobIdentity {
  id: string;
  kind: JobKind;
  /** Name of the source. */
  source: string;
  target: string;
}

export type RunnerEvent =
  | { type: 'connecting'; url: string; attempt: number }
  | { type: 'connected'; sources: string[] }
  | { type: 'disconnected'; code: number; reason: string }
  | {
      type: 'retrying';
      delayMs: number;
      reason: string;
      /** `close_4408`, `http_503` or `unreachable`. */
      cause: string;
    }
  | { type: 'waiting-for-token'; reason: string; waitMs: number }
  | { type: 'assignments-changed'; sources: string[] }
  | { type: 'job-started'; job: JobIdentity; caller?: JobCaller }
  | {
      type: 'job-ended';
      job: JobIdentity;
      /** Who asked, where the gateway says. */
      caller?: JobCaller;
      rows: number;
      /** What a `count` counted; it sends no rows. */
      total?: number;
      /** Of the messages its answer was sent in. */
      bytes: number;
      durationMs: number;
      /** From the job's arrival until its first rows, or its count, left; null where none did. */
      firstRowsMs: number | null;
      error: { code: string; message: string } | null;
    }
  /** A question to the gateway and back, a few times a minute. */
  | { type: 'round-trip'; durationMs: number }
  | { type: 'warning'; message: string }
  /** The gateway is about to leave: another connection is opened before this one is let go. */
  | { type: 'gateway-leaving'; activeJobs: number }
  /** The event loop did not turn for so long, and this process was at work: a driver or a bridge held it. */
  | { type: 'loop-blocked'; blockedMs: number }
  /** This process did not run for so long: it was stopped, or its machine slept. */
  | { type: 'woke'; sleptMs: number }
  | { type: 'draining'; activeJobs: number; gracePeriodMs: number }
  | {
      type: 'stopped';
      code: number;
      reason: string;
      /** Why there is no token to dial with, where that is what ended it. */
      error?: { code: string; message: string; hint: string | undefined };
    };

/** Jobs of one source. */
export interface JobCount {
  running: number;
  /** Beyond what may run at once. */
  waiting: number;
}

/** Counters of the runtime, for health and heartbeats. */
export interface RunnerStatus {
  connected: boolean;
  draining: boolean;
  activeJobs: number;
  /** Names of the assigned sources, as last heard. */
  sources: string[];
  /** Whether each of them answers, by its name. */
  sourceStates?: Record<string, SourceState>;
  /** Jobs of each assigned source, by its name. */
  jobsBySource?: Record<string, JobCount>;
  /** Connections of each source that is open, by its name. */
  pools?: Record<string, PoolUse>;
  /** Whether jobs can be recorded; undefined where none are. */
  ledger?: 'ok' | 'failing';
}
