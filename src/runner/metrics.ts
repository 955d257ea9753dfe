/** Figures of a runner for Prometheus, gathered from its events. */
import { type Metrics, openMetrics } from '../platform/metrics.ts';
import type { RunnerEvent, RunnerStatus } from './events.ts';

export interface RunnerMetrics extends Metrics {
  /** Counts what happened. */
  event(event: RunnerEvent): void;
}

/** Sources are named: the listener is the operator's own, and who asks for figures wants to know of which database. */
export async function runnerMetrics(version: string, status: () => RunnerStatus): Promise<RunnerMetrics> {
  let count: (event: RunnerEvent) => void = () => {};
  const metrics = await openMetrics(({ Counter, Gauge, Histogram }, registry) => {
    const registers = [registry];
    const gauge = (name: string, help: string, read: () => number): void => {
      new Gauge({
        name,
        help,
        registers,
        collect() {
          this.set(read());
        },
      });
    };
    const job = ['kind', 'source'] as const;
    const counter = <Label extends string>(name: string, help: string, labelNames: readonly Label[]) =>
      new Counter<Label>({ name, help, labelNames, registers });
    new Gauge({
      name: 'semilayer_runner_info',
      help: 'The version that runs.',
      labelNames: ['version'],
      registers,
    }).set({ version }, 1);
    gauge('semilayer_runner_connected', 'Whether the gateway has this runner (1) or not (0).', () =>
      status().connected ? 1 : 0,
    );
    gauge('semilayer_runner_draining', 'Whether this runner is leaving (1) or not (0).', () =>
      status().draining ? 1 : 0,
    );
    gauge('semilayer_runner_jobs_active', 'Jobs under way.', () => status().activeJobs);
    new Gauge({
      name: 'semilayer_runner_source_up',
      help: 'Whether a source answers (1) or not (0); a source that nobody has asked is not there.',
      labelNames: ['source'],
      registers,
      collect() {
        this.reset();
        for (const [source, state] of Object.entries(status().sourceStates ?? {}))
          if (state !== 'unknown') this.set({ source }, state === 'ok' ? 1 : 0);
      },
    });
    gauge('semilayer_runner_ledger_failing', 'Whether jobs cannot be recorded (1).', () =>
      status().ledger === 'failing' ? 1 : 0,
    );
    const jobs = counter(
      'semilayer_runner_jobs_total',
      'Jobs that have ended: done, or with the code of their error.',
      [...job, 'ending'],
    );
    const rows = counter('semilayer_runner_rows_total', 'Rows sent to the gateway.', job);
    const bytes = counter('semilayer_runner_bytes_total', 'Bytes of rows sent to the gateway.', job);
    const reconnects = counter(
      'semilayer_runner_reconnects_total',
      'Attempts to connect again: after a close code, an HTTP status, or no answer.',
      ['cause'],
    );
    const seconds = new Histogram({
      name: 'semilayer_runner_job_duration_seconds',
      help: 'How long jobs took.',
      labelNames: ['kind'],
      buckets: [0.005, 0.025, 0.1, 0.5, 2.5, 10, 30, 120, 600],
      registers,
    });
    count = event => {
      if (event.type === 'retrying') reconnects.inc({ cause: event.cause });
      if (event.type !== 'job-ended') return;
      const { kind, source } = event.job;
      jobs.inc({ kind, source, ending: event.error?.code ?? 'done' });
      rows.inc({ kind, source }, event.rows);
      bytes.inc({ kind, source }, event.bytes);
      seconds.observe({ kind }, event.durationMs / 1000);
    };
  });
  return { contentType: metrics.contentType, text: () => metrics.text(), event: event => count(event) };
}
