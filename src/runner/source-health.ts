/** Which databases answer: learnt from the jobs there are, and by asking where there were none or the last one failed. */
import type { Clock } from '../platform/clock.ts';
import type { AssignedSource } from '../protocol/frames.ts';
import type { RunnerEvent, SourceState } from './events.ts';
import { JobAbort } from './job-abort.ts';
import { toJobError } from './job-error.ts';
import type { Policy } from './policy/policy.ts';
import type { SourcePool } from './source-pool.ts';

/** How often a source that is not known to answer is asked again. */
const PROBE_MS = 15_000;
/** A database that has not answered by then does not. */
const PROBE_TIMEOUT_MS = 5_000;

export interface SourceHealthOptions {
  clock: Clock;
  pool: SourcePool;
  policy: Policy | undefined;
  /** Whether to ask; else only jobs tell. */
  probe: boolean;
}

export class SourceHealth {
  readonly #options: SourceHealthOptions;
  readonly #states = new Map<string, SourceState>();
  #sources: readonly AssignedSource[] = [];
  #cancel: () => void = () => {};
  #probing = new Set<string>();

  constructor(options: SourceHealthOptions) {
    this.#options = options;
  }

  /** By the name of the source. */
  get states(): Record<string, SourceState> {
    return Object.fromEntries(this.#sources.map(({ name }) => [name, this.#states.get(name) ?? 'unknown']));
  }

  assigned(sources: readonly AssignedSource[]): void {
    const { clock, probe } = this.#options;
    this.#sources = sources;
    const names = new Set(sources.map(source => source.name));
    for (const name of this.#states.keys()) if (!names.has(name)) this.#states.delete(name);
    if (!probe) return;
    this.#cancel();
    this.#cancel = clock.every(PROBE_MS, () => this.#ask());
    this.#ask();
  }

  event(event: RunnerEvent): void {
    if (event.type !== 'job-ended' || !this.#sources.some(({ name }) => name === event.job.source)) return;
    const state = stateAfter(event.error?.code);
    if (state) this.#states.set(event.job.source, state);
  }

  stop(): void {
    this.#cancel();
  }

  #ask(): void {
    for (const source of this.#sources) {
      if (this.#states.get(source.name) === 'ok' || this.#probing.has(source.name)) continue;
      this.#probing.add(source.name);
      void this.#probe(source).finally(() => this.#probing.delete(source.name));
    }
  }

  async #probe(source: AssignedSource): Promise<void> {
    const { clock, pool, policy } = this.#options;
    const over = new JobAbort();
    const cancel = clock.after(PROBE_TIMEOUT_MS, () => over.abort(new Error('no answer')));
    try {
      // What the policy does not let a job open is not opened here either.
      policy?.permit(source, { kind: 'test', target: '', options: {} });
    } catch {
      cancel();
      return;
    }
    try {
      const lease = await pool.lease(source, over);
      try {
        await lease.bridge.ping?.(over.signal);
      } finally {
        lease.release();
      }
      this.#states.set(source.name, 'ok');
    } catch (error) {
      const { code } = toJobError(error, []);
      this.#states.set(source.name, stateAfter(code) === 'misconfigured' ? 'misconfigured' : 'unreachable');
      pool.forget(source.id);
    } finally {
      cancel();
    }
  }
}

/** Undefined where the ending says nothing of the database. */
function stateAfter(code: string | undefined): SourceState | undefined {
  switch (code) {
    case undefined:
    case 'ROW_TOO_LARGE':
      return 'ok';
    case 'SOURCE_UNREACHABLE':
      return 'unreachable';
    case 'SOURCE_CONFIG_MISSING':
    case 'BRIDGE_NOT_FOUND':
      return 'misconfigured';
    default:
      return undefined;
  }
}
