/** `/metrics`: gauges of the gateway in the Prometheus text format. No label holds a name a customer chose. */
import type { HttpServices } from './route.ts';

export function metricsText(services: HttpServices): string {
  const { activeJobs, queuedJobs, sessions, jobsByState } = services.counters();
  const lines: string[] = [];
  const metric = (
    name: string,
    type: 'gauge' | 'counter',
    help: string,
    values: [labels: string, value: number][],
  ): void => {
    lines.push(`# HELP ${name} ${help}`, `# TYPE ${name} ${type}`);
    for (const [labels, value] of values) lines.push(`${name}${labels} ${value}`);
  };
  metric('semilayer_gateway_info', 'gauge', 'The version that runs.', [
    [`{version="${services.version}"}`, 1],
  ]);
  metric('semilayer_gateway_sessions', 'gauge', 'Connected runner processes.', [['', sessions]]);
  metric('semilayer_gateway_jobs_active', 'gauge', 'Jobs that have not ended.', [['', activeJobs]]);
  metric('semilayer_gateway_jobs_queued', 'gauge', 'Jobs that wait for a free runner.', [['', queuedJobs]]);
  metric(
    'semilayer_gateway_jobs_total',
    'counter',
    'Jobs that have ended, by how.',
    [...jobsByState].map(([state, total]) => [`{state="${state}"}`, total]),
  );
  metric('process_resident_memory_bytes', 'gauge', 'Resident memory in bytes.', [
    ['', process.memoryUsage.rss()],
  ]);
  return `${lines.join('\n')}\n`;
}
