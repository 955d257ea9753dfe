/** The last 10,000 jobs, in memory: what `GET /v1/jobs` shows. */
import type { DispatchedJob } from './dispatched-job.ts';
import type { JobSummary } from './job.ts';

const CAPACITY = 10_000;
/** Old jobs go in blocks: one at a time would move or scan the whole log for each that comes. */
const BLOCK = 1_000;

export class JobLog {
  /** In order of creation. */
  #jobs: DispatchedJob[] = [];
  readonly #active = new Set<DispatchedJob>();

  add(job: DispatchedJob): void {
    this.#jobs.push(job);
    this.#active.add(job);
    if (this.#jobs.length < CAPACITY + BLOCK) return;
    // One that still runs stays findable.
    const old = this.#jobs.slice(0, BLOCK).filter(one => !one.ended);
    this.#jobs = [...old, ...this.#jobs.slice(BLOCK)];
  }

  ended(job: DispatchedJob): void {
    this.#active.delete(job);
  }

  active(): readonly DispatchedJob[] {
    return [...this.#active];
  }

  /** Newest first, after the job with the id `after`. */
  list(filter: { limit: number; after?: string | undefined; state?: string | undefined }): JobSummary[] {
    const newestFirst = this.#jobs.slice(-CAPACITY).reverse();
    const start = filter.after === undefined ? 0 : newestFirst.findIndex(job => job.id === filter.after) + 1;
    const found: JobSummary[] = [];
    for (const job of newestFirst.slice(start)) {
      const summary = job.summary();
      if (filter.state !== undefined && summary.state !== filter.state) continue;
      if (found.push(summary) >= filter.limit) break;
    }
    return found;
  }
}
