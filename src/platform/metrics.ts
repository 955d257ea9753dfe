/** Figures for Prometheus: a registry with those of the process in it, loaded when somebody first asks. */
import type { Registry } from 'prom-client';

export type { Registry };
export type MetricsLibrary = typeof import('prom-client');

export interface Metrics {
  /** What `text` is, for a Content-Type header. */
  readonly contentType: string;
  text(): Promise<string>;
}

/**
 * A registry that has memory, processor time and event-loop lag of this process, and what `add` puts into it.
 *
 * @example
 * const metrics = await openMetrics((library, registry) => new library.Gauge({ … , registers: [registry] }));
 */
export async function openMetrics(
  add: (library: MetricsLibrary, registry: Registry) => void,
): Promise<Metrics> {
  const { default: library } = await import('prom-client');
  const registry = new library.Registry();
  library.collectDefaultMetrics({ register: registry });
  add(library, registry);
  return { contentType: registry.contentType, text: () => registry.metrics() };
}
