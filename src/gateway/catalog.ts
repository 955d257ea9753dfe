/** What dispatch needs to know of sources and assignments, read from the store once and kept until something changes. */
import { AppError } from '../errors.ts';
import type { AssignedSource } from '../protocol/frames.ts';
import type { SourceRecord, Store } from '../store/store.ts';

/** What is known already, or will be: of most jobs all is, and a promise for each part would cost them turns. */
export type Known<T> = T | Promise<T>;

export class Catalog {
  readonly #store: Store;
  #sources = new Map<string, Known<SourceRecord>>();
  #runnerIds = new Map<string, Known<string[]>>();
  #assigned = new Map<string, Known<AssignedSource>>();

  constructor(store: Store) {
    this.#store = store;
  }

  /** @throws AppError `not_found`. */
  source(idOrName: string): Known<SourceRecord> {
    return remember(this.#sources, idOrName, () => this.#store.findSource(idOrName));
  }

  /** Ids of the runners assigned to a source. */
  runnerIdsOf(sourceId: string): Known<string[]> {
    return remember(this.#runnerIds, sourceId, () => this.#store.runnerIdsOf(sourceId));
  }

  /** A source as a runner is told it: with its config where the gateway keeps that. */
  assignedSource(source: SourceRecord): Known<AssignedSource> {
    return remember(this.#assigned, source.id, async () => {
      const { id, name, bridge, credentialsLocation } = source;
      if (credentialsLocation === 'runner-local') return { id, name, bridge, credentialsLocation };
      return { id, name, bridge, credentialsLocation, config: (await this.#store.sourceConfig(id)) ?? {} };
    });
  }

  /** Of the runner alone is asked each time: a source knows all its runners, and a thousand may be back at once. */
  async assignedSources(runnerId: string): Promise<AssignedSource[]> {
    const ids = await this.#store.sourceIdsOf(runnerId);
    const sources = await Promise.all(ids.map(id => this.#sourceUnlessGone(id)));
    return await Promise.all(
      sources.filter(source => source !== undefined).map(source => this.assignedSource(source)),
    );
  }

  /** A source that was removed a moment ago is assigned to nobody. */
  async #sourceUnlessGone(id: string): Promise<SourceRecord | undefined> {
    try {
      return await this.source(id);
    } catch (error) {
      if (error instanceof AppError && error.code === 'not_found') return undefined;
      throw error;
    }
  }

  /** Something about a source or an assignment changed. New maps, so that a read under way fills only the old ones. */
  invalidate(): void {
    this.#sources = new Map();
    this.#runnerIds = new Map();
    this.#assigned = new Map();
  }
}

/** Unknown names are not remembered: a client could fill the memory with them. */
function remember<T>(cache: Map<string, Known<T>>, key: string, load: () => Promise<T>): Known<T> {
  const known = cache.get(key);
  if (known !== undefined) return known;
  const loading = load();
  cache.set(key, loading);
  loading.then(
    value => cache.set(key, value),
    () => cache.delete(key),
  );
  return loading;
}
