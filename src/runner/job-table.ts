/** The jobs of one connection: each begins once, ends in exactly one frame, and dies with the connection. */
import { messageOf } from '../errors.ts';
import type { CancelTimer, Clock } from '../platform/clock.ts';
import type { Deadlines } from '../platform/deadlines.ts';
import { encodeFrame } from '../protocol/codec.ts';
import type { CreditTerms } from '../protocol/features.ts';
import type {
  AssignedSource,
  ClientDone,
  ClientError,
  JobCaller,
  RejectReason,
  ServerJob,
} from '../protocol/frames.ts';
import { ChunkWriter } from './chunk-writer.ts';
import { Credit } from './credit.ts';
import type { JobCount, JobIdentity, RunnerEvent } from './events.ts';
import { JobAbort } from './job-abort.ts';
import { JobError, type JobErrorCode, toJobError } from './job-error.ts';
import type { JobSlots } from './job-slots.ts';
import { type JobEnding, JobLedger } from './ledger/job-ledger.ts';
import type { Ledger } from './ledger/ledger.ts';
import { canonicalSource } from './policy/patterns.ts';
import type { Policy } from './policy/policy.ts';
import { runJob } from './run-job.ts';
import type { SourcePool } from './source-pool.ts';

export interface JobWire {
  send(data: string | Buffer): void;
  writable(): Promise<void> | undefined;
}

export interface JobTableOptions {
  wire: JobWire;
  pool: SourcePool;
  clock: Clock;
  /** Of the runner, whatever its connections. */
  slots: JobSlots;
  deadlines: Deadlines;
  /** How soon a job must be taken or handed back, in milliseconds; undefined where that was not negotiated. */
  acceptMs: number | undefined;
  /** Undefined where credit was not negotiated. */
  credit: CreditTerms | undefined;
  /** Whether rows go as lines in binary messages. */
  rawRows: boolean;
  policy?: Policy | undefined;
  /** Where every job is recorded. */
  ledger?: Ledger | undefined;
  onEvent: (event: RunnerEvent) => void;
}

interface ActiveJob {
  identity: JobIdentity;
  frame: ServerJob;
  /** Of the source, by whose name it takes up a slot. */
  slot: string;
  holdsSlot: boolean;
  credit: Credit;
  writer: ChunkWriter;
  abort: JobAbort;
  ledger: JobLedger | undefined;
  startedAt: number;
  cancelDeadline: () => void;
}

/** Most jobs have answered by then, which says as much as that they were taken. */
const ACCEPT_FRACTION = 8;
/** Whoever asks small questions asks again: between two of them the connection is still shared. */
const SHARED_MS = 1_000;

export class JobTable {
  readonly #options: JobTableOptions;
  readonly #active = new Map<string, ActiveJob>();
  /** Accepted beyond our concurrency: a version 1 gateway does not know of it. */
  readonly #waiting: ActiveJob[] = [];
  /** Of which the gateway has not heard yet. */
  readonly #unannounced = new Set<ActiveJob>();
  #announcing: CancelTimer | undefined;
  readonly #stopListening: () => void;
  #assigned = new Map<string, AssignedSource>();
  #endings = 0;
  /** When jobs were last seen to be several. */
  #sharedAt = Number.NEGATIVE_INFINITY;
  #draining = false;
  #closed = false;
  #idle: (() => void)[] = [];

  constructor(options: JobTableOptions) {
    this.#options = options;
    this.#stopListening = options.slots.onFree(() => this.#beginNext());
  }

  /** `done` and `error` frames sent. */
  get endings(): number {
    return this.#endings;
  }

  get activeJobs(): number {
    return this.#active.size;
  }

  /** Jobs of each source that are under way, and that wait for their turn. */
  get jobsBySource(): Map<string, JobCount> {
    const counts = new Map<string, JobCount>();
    for (const job of this.#active.values()) {
      const { source } = job.identity;
      const count = counts.get(source) ?? { running: 0, waiting: 0 };
      counts.set(source, count);
      if (this.#waiting.includes(job)) count.waiting++;
      else count.running++;
    }
    return counts;
  }

  assign(sources: readonly AssignedSource[]): void {
    this.#assigned = new Map(sources.map(source => [source.id, source]));
  }

  begin(frame: ServerJob): void {
    const { id, params, deadlineMs } = frame;
    // A second job frame for a job under way has nothing of its own to end.
    if (this.#closed || this.#active.has(id)) return;
    const { clock, deadlines, wire, rawRows, ledger, acceptMs } = this.#options;
    const source = (this.#sourceOf(frame) ?? params.source).name;
    const slot = canonicalSource(source);
    if (acceptMs !== undefined) {
      // Not begun: another runner may have room now, where here it would wait.
      if (this.#draining) return this.#reject(id, 'draining');
      if (!this.#options.slots.hasRoom(slot)) return this.#reject(id, 'busy');
    }
    const abort = new JobAbort();
    const credit = new Credit(this.#options.credit, this.#isShared);
    const { kind, target } = params.job;
    const identity: JobIdentity = { id, kind, source, target };
    const job: ActiveJob = {
      identity,
      frame,
      slot,
      holdsSlot: false,
      credit,
      writer: new ChunkWriter({
        jobId: id,
        sink: wire,
        credit,
        abort,
        rawRows,
        now: () => clock.monotonic(),
        noteColumns: ledger !== undefined,
      }),
      abort,
      ledger: ledger && new JobLedger(ledger, identity),
      startedAt: clock.monotonic(),
      cancelDeadline: () => {},
    };
    this.#active.set(id, job);
    if (this.#active.size > 1) this.#sharedAt = job.startedAt;
    if (this.#draining)
      return this.#end(job, 0, new JobError('CANCELLED', 'this runner is leaving and takes no job'));
    if (!(deadlineMs > 0)) return this.#end(job, 0, timeout(deadlineMs));
    job.cancelDeadline = deadlines.after(deadlineMs, () => abort.abort(timeout(deadlineMs)));
    abort.onAbort(() => this.#aborted(job));
    if (acceptMs !== undefined) this.#announceSoon(job, acceptMs);
    if (this.#hasRoom(job)) void this.#run(job);
    else this.#waiting.push(job);
  }

  /** A job that cannot be one, whose ending is all there is of it. */
  refuse(id: string, code: string, message: string): void {
    // One that is under way has its own ending to come.
    if (this.#active.has(id)) return;
    this.#sendEnding({ type: 'error', id, code, message });
  }

  /** Idempotent; a job that is not here has ended already. */
  cancel(id: string): void {
    this.#active.get(id)?.abort.abort(new JobError('CANCELLED', 'cancelled by the caller'));
  }

  grant(id: string, bytes: number): void {
    this.#active.get(id)?.credit.grant(bytes);
  }

  /** Takes no further job. */
  drain(): void {
    this.#draining = true;
  }

  /** Resolves when no job is left. */
  idle(): Promise<void> {
    return this.#active.size === 0 ? Promise.resolve() : new Promise(resolve => this.#idle.push(resolve));
  }

  cancelAll(reason: string): void {
    for (const job of [...this.#active.values()]) job.abort.abort(new JobError('CANCELLED', reason));
  }

  /** The connection is gone: every job stops, and nothing more is sent. */
  close(): void {
    this.#closed = true;
    this.#stopListening();
    this.#announcing?.();
    this.cancelAll('the connection to the gateway was lost');
  }

  async #run(job: ActiveJob): Promise<void> {
    const { onEvent, slots, clock, pool, policy } = this.#options;
    const { abort, frame, identity, ledger, startedAt, writer } = job;
    slots.take(job.slot);
    job.holdsSlot = true;
    onEvent({ type: 'job-started', job: identity, ...callerOf(frame) });
    const secrets: string[] = [];
    const source = this.#sourceOf(frame);
    const answer = () => runJob({ frame, source, writer, abort, secrets, clock, pool, policy, startedAt });
    try {
      const work = ledger ? ledger.start(frame).then(answer) : answer();
      // A bridge that hangs holds no ending back: what aborts the job ends it, and what comes here later finds it gone.
      const meta = await work;
      // Recorded before the gateway learns that it has it all.
      if (ledger && !abort.aborted) await ledger.end(this.#ending(job, 'done'));
      this.#end(job, writer.rowsSent, meta);
    } catch (error) {
      const { code, message } = toJobError(error, secrets);
      this.#end(job, writer.rowsSent, new JobError(code, message));
    } finally {
      this.#giveSlot(job);
    }
  }

  #giveSlot(job: ActiveJob): void {
    if (!job.holdsSlot) return;
    job.holdsSlot = false;
    this.#options.slots.give(job.slot);
  }

  readonly #isShared = (): boolean =>
    this.#active.size > 1 || this.#options.clock.monotonic() - this.#sharedAt < SHARED_MS;

  /** A slot is free: one at most can begin. */
  #beginNext(): void {
    const at = this.#waiting.findIndex(waiting => this.#hasRoom(waiting));
    const [next] = at < 0 ? [] : this.#waiting.splice(at, 1);
    if (next) void this.#run(next);
  }

  #reject(id: string, reason: RejectReason): void {
    this.#options.wire.send(encodeFrame({ id, type: 'reject', reason }));
  }

  /** Says that a job was taken, unless it has said more by itself by then. One timer for all that came together. */
  #announceSoon(job: ActiveJob, acceptMs: number): void {
    this.#unannounced.add(job);
    this.#announcing ??= this.#options.clock.after(acceptMs / ACCEPT_FRACTION, () => {
      this.#announcing = undefined;
      const jobs = [...this.#unannounced];
      this.#unannounced.clear();
      for (const { identity, writer } of jobs) {
        if (this.#closed || !this.#active.has(identity.id) || writer.bytesSent > 0) continue;
        this.#options.wire.send(encodeFrame({ id: identity.id, type: 'accept' }));
      }
    });
  }

  /** The source as it will be opened. A job's own copy of a managed config is the freshest. */
  #sourceOf({ params }: ServerJob): AssignedSource | undefined {
    const assigned = this.#assigned.get(params.source.id);
    return assigned?.credentialsLocation === 'managed' ? params.source : assigned;
  }

  #hasRoom({ slot }: ActiveJob): boolean {
    return this.#options.slots.hasRoom(slot);
  }

  #ending({ writer, startedAt }: ActiveJob, ending: string): JobEnding {
    const durationMs = Math.round(this.#options.clock.monotonic() - startedAt);
    return { rows: writer.rowsSent, bytes: writer.bytesSent, columns: writer.columns, durationMs, ending };
  }

  /** The one place where a job leaves the table and its one ending is sent. */
  #end(job: ActiveJob, rows: number, outcome: JobError | { nextCursor?: string; total?: number }): void {
    const { id } = job.identity;
    if (this.#active.get(id) !== job) return;
    this.#active.delete(id);
    this.#unannounced.delete(job);
    job.cancelDeadline();
    const durationMs = Math.round(this.#options.clock.monotonic() - job.startedAt);
    const error =
      outcome instanceof JobError
        ? { code: outcome.code as JobErrorCode, message: messageOf(outcome) }
        : null;
    this.#sendEnding(
      error === null
        ? { id, type: 'done', meta: { count: rows, durationMs, ...outcome } }
        : { id, type: 'error', ...error },
    );
    if (error) void job.ledger?.end(this.#ending(job, error.code)).catch(() => {});
    const { totalSent: total, firstAt } = job.writer;
    this.#options.onEvent({
      type: 'job-ended',
      job: job.identity,
      ...callerOf(job.frame),
      rows,
      ...(total === undefined ? {} : { total }),
      bytes: job.writer.bytesSent,
      durationMs,
      firstRowsMs: firstAt === undefined ? null : Math.round(firstAt - job.startedAt),
      error,
    });
    if (this.#active.size === 0) for (const resolve of this.#idle.splice(0)) resolve();
  }

  #sendEnding(frame: ClientDone | ClientError): void {
    if (this.#closed) return;
    this.#endings++;
    this.#options.wire.send(encodeFrame(frame));
  }

  /** Ends the job at once, not when its bridge gets round to it: what leaves next may be the close frame. */
  #aborted(job: ActiveJob): void {
    const index = this.#waiting.indexOf(job);
    if (index >= 0) this.#waiting.splice(index, 1);
    this.#end(job, job.writer.rowsSent, job.abort.reason as JobError);
    this.#giveSlot(job);
  }
}

function callerOf({ caller }: ServerJob): { caller?: JobCaller } {
  return caller ? { caller } : {};
}

function timeout(deadlineMs: number): JobError {
  return new JobError('QUERY_TIMEOUT', `the job did not end within ${deadlineMs} ms`);
}
