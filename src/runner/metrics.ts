/** Figures of a runner for Prometheus, gathered from its events: once a job, never once a row. */
import { type Figures, type Metrics, openFigures } from '../platform/metrics.ts';
import type { RunnerEvent, RunnerStatus } from './events.ts';

export interface RunnerMetrics extends Metrics {
  /** Counts what happened. */
  event(event: RunnerEvent): void;
}

/** A gateway may name any source in a job; only assigned ones have figures of their own. */
const NOT_ASSIGNED = '(not assigned)';
const JOB = ['kind', 'source'] as const;

/**
 * Sources are named: the listener is the operator's own, and who asks for figures wants to know of which database.
 * Targets and callers are not: there is no end of them.
 */
export async function runnerMetrics(version: string, status: () => RunnerStatus): Promise<RunnerMetrics> {
  const figures = await openFigures();
  figures.info('semilayer_runner_info', version);
  showState(figures, status);
  showSources(figures, status);
  const event = countEvents(figures);
  return { contentType: figures.contentType, text: () => figures.text(), event };
}

function showState(figures: Figures, status: () => RunnerStatus): void {
  figures.gauge('semilayer_runner_connected', 'Whether the gateway has this runner (1) or not (0).', () =>
    status().connected ? 1 : 0,
  );
  figures.gauge('semilayer_runner_draining', 'Whether this runner is leaving (1) or not (0).', () =>
    status().draining ? 1 : 0,
  );
  figures.gauge('semilayer_runner_jobs_active', 'Jobs under way.', () => status().activeJobs);
  figures.gauge('semilayer_runner_ledger_failing', 'Whether jobs cannot be recorded (1).', () =>
    status().ledger === 'failing' ? 1 : 0,
  );
}

function showSources(figures: Figures, status: () => RunnerStatus): void {
  const bySource = <T>(of: () => Record<string, T> | undefined, value: (one: T) => number | undefined) =>
    function* (): Generator<[string, number]> {
      for (const [source, one] of Object.entries(of() ?? {})) {
        const figure = value(one);
        if (figure !== undefined) yield [source, figure];
      }
    };
  const jobs = () => status().jobsBySource;
  const pools = () => status().pools;
  figures.gauges(
    'semilayer_runner_source_up',
    'Whether a source answers (1) or not (0); a source that nobody has asked is not there.',
    'source',
    bySource(
      () => status().sourceStates,
      state => (state === 'unknown' ? undefined : Number(state === 'ok')),
    ),
  );
  figures.gauges(
    'semilayer_runner_jobs_running',
    'Jobs of a source under way.',
    'source',
    bySource(jobs, one => one.running),
  );
  figures.gauges(
    'semilayer_runner_jobs_waiting',
    'Jobs of a source that wait for their turn here.',
    'source',
    bySource(jobs, one => one.waiting),
  );
  figures.gauges(
    'semilayer_runner_pool_in_use',
    'Connections to a source, or readers of it, that a question has.',
    'source',
    bySource(pools, one => one.inUse),
  );
  figures.gauges(
    'semilayer_runner_pool_waiting',
    'Questions that wait for a connection to a source.',
    'source',
    bySource(pools, one => one.waiting),
  );
  figures.gauges(
    'semilayer_runner_pool_limit',
    'Connections to a source that there may be.',
    'source',
    bySource(pools, one => one.limit),
  );
}

function countEvents(figures: Figures): (event: RunnerEvent) => void {
  const jobs = figures.counter(
    'semilayer_runner_jobs_total',
    'Jobs that have ended: done, or with the code of their error.',
    [...JOB, 'ending'],
  );
  const rows = figures.counter('semilayer_runner_rows_total', 'Rows sent to the gateway.', JOB);
  const bytes = figures.counter('semilayer_runner_bytes_total', 'Bytes of rows sent to the gateway.', JOB);
  const duration = figures.jobSeconds('semilayer_runner_job_duration_seconds', 'How long jobs took.', JOB);
  const firstRows = figures.jobSeconds(
    'semilayer_runner_job_first_rows_seconds',
    'How long it took until the first rows of a job left.',
    JOB,
  );
  const reconnects = figures.counter(
    'semilayer_runner_reconnects_total',
    'Attempts to connect again: after a close code, an HTTP status, or no answer.',
    ['cause'],
  );
  const link = figures.linkSeconds(
    'semilayer_runner_link_round_trip_seconds',
    'To the gateway and back, behind whatever was on its way already.',
  );
  let assigned: ReadonlySet<string> = new Set();
  return event => {
    if (event.type === 'connected' || event.type === 'assignments-changed') assigned = new Set(event.sources);
    if (event.type === 'retrying') reconnects.inc({ cause: event.cause });
    if (event.type === 'round-trip') link.observe(event.durationMs / 1000);
    if (event.type !== 'job-ended') return;
    const { kind } = event.job;
    const source = assigned.has(event.job.source) ? event.job.source : NOT_ASSIGNED;
    jobs.inc({ kind, source, ending: event.error?.code ?? 'done' });
    rows.inc({ kind, source }, event.rows);
    bytes.inc({ kind, source }, event.bytes);
    duration.observe({ kind, source }, event.durationMs / 1000);
    if (event.firstRowsMs !== null) firstRows.observe({ kind, source }, event.firstRowsMs / 1000);
  };
}
