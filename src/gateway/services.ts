/** What the HTTP routes stand on: the gateway's inside, as narrow ports. */
import type { Clock } from '../platform/clock.ts';
import type { Random } from '../platform/random.ts';
import type { Role, SourceRecord, Store } from '../store/store.ts';
import type { Known } from './catalog.ts';
import type { Job, JobRequest, JobSummary } from './job.ts';

/** Who is calling: an API key, or a Console session that stands for one. */
export interface Principal {
  keyId: string;
  name: string;
  role: Role;
}

/** A live connection of a runner, as records show it. Instants in milliseconds since the epoch. */
export interface SessionView {
  id: string;
  runnerId: string;
  instance: string | null;
  version: string | null;
  remoteAddress: string;
  connectedAt: number;
  lastHeartbeatAt: number;
  activeJobs: number;
  fingerprint: string;
  draining: boolean;
}

/** The directory of connected sessions. In memory here; a message bus can stand behind it for several gateways. */
export interface SessionDirectory {
  ofRunner(runnerId: string): SessionView[];
  all(): SessionView[];
  /** Closes every session of the runner whose token is no longer valid (4401); its jobs end before this returns. */
  dropInvalid(runnerId: string, validHashes: readonly string[]): void;
  /** Sends the runner's current assignments to its sessions. */
  assignmentsChanged(runnerId: string): Promise<void>;
}

export interface Dispatcher {
  /**
   * Begins a job: at once where all is known that it takes.
   *
   * @throws AppError `source_not_assigned`, `no_runners_online`, `too_many_jobs`, from here or from the first `next()`.
   */
  submit(request: JobRequest): Known<Job>;
  /** Live sessions that could run a job of this source now. */
  candidates(source: SourceRecord): Promise<SessionView[]>;
  recent(filter: { limit: number; after?: string | undefined; state?: string | undefined }): JobSummary[];
}

export type GatewayEvent =
  | { type: 'runner.changed'; runner: string }
  | { type: 'runner.removed'; runner: string }
  | { type: 'source.changed'; source: string }
  | { type: 'source.removed'; source: string }
  | { type: 'key.changed'; key: string }
  | { type: 'job.changed'; job: JobSummary };

export interface EventBus {
  publish(event: GatewayEvent): void;
  /** Calls `listener` for each event until the returned function is called. */
  subscribe(listener: (event: GatewayEvent & { id: number; at: number }) => void): () => void;
}

export interface GatewayServices {
  store: Store;
  sessions: SessionDirectory;
  dispatcher: Dispatcher;
  events: EventBus;
  clock: Clock;
  random: Random;
  version: string;
  /** Whether new work may be taken (false once draining). */
  accepting(): boolean;
}
