/** The last 10,000 jobs, in memory: what `GET /v1/jobs` shows. */
import type { DispatchedJob } from './dispatched-job.ts';
import type { JobSummary } from './job.ts';

const CAPACITY = 10_000;

export class JobLog {
  /** In order of creation: a Map keeps it, and finds a cursor at once. */
  readonly #jobs = new Map<string, DispatchedJob>();

  add(job: DispatchedJob): void {
    this.#jobs.set(job.id, job);
    if (this.#jobs.size <= CAPACITY) return;
    // The oldest that has ended goes; one that still runs stays findable.
    for (const [id, old] of this.#jobs) {
      if (!old.ended) continue;
      this.#jobs.delete(id);
      return;
    }
  }

  *active(): Iterable<DispatchedJob> {
    for (const job of [...this.#jobs.values()]) if (!job.ended) yield job;
  }

  /** Newest first, after the job with the id `after`. */
  list(filter: { limit: number; after?: string | undefined; state?: string | undefined }): JobSummary[] {
    const newestFirst = [...this.#jobs.values()].reverse();
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
