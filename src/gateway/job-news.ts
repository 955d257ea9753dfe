/** Tells of jobs that changed. Most are over before anybody could have seen them begin: each is told of once, as it is. */
import type { Clock } from '../platform/clock.ts';
import type { LoggedJob } from './job-log.ts';
import type { EventBus } from './services.ts';

/** Nobody sees the difference, and a job of a millisecond is told of once instead of three times. */
const TELL_AFTER_MS = 50;

export class JobNews {
  readonly #clock: Clock;
  readonly #events: EventBus;
  readonly #changed = new Set<LoggedJob>();

  constructor(clock: Clock, events: EventBus) {
    this.#clock = clock;
    this.#events = events;
  }

  changed(job: LoggedJob): void {
    if (this.#changed.size === 0) this.#clock.after(TELL_AFTER_MS, () => this.#tell());
    this.#changed.add(job);
  }

  #tell(): void {
    const jobs = [...this.#changed];
    this.#changed.clear();
    for (const job of jobs) this.#events.publish({ type: 'job.changed', job: job.summary() });
  }
}
