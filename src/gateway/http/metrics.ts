/** `/metrics`: figures of the gateway for Prometheus. No label holds a name a customer chose. */
import { type Metrics, openMetrics } from '../../platform/metrics.ts';
import type { HttpServices } from './route.ts';

/** Reads the counters at each scrape: nothing is kept twice. */
export function gatewayMetrics(services: HttpServices): Promise<Metrics> {
  const counters = (): ReturnType<HttpServices['counters']> => services.counters();
  return openMetrics(({ Counter, Gauge }, registry) => {
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
    new Gauge({
      name: 'semilayer_gateway_info',
      help: 'The version that runs.',
      labelNames: ['version'],
      registers,
    }).set({ version: services.version }, 1);
    gauge('semilayer_gateway_sessions', 'Connected runner processes.', () => counters().sessions);
    gauge('semilayer_gateway_jobs_active', 'Jobs that have not ended.', () => counters().activeJobs);
    gauge('semilayer_gateway_jobs_queued', 'Jobs that wait for a free runner.', () => counters().queuedJobs);
    new Counter({
      name: 'semilayer_gateway_jobs_total',
      help: 'Jobs that have ended, by how.',
      labelNames: ['state'],
      registers,
      collect() {
        this.reset();
        for (const [state, total] of counters().jobsByState) this.inc({ state }, total);
      },
    });
  });
}
