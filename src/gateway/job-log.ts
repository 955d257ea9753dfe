/** The last 10,000 jobs, in memory: what `GET /v1/jobs` shows. */
import type { DispatchedJob } from './dispatched-job.ts';
import type { JobSummary } from './job.ts';

const CAPACITY = 10_000;
/** Old jobs go in blocks: one at a time would move or scan the whole log for each that comes. */
const BLOCK = 1_000;

/** A job for as long as it is one; then what is to be said of it, for the job itself holds ten times as much. */
export class LoggedJob {
  #job: DispatchedJob | undefined;
  #summary: JobSummary | undefined;

  constructor(job: DispatchedJob) {
    this.#job = job;
  }

  get ended(): boolean {
    return this.#job === undefined;
  }

  summary(): JobSummary {
    return this.#summary ?? (this.#job as DispatchedJob).summary();
  }

  end(): void {
    this.#summary ??= this.#job?.summary();
    this.#job = undefined;
  }
}

export class JobLog {
  /** In order of creation. */
  #jobs: LoggedJob[] = [];
  readonly #active = new Map<DispatchedJob, LoggedJob>();

  add(job: DispatchedJob): void {
    const logged = new LoggedJob(job);
    this.#jobs.push(logged);
    this.#active.set(job, logged);
    if (this.#jobs.length < CAPACITY + BLOCK) return;
    // One that still runs stays findable.
    const old = this.#jobs.slice(0, BLOCK).filter(one => !one.ended);
    this.#jobs = [...old, ...this.#jobs.slice(BLOCK)];
  }

  /** What is kept of a job that has not ended. */
  logged(job: DispatchedJob): LoggedJob | undefined {
    return this.#active.get(job);
  }

  ended(job: DispatchedJob): void {
    this.#active.get(job)?.end();
    this.#active.delete(job);
  }

  active(): readonly DispatchedJob[] {
    return [...this.#active.keys()];
  }

  /** Newest first, after the job with the id `after`. */
  list(filter: { limit: number; after?: string | undefined; state?: string | undefined }): JobSummary[] {
    const newestFirst = this.#jobs.slice(-CAPACITY).reverse();
    const { after } = filter;
    const start = after === undefined ? 0 : newestFirst.findIndex(job => job.summary().id === after) + 1;
    const found: JobSummary[] = [];
    for (const job of newestFirst.slice(start)) {
      const summary = job.summary();
      if (filter.state !== undefined && summary.state !== filter.state) continue;
      if (found.push(summary) >= filter.limit) break;
    }
    return found;
  }
}
