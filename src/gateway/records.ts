/** Changes to records, with all that follows from each: sessions ended, runners told, events sent. */
import { AppError } from '../errors.ts';
import type { CancelTimer, Clock } from '../platform/clock.ts';
import type { Random } from '../platform/random.ts';
import { nameProblem } from '../protocol/names.ts';
import { fingerprintOf, formatSecret, hashSecret, TOKEN_SECRET_BYTES } from '../protocol/token.ts';
import type {
  Actor,
  ApiKeyRecord,
  CredentialsLocation,
  DeploymentType,
  Role,
  RunnerRecord,
  SourceRecord,
  Store,
  StoredSecret,
} from '../store/store.ts';
import type { Authenticator } from './auth.ts';
import type { Catalog } from './catalog.ts';
import type { EventBus, SessionDirectory } from './services.ts';

/** Runners looked at in one go when the gateway starts. */
const START_PAGE = 1_000;

export interface RecordsOptions {
  store: Store;
  sessions: SessionDirectory;
  catalog: Catalog;
  authenticator: Authenticator;
  events: EventBus;
  clock: Clock;
  random: Random;
}

export class Records {
  readonly #options: RecordsOptions;
  /** By runner: ends the sessions of a token whose overlap is over. */
  readonly #overlaps = new Map<string, CancelTimer>();

  constructor(options: RecordsOptions) {
    this.#options = options;
  }

  /** Takes up overlaps that a gateway before this one began. */
  async start(): Promise<void> {
    let after: string | undefined;
    for (;;) {
      const page = await this.#options.store.listRunners({ limit: START_PAGE, after });
      for (const record of page) this.#watchOverlap(record);
      if (page.length < START_PAGE) return;
      after = page.at(-1)?.name;
    }
  }

  close(): void {
    for (const cancel of this.#overlaps.values()) cancel();
    this.#overlaps.clear();
  }

  /** The token is in the answer, and nowhere else. */
  async createRunner(
    input: { name: string; type?: DeploymentType | undefined },
    by: Actor,
  ): Promise<{ record: RunnerRecord; token: string }> {
    const { store, random, events } = this.#options;
    checkName(input.name);
    if (input.type === 'saas') {
      throw new AppError('invalid_request', {
        message: 'runners of type saas are run by SemiLayer and cannot be created by self-service',
        hint: 'leave --type away for a runner in your own network',
      });
    }
    const { token, secret } = this.#newToken();
    const record = await store.createRunner(
      { id: random.uuid(), name: input.name, type: input.type ?? 'customer', token: secret },
      by,
    );
    events.publish({ type: 'runner.changed', runner: record.id });
    return { record, token };
  }

  async renameRunner(runner: string, name: string, by: Actor): Promise<RunnerRecord> {
    checkName(name);
    const record = await this.#options.store.renameRunner(runner, name, by);
    // A source's record lists its runners by name.
    this.#options.catalog.invalidate();
    this.#options.events.publish({ type: 'runner.changed', runner: record.id });
    return record;
  }

  async rotateRunner(
    runner: string,
    overlapMs: number,
    by: Actor,
  ): Promise<{ record: RunnerRecord; token: string }> {
    const { token, secret } = this.#newToken();
    const record = await this.#options.store.rotateRunner(runner, secret, overlapMs, by);
    this.#tokensChanged(record);
    return { record, token };
  }

  async revokeRunner(runner: string, by: Actor): Promise<RunnerRecord> {
    const record = await this.#options.store.revokeRunner(runner, by);
    this.#tokensChanged(record);
    return record;
  }

  async deleteRunner(runner: string, by: Actor): Promise<void> {
    const { store, sessions, catalog, events } = this.#options;
    const record = await store.deleteRunner(runner, by);
    catalog.invalidate();
    this.#overlaps.get(record.id)?.();
    this.#overlaps.delete(record.id);
    sessions.dropInvalid(record.id, []);
    events.publish({ type: 'runner.removed', runner: record.id });
    for (const source of record.sources) events.publish({ type: 'source.changed', source });
  }

  async changeAssignments(
    runner: string,
    change: 'replace' | 'add' | 'remove',
    sources: string[],
    by: Actor,
  ): Promise<RunnerRecord> {
    const { store, sessions, catalog, events } = this.#options;
    const record = await store.changeAssignments(runner, change, sources, by);
    catalog.invalidate();
    await sessions.assignmentsChanged(record.id);
    events.publish({ type: 'runner.changed', runner: record.id });
    return record;
  }

  async createSource(
    input: {
      name: string;
      bridge: string;
      credentialsLocation: CredentialsLocation;
      config: Record<string, unknown> | null;
    },
    by: Actor,
  ): Promise<SourceRecord> {
    const { store, random, catalog, events } = this.#options;
    checkName(input.name);
    const record = await store.createSource({ id: random.uuid(), ...input }, by);
    catalog.invalidate();
    events.publish({ type: 'source.changed', source: record.id });
    return record;
  }

  async updateSource(
    source: string,
    change: Parameters<Store['updateSource']>[1],
    by: Actor,
  ): Promise<SourceRecord> {
    const { store, events } = this.#options;
    if (change.name !== undefined) checkName(change.name);
    const record = await store.updateSource(source, change, by);
    await this.#tellRunnersOf(record.id);
    events.publish({ type: 'source.changed', source: record.id });
    return record;
  }

  async deleteSource(source: string, force: boolean, by: Actor): Promise<void> {
    const { store, catalog, sessions, events } = this.#options;
    const { id } = await store.findSource(source);
    const runnerIds = await store.runnerIdsOf(id);
    await store.deleteSource(id, force, by);
    catalog.invalidate();
    for (const runnerId of runnerIds) await sessions.assignmentsChanged(runnerId);
    events.publish({ type: 'source.removed', source: id });
  }

  async createKey(name: string, role: Role, by: Actor): Promise<{ record: ApiKeyRecord; key: string }> {
    const { store, random, events } = this.#options;
    checkName(name);
    const key = formatSecret('sk_', random.bytes(TOKEN_SECRET_BYTES));
    const record = await store.createKey(
      { id: random.uuid(), name, role, hash: hashSecret(key), fingerprint: fingerprintOf(key) },
      by,
    );
    events.publish({ type: 'key.changed', key: record.id });
    return { record, key };
  }

  async revokeKey(key: string, by: Actor): Promise<void> {
    const { store, authenticator, events } = this.#options;
    const record = await store.revokeKey(key, by);
    authenticator.keyChanged(record.id);
    events.publish({ type: 'key.changed', key: record.id });
  }

  #newToken(): { token: string; secret: StoredSecret } {
    const token = formatSecret('rk_', this.#options.random.bytes(TOKEN_SECRET_BYTES));
    return { token, secret: { hash: hashSecret(token), fingerprint: fingerprintOf(token) } };
  }

  /** Sessions whose token no longer counts end before the caller has an answer. */
  #tokensChanged(record: RunnerRecord): void {
    const { sessions, events, clock } = this.#options;
    sessions.dropInvalid(record.id, validHashes(record, clock.now()));
    this.#watchOverlap(record);
    events.publish({ type: 'runner.changed', runner: record.id });
  }

  #watchOverlap(record: RunnerRecord): void {
    const { sessions, events, clock } = this.#options;
    this.#overlaps.get(record.id)?.();
    this.#overlaps.delete(record.id);
    if (!record.previousToken) return;
    const cancel = clock.after(record.previousToken.expiresAt - clock.now(), () => {
      this.#overlaps.delete(record.id);
      sessions.dropInvalid(record.id, record.token ? [record.token.hash] : []);
      events.publish({ type: 'runner.changed', runner: record.id });
    });
    this.#overlaps.set(record.id, cancel);
  }

  async #tellRunnersOf(sourceId: string): Promise<void> {
    const { store, catalog, sessions } = this.#options;
    catalog.invalidate();
    for (const runnerId of await store.runnerIdsOf(sourceId)) await sessions.assignmentsChanged(runnerId);
  }
}

/** Hashes of the tokens that open a session now. */
function validHashes(record: RunnerRecord, now: number): string[] {
  const { token, previousToken } = record;
  return [
    ...(token ? [token.hash] : []),
    ...(previousToken && previousToken.expiresAt > now ? [previousToken.hash] : []),
  ];
}

function checkName(name: string): void {
  const problem = nameProblem(name);
  if (problem === undefined) return;
  throw new AppError('invalid_request', { message: `${JSON.stringify(name.slice(0, 80))}: ${problem}` });
}
