/** The dispatcher: picks a session for each job, queues when all are full, moves a job whose session is lost. */
import { AppError } from '../errors.ts';
import type { CancelTimer, Clock } from '../platform/clock.ts';
import { Deadlines } from '../platform/deadlines.ts';
import type { Random } from '../platform/random.ts';
import type { AssignedSource } from '../protocol/frames.ts';
import type { SourceRecord } from '../store/store.ts';
import type { Known } from './catalog.ts';
import { DispatchedJob } from './dispatched-job.ts';
import type { Job, JobRequest, JobSummary } from './job.ts';
import { JobLog } from './job-log.ts';
import { JobNews } from './job-news.ts';
import { leastInFlight } from './least-in-flight.ts';
import type { EndedJob, SourceJobs } from './metrics.ts';
import type { RunnerSession } from './runner-session.ts';
import type { Dispatcher, EventBus, SessionView } from './services.ts';
import type { InMemorySessions } from './session-directory.ts';
import { WaitingJobs } from './waiting-jobs.ts';

/** A job is moved at most twice: a third runner lost in one deadline is no accident of one machine. */
const MAX_MOVES = 2;
/** How often jobs are looked at that nobody tells of: not taken by their runner, not read by their caller. */
const WATCH_MS = 500;
/** A caller that takes nothing for so long, of a runner that cannot be paced, holds up every other job of it. */
const SLOW_CONSUMER_MS = 30_000;
const MAX_NAMED = 5;

export interface JobDispatcherOptions {
  clock: Clock;
  random: Random;
  events: EventBus;
  sessions: () => InMemorySessions;
  /** At once where it is known, as of most jobs. */
  runnerIdsOf: (sourceId: string) => Known<readonly string[]>;
  /** The source as a runner is told it, managed config included. */
  assignedSource: (source: SourceRecord) => Known<AssignedSource>;
  /** Called once for each job. */
  onEnded: (job: EndedJob) => void;
}

export class JobDispatcher implements Dispatcher {
  readonly #options: JobDispatcherOptions;
  readonly #log = new JobLog();
  readonly #deadlines: Deadlines;
  readonly #news: JobNews;
  readonly #waiting = new WaitingJobs();
  #active = 0;
  #idle: (() => void)[] = [];
  #stopWatching: CancelTimer | undefined;
  #watchedAt = 0;

  constructor(options: JobDispatcherOptions) {
    this.#options = options;
    this.#deadlines = new Deadlines(options.clock);
    this.#news = new JobNews(options.clock, options.events);
  }

  /** Jobs that have not ended. */
  get active(): number {
    return this.#active;
  }

  get queued(): number {
    return this.#waiting.size;
  }

  /** Jobs that have not ended, by the name of their source. */
  jobsBySource(): Map<string, SourceJobs> {
    const counts = new Map<string, SourceJobs>();
    for (const job of this.#log.active()) {
      const { name } = job.request.source;
      const count = counts.get(name) ?? { running: 0, queued: 0 };
      counts.set(name, count);
      if (job.session) count.running++;
      else count.queued++;
    }
    return counts;
  }

  submit(request: JobRequest): Known<Job> {
    const { clock, random } = this.#options;
    const job = new DispatchedJob({
      id: random.uuid(),
      request,
      createdAt: clock.now(),
      submittedAt: clock.monotonic(),
      clock,
      onChange: this.#jobChanged,
    });
    this.#active++;
    this.#watch();
    this.#log.add(job);
    job.cancelDeadline = this.#deadlines.after(request.deadlineMs, () =>
      job.fail(
        new AppError('QUERY_TIMEOUT', {
          message: `the job did not end within ${request.deadlineMs} ms`,
          hint: 'raise --timeout (deadlineMs), or narrow the question',
        }),
      ),
    );
    const refused = (error: unknown): never => {
      job.fail(asAppError(error));
      throw error;
    };
    try {
      const placing = this.#placeNow(job);
      return placing ? placing.then(() => job, refused) : job;
    } catch (error) {
      return refused(error);
    }
  }

  async candidates(source: SourceRecord): Promise<SessionView[]> {
    const sessions = await this.#sessionsFor(source);
    return sessions.filter(session => !session.draining).map(session => session.view());
  }

  recent(filter: { limit: number; after?: string | undefined; state?: string | undefined }): JobSummary[] {
    return this.#log.list(filter);
  }

  /** A slot became free or a session came or went: whoever waits is looked at again. */
  pump(): void {
    for (const sourceId of this.#waiting.sourceIds) void this.#pumpSource(sourceId);
  }

  /** Resolves when no job is left. */
  idle(): Promise<void> {
    return this.#active === 0 ? Promise.resolve() : new Promise(resolve => this.#idle.push(resolve));
  }

  failAll(error: AppError): void {
    for (const job of this.#log.active()) job.fail(error);
  }

  async #place(job: DispatchedJob): Promise<void> {
    await this.#placeNow(job);
  }

  /** With nothing to wait for, and undefined, where all is known. */
  #placeNow(job: DispatchedJob): Promise<void> | undefined {
    const { source, sessionId } = job.request;
    const place = (sessions: RunnerSession[]): Promise<void> | undefined => {
      if (job.ended) return undefined;
      const session = leastInFlight(sessions, source.id, this.#options.random);
      if (session) return this.#send(job, session);
      if (sessions.every(one => one.draining)) throw noneOnline(source);
      this.#waiting.add(job);
      return undefined;
    };
    const sessions = this.#sessionsFor(source, sessionId);
    return sessions instanceof Promise ? sessions.then(place) : place(sessions);
  }

  /** @throws AppError `source_not_assigned`, `no_runners_online`. */
  #sessionsFor(source: SourceRecord, only?: string): Known<RunnerSession[]> {
    const runnerIds = this.#options.runnerIdsOf(source.id);
    return runnerIds instanceof Promise
      ? runnerIds.then(ids => this.#sessionsAmong(ids, source, only))
      : this.#sessionsAmong(runnerIds, source, only);
  }

  #sessionsAmong(runnerIds: readonly string[], source: SourceRecord, only?: string): RunnerSession[] {
    if (runnerIds.length === 0) {
      throw new AppError('source_not_assigned', {
        message: `no runner is assigned to source "${source.name}"`,
        hint: `semilayer runners assign <runner> ${source.name}`,
      });
    }
    const directory = this.#options.sessions();
    const capable: RunnerSession[] = [];
    let online = 0;
    for (const id of runnerIds) {
      for (const session of directory.sessionsOf(id)) {
        online++;
        const wanted = only === undefined || session.id === only;
        if (wanted && session.open && session.canRun(source.bridge)) capable.push(session);
      }
    }
    if (capable.length > 0) return capable;
    if (online > 0 && only === undefined) {
      throw new AppError('no_runners_online', {
        message: `no connected runner of source "${source.name}" has the bridge ${source.bridge}`,
        hint: `install ${source.bridge} where a runner of this source runs`,
        retryable: true,
      });
    }
    throw noneOnline(source);
  }

  #send(job: DispatchedJob, session: RunnerSession): Promise<void> | undefined {
    const known = this.#options.assignedSource(job.request.source);
    if (!(known instanceof Promise)) return this.#begin(job, session, known);
    return known.then(source => {
      // Reading the config took a turn of the loop: the session may have filled up or left.
      if (job.ended) return undefined;
      return session.hasRoom(source.id) ? this.#begin(job, session, source) : this.#placeNow(job);
    });
  }

  #begin(job: DispatchedJob, session: RunnerSession, source: AssignedSource): undefined {
    const { request } = job;
    const wireId = job.attempts === 0 ? job.id : `${job.id}~${job.attempts + 1}`;
    job.attach(session, wireId);
    const { clock } = this.#options;
    const elapsedMs = clock.monotonic() - job.submittedAt;
    session.begin(
      {
        id: wireId,
        type: 'job',
        params: { source, job: { kind: request.kind, target: request.target, options: request.options } },
        deadlineMs: Math.max(1, Math.round(request.deadlineMs - elapsedMs)),
        attempt: job.attempts,
        ...(request.caller ? { caller: request.caller } : {}),
      },
      {
        chunk: (frame, bytes) => job.accept(frame, bytes),
        done: meta => job.succeed(meta, session.runnerId),
        error: (code, message) => {
          // A leaving runner hands back what it did not begin.
          if (code === 'CANCELLED') this.#move(job, 'the runner cancelled the job');
          else job.fail(runnerError(code, message));
        },
        rejected: () => {
          // Not begun, so not lost: it goes to the next that has room, or waits for one.
          job.detach();
          this.#place(job).catch(error => job.fail(asAppError(error)));
        },
        lost: reason => this.#move(job, `the runner was lost: ${reason}`),
      },
    );
  }

  /** The attempt is over and the job is not: another session takes it while the caller has seen nothing. */
  #move(job: DispatchedJob, message: string): void {
    if (job.ended) return;
    const lost = new AppError('runner_failed', {
      message,
      hint: 'ask again; the rows received so far are not complete',
      retryable: true,
    });
    if (job.delivered || job.moves >= MAX_MOVES || job.request.sessionId !== undefined) return job.fail(lost);
    job.moves++;
    job.detach();
    // The session that was lost leaves the directory in this same turn; look for another after it.
    queueMicrotask(() => {
      this.#place(job).catch(() => job.fail(lost));
    });
  }

  /** Begins to look after the jobs under way, until there are none. */
  #watch(): void {
    const { clock } = this.#options;
    this.#stopWatching ??= clock.every(WATCH_MS, () => {
      if (this.#active === 0) {
        this.#stopWatching?.();
        this.#stopWatching = undefined;
      }
      const sinceMs = clock.monotonic() - this.#watchedAt;
      this.#watchedAt += sinceMs;
      // This process stood still, or the first round is here: what came meanwhile is read before anybody is late.
      if (sinceMs > WATCH_MS * 2) return;
      for (const job of this.#log.active()) {
        if (job.stalledMs > SLOW_CONSUMER_MS) job.fail(slowConsumer(job.stalledMs));
        else if (job.session && job.isOverdue) void this.#passOn(job, job.session);
      }
    });
  }

  /** The session did not take the job in time: it goes to one that answers, where there is one. */
  async #passOn(job: DispatchedJob, silent: RunnerSession): Promise<void> {
    const { source, sessionId } = job.request;
    if (job.moves >= MAX_MOVES || sessionId !== undefined) return;
    const sessions = await this.#sessionsOrNone(source);
    const answering = sessions.filter(session => session !== silent && session.answering);
    const next = leastInFlight(answering, source.id, this.#options.random);
    if (!next || job.session !== silent || !job.isOverdue) return;
    job.moves++;
    job.abandon();
    await this.#sendOrFail(job, next);
  }

  async #sessionsOrNone(source: SourceRecord): Promise<RunnerSession[]> {
    try {
      return await this.#sessionsFor(source);
    } catch {
      return [];
    }
  }

  async #sendOrFail(job: DispatchedJob, session: RunnerSession): Promise<void> {
    try {
      await this.#send(job, session);
    } catch (error) {
      job.fail(asAppError(error));
    }
  }

  async #pumpSource(sourceId: string): Promise<void> {
    for (;;) {
      const job = this.#waiting.first(sourceId);
      if (!job) return;
      let sessions: RunnerSession[];
      try {
        sessions = await this.#sessionsFor(job.request.source, job.request.sessionId);
      } catch (error) {
        job.fail(asAppError(error));
        continue;
      }
      const session = leastInFlight(sessions, sourceId, this.#options.random);
      if (this.#waiting.first(sourceId) !== job) continue;
      if (!session) return;
      this.#waiting.remove(job);
      await this.#sendOrFail(job, session);
    }
  }

  readonly #jobChanged = (job: DispatchedJob): void => {
    const logged = this.#log.logged(job);
    if (logged) this.#news.changed(logged);
    if (job.ended) this.#ended(job);
  };

  #ended(job: DispatchedJob): void {
    // Most never waited, or wait no more; one whose caller left must not keep its place.
    this.#waiting.remove(job);
    this.#log.ended(job);
    this.#options.onEnded(job.counted());
    this.#active--;
    if (this.#active > 0) return;
    for (const resolve of this.#idle.splice(0)) resolve();
  }
}

function noneOnline(source: SourceRecord): AppError {
  return new AppError('no_runners_online', {
    message: `no runner of source "${source.name}" is online`,
    hint: `start one: semilayer run (assigned: ${someOf(source.runners)})`,
    retryable: true,
  });
}

/** The first few of what may be a thousand names. */
function someOf(names: readonly string[]): string {
  const more = names.length - MAX_NAMED;
  return `${names.slice(0, MAX_NAMED).join(', ')}${more > 0 ? ` and ${more} more` : ''}`;
}

function slowConsumer(stalledMs: number): AppError {
  return new AppError('slow_consumer', {
    message: `the caller took no rows for ${Math.round(stalledMs / 1_000)} s, and this runner cannot wait for one job alone`,
    hint: 'read faster, ask for fewer rows, or run a newer runner, whose jobs wait each for itself',
  });
}

/** A runner's own code is passed on as it is; anything that does not look like one is not ours to repeat. */
function runnerError(code: string, message: string): AppError {
  return new AppError(/^[A-Z][A-Z_]{2,63}$/.test(code) ? code : 'INTERNAL', { message });
}

function asAppError(error: unknown): AppError {
  return error instanceof AppError
    ? error
    : new AppError('internal', { message: 'the gateway could not place the job', cause: error });
}
