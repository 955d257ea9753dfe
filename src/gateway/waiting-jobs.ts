/** Jobs that found no session with room: each source's in turn, so that one busy source does not hold the others back. */
import { AppError } from '../errors.ts';
import type { DispatchedJob } from './dispatched-job.ts';

/** Enough to ride out a burst, little enough that a caller learns soon that there is no room. */
const MAX_WAITING = 1_000;
const RETRY_AFTER_SECONDS = 1;

export class WaitingJobs {
  readonly #bySource = new Map<string, Set<DispatchedJob>>();

  get size(): number {
    let size = 0;
    for (const queue of this.#bySource.values()) size += queue.size;
    return size;
  }

  /** Ids of the sources that any wait for. */
  get sourceIds(): string[] {
    return [...this.#bySource.keys()];
  }

  /** Behind the others of its source. @throws AppError `too_many_jobs`. */
  add(job: DispatchedJob): void {
    if (this.size >= MAX_WAITING) {
      throw new AppError('too_many_jobs', {
        message: 'every assigned runner is busy and the queue is full',
        hint: `try again in ${RETRY_AFTER_SECONDS} s, or start another runner`,
        retryable: true,
      });
    }
    const { id } = job.request.source;
    const queue = this.#bySource.get(id) ?? new Set();
    queue.add(job);
    this.#bySource.set(id, queue);
  }

  /** The one whose turn it is. */
  first(sourceId: string): DispatchedJob | undefined {
    const [first] = this.#bySource.get(sourceId) ?? [];
    return first;
  }

  /** Its turn has come, or it has ended before; nothing for a job that does not wait. */
  remove(job: DispatchedJob): void {
    const { id } = job.request.source;
    const queue = this.#bySource.get(id);
    if (queue?.delete(job) && queue.size === 0) this.#bySource.delete(id);
  }
}
