/** The sessions of this gateway, by runner: the in-memory side of the SessionDirectory port. */
import { CLOSE } from '../protocol/close-codes.ts';
import type { AssignedSource } from '../protocol/frames.ts';
import type { RunnerSession } from './runner-session.ts';
import type { EventBus, SessionDirectory, SessionView } from './services.ts';

const REFUSED = 'token rotated or revoked';

export interface InMemorySessionsOptions {
  events: EventBus;
  /** The assignments of a runner as its sessions are told them, managed configs included. */
  assignedSources: (runnerId: string) => Promise<AssignedSource[]>;
  /** A session came, left, or can take a job it could not before. */
  onChange: () => void;
}

export class InMemorySessions implements SessionDirectory {
  readonly #options: InMemorySessionsOptions;
  readonly #byRunner = new Map<string, Set<RunnerSession>>();

  constructor(options: InMemorySessionsOptions) {
    this.#options = options;
  }

  get size(): number {
    let count = 0;
    for (const sessions of this.#byRunner.values()) count += sessions.size;
    return count;
  }

  add(session: RunnerSession): void {
    const sessions = this.#byRunner.get(session.runnerId) ?? new Set();
    this.#byRunner.set(session.runnerId, sessions.add(session));
    session.onSlotFree = () => this.#options.onChange();
    this.#changed(session.runnerId);
  }

  remove(session: RunnerSession): void {
    const sessions = this.#byRunner.get(session.runnerId);
    if (!sessions?.delete(session)) return;
    if (sessions.size === 0) this.#byRunner.delete(session.runnerId);
    this.#changed(session.runnerId);
  }

  changed(runnerId: string): void {
    this.#changed(runnerId);
  }

  sessionsOf(runnerId: string): Iterable<RunnerSession> {
    return this.#byRunner.get(runnerId) ?? [];
  }

  countOf(runnerId: string): number {
    return this.#byRunner.get(runnerId)?.size ?? 0;
  }

  ofRunner(runnerId: string): SessionView[] {
    return [...this.sessionsOf(runnerId)].map(session => session.view());
  }

  all(): SessionView[] {
    return [...this.#byRunner.values()].flatMap(sessions => [...sessions].map(session => session.view()));
  }

  dropInvalid(runnerId: string, validHashes: readonly string[]): void {
    const sessions = this.#byRunner.get(runnerId);
    const dropped = [...(sessions ?? [])].filter(({ tokenHash }) => !validHashes.includes(tokenHash));
    if (!sessions || dropped.length === 0) return;
    // All are told before anything is done about the first: of a thousand, the last does not wait for the jobs of others.
    for (const session of dropped) session.dismiss(CLOSE.unauthorized, REFUSED);
    for (const session of dropped) {
      session.lost(REFUSED);
      sessions.delete(session);
    }
    if (sessions.size === 0) this.#byRunner.delete(runnerId);
    this.#changed(runnerId);
  }

  async assignmentsChanged(runnerId: string): Promise<void> {
    const sources = await this.#options.assignedSources(runnerId);
    for (const session of this.sessionsOf(runnerId)) session.assignmentsChanged(sources);
    this.#options.onChange();
  }

  /** Every session is told that this gateway is about to leave. */
  announceLeaving(): void {
    for (const sessions of this.#byRunner.values()) for (const session of sessions) session.announceLeaving();
  }

  /** Every session is told to go elsewhere; used when the gateway itself leaves. */
  goAway(): void {
    for (const sessions of [...this.#byRunner.values()]) {
      for (const session of [...sessions]) {
        session.goAway();
        this.remove(session);
      }
    }
  }

  #changed(runnerId: string): void {
    this.#options.events.publish({ type: 'runner.changed', runner: runnerId });
    this.#options.onChange();
  }
}
