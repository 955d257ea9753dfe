/** Figures for Prometheus: a registry with those of the process in it, loaded when somebody first asks. */
import type { Counter, Histogram } from 'prom-client';

export type { Counter, Histogram };

export interface Metrics {
  /** What `text` is, for a Content-Type header. */
  readonly contentType: string;
  text(): Promise<string>;
}

/** Seconds: from what a small question takes to the longest deadline that people set. */
const JOB_SECONDS = [0.005, 0.025, 0.1, 0.5, 2.5, 10, 30, 120, 600];
/** Seconds: from one machine to a satellite, and to a link that is choked. */
const LINK_SECONDS = [0.001, 0.005, 0.02, 0.05, 0.1, 0.25, 1, 5];

/** The kinds of figures we have, in one registry. */
export interface Figures extends Metrics {
  counter<Label extends string>(name: string, help: string, labels: readonly Label[]): Counter<Label>;
  /** Read at each scrape. */
  gauge(name: string, help: string, read: () => number): void;
  /** A value for each of a few things, read at each scrape. */
  gauges(name: string, help: string, label: string, read: () => Iterable<readonly [string, number]>): void;
  jobSeconds<Label extends string>(name: string, help: string, labels: readonly Label[]): Histogram<Label>;
  linkSeconds(name: string, help: string): Histogram;
  info(name: string, version: string): void;
}

/**
 * A registry that has memory, processor time and event-loop lag of this process, and what is put into it.
 *
 * @example
 * const figures = await openFigures();
 * figures.gauge('semilayer_jobs', 'Jobs under way.', () => jobs.size);
 */
export async function openFigures(): Promise<Figures> {
  const { default: library } = await import('prom-client');
  const registry = new library.Registry();
  const registers = [registry];
  library.collectDefaultMetrics({ register: registry });
  return {
    contentType: registry.contentType,
    text: () => registry.metrics(),
    counter: (name, help, labelNames) => new library.Counter({ name, help, labelNames, registers }),
    gauge: (name, help, read) => {
      new library.Gauge({
        name,
        help,
        registers,
        collect() {
          this.set(read());
        },
      });
    },
    gauges: (name, help, label, read) => {
      new library.Gauge({
        name,
        help,
        labelNames: [label],
        registers,
        collect() {
          // What is not there any more is not zero: it is gone.
          this.reset();
          for (const [value, figure] of read()) this.set({ [label]: value }, figure);
        },
      });
    },
    jobSeconds: (name, help, labelNames) =>
      new library.Histogram({ name, help, labelNames, registers, buckets: JOB_SECONDS }),
    linkSeconds: (name, help) => new library.Histogram({ name, help, registers, buckets: LINK_SECONDS }),
    info: (name, version) => {
      const gauge = new library.Gauge({
        name,
        help: 'The version that runs.',
        labelNames: ['version'],
        registers,
      });
      gauge.set({ version }, 1);
    },
  };
}
