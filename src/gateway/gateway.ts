/** The gateway put together: store, sessions, dispatcher, service API and `/connect` on one port. */
import type { IncomingMessage } from 'node:http';
import type { BlockList } from 'node:net';
import type { Duplex } from 'node:stream';
import { AppError, messageOf } from '../errors.ts';
import type { Clock } from '../platform/clock.ts';
import type { Random } from '../platform/random.ts';
import { formatSecret, TOKEN_SECRET_BYTES } from '../protocol/token.ts';
import { openDataDirectory } from '../store/data-directory.ts';
import { openSqliteStore } from '../store/sqlite-store.ts';
import type { Role, Store } from '../store/store.ts';
import { Authenticator } from './auth.ts';
import { addKey, type FirstKey, GATEWAY_ACTOR, type PlannedKey, planFirstKey } from './bootstrap.ts';
import { Catalog } from './catalog.ts';
import { InMemoryEvents } from './event-bus.ts';
import { Api } from './http/api.ts';
import { Guard } from './http/guard.ts';
import type { BridgeManifest, HttpServices } from './http/route.ts';
import { JobDispatcher } from './job-dispatcher.ts';
import { LastSeen } from './last-seen.ts';
import { Listener, type TlsPair } from './listener.ts';
import { GatewayMetrics } from './metrics.ts';
import { Records } from './records.ts';
import { remoteAddressOf } from './remote-address.ts';
import { RunnerEndpoint } from './runner-endpoint.ts';
import { InMemorySessions } from './session-directory.ts';

export interface GatewayOptions {
  host: string;
  /** 0 takes a free port. */
  port: number;
  dataDir: string;
  /** Origin that clients outside use, where a proxy stands in front. */
  publicUrl: string | undefined;
  allowedHosts: readonly string[];
  tls: TlsPair | undefined;
  /** Proxies whose X-Forwarded-For is believed. */
  trustedProxies: BlockList | undefined;
  metricsOpen: boolean;
  /** `SEMILAYER_API_KEY`: the first admin key of an empty data directory. */
  offeredKey: string | undefined;
  version: string;
  /** Manifests of the bridges that come with the program, for the Console's form. */
  bridges: () => Promise<readonly BridgeManifest[]>;
  clock: Clock;
  random: Random;
  onWarning: (message: string) => void;
}

export interface GatewayHandle {
  /** `http://HOST:PORT`, or https. */
  readonly url: string;
  readonly port: number;
  /** The key this start gave to an empty data directory. */
  readonly firstKey: FirstKey | undefined;
  /**
   * Serves this certificate to connections from now on; those that are open keep theirs.
   *
   * @throws AppError `usage` for one that cannot be served; the old one stays.
   */
  reloadTls(tls: TlsPair): void;
  /** Makes a key under this name, ending any that had it: for `semilayer dev`, which keeps none. */
  mintKey(name: string, role: Role): Promise<string>;
  /** Takes no new work, waits for jobs up to the grace period, tells runners to go, closes the store. */
  close(options: { gracePeriodMs: number }): Promise<void>;
}

/**
 * Starts a gateway; when this resolves, it listens.
 *
 * @throws AppError `data_dir_in_use`, `store_corrupt`, `store_newer`, `port_in_use`, `usage`.
 */
export async function startGateway(options: GatewayOptions): Promise<GatewayHandle> {
  const directory = await openDataDirectory(options.dataDir, { create: true });
  let store: Store | undefined;
  try {
    store = await openSqliteStore({ directory, clock: options.clock });
    const planned = await planFirstKey(store, options.random, options.offeredKey);
    const gateway = new Gateway(options, store);
    await gateway.start(planned);
    return {
      url: gateway.url,
      port: gateway.port,
      firstKey: planned?.firstKey,
      reloadTls: tls => gateway.reloadTls(tls),
      mintKey: (name, role) => gateway.mintKey(name, role),
      close: async ({ gracePeriodMs }) => {
        await gateway.close(gracePeriodMs);
        await directory.close();
      },
    };
  } catch (error) {
    await store?.close();
    await directory.close();
    throw error;
  }
}

class Gateway {
  readonly #options: GatewayOptions;
  readonly #store: Store;
  readonly #sessions: InMemorySessions;
  readonly #dispatcher: JobDispatcher;
  readonly #records: Records;
  readonly #lastSeen: LastSeen;
  readonly #authenticator: Authenticator;
  readonly #endpoint: RunnerEndpoint;
  readonly #api: Api;
  readonly #listener: Listener;
  readonly #guard: Guard;
  #accepting = true;

  constructor(options: GatewayOptions, store: Store) {
    this.#options = options;
    this.#store = store;
    const { clock, random } = options;
    const accepting = (): boolean => this.#accepting;
    const events = new InMemoryEvents(clock);
    const catalog = new Catalog(store);
    const assignedSources = (runnerId: string) => catalog.assignedSources(runnerId);
    const metrics = new GatewayMetrics({
      version: options.version,
      state: () => ({
        sessions: this.#sessions.size,
        activeJobs: this.#dispatcher.active,
        queuedJobs: this.#dispatcher.queued,
        jobsBySource: () => this.#dispatcher.jobsBySource(),
      }),
    });
    this.#dispatcher = new JobDispatcher({
      clock,
      random,
      events,
      sessions: () => this.#sessions,
      runnerIdsOf: sourceId => catalog.runnerIdsOf(sourceId),
      assignedSource: source => catalog.assignedSource(source),
      onEnded: job => metrics.jobEnded(job),
    });
    this.#sessions = new InMemorySessions({
      events,
      assignedSources,
      onChange: () => this.#dispatcher.pump(),
    });
    this.#authenticator = new Authenticator({ store, clock, random });
    this.#records = new Records({
      store,
      sessions: this.#sessions,
      catalog,
      authenticator: this.#authenticator,
      events,
      clock,
      random,
    });
    this.#lastSeen = new LastSeen(store, clock);
    this.#endpoint = new RunnerEndpoint({
      store,
      sessions: this.#sessions,
      clock,
      random,
      assignedSources,
      remoteAddressOf: request => remoteAddressOf(request, options.trustedProxies),
      accepting,
      onSeen: (runnerId, version) => this.#lastSeen.note(runnerId, version),
      metrics,
    });
    this.#guard = new Guard({
      port: () => this.port,
      tls: options.tls !== undefined,
      publicUrl: options.publicUrl,
      allowedHosts: options.allowedHosts.map(host => host.toLowerCase()),
    });
    const services: HttpServices = {
      store,
      sessions: this.#sessions,
      dispatcher: this.#dispatcher,
      events,
      clock,
      random,
      version: options.version,
      bridges: options.bridges,
      accepting,
      records: this.#records,
      catalog,
      authenticator: this.#authenticator,
      lastSeen: this.#lastSeen,
      metrics,
      gatewayUrlFor: request => `${this.#baseUrlFor(request).replace(/^http/, 'ws')}/connect`,
      baseUrlFor: request => this.#baseUrlFor(request),
    };
    this.#api = new Api({
      services,
      guard: this.#guard,
      metricsOpen: options.metricsOpen,
      onDefect: (error, requestId) =>
        options.onWarning(`request ${requestId} failed: ${messageOf(causeOf(error))}`),
    });
    this.#listener = new Listener({
      host: options.host,
      port: options.port,
      tls: options.tls,
      random,
      onRequest: (request, response) => this.#api.handle(request, response),
      onUpgrade: (request, socket, head) => this.#upgrade(request, socket, head),
    });
  }

  get port(): number {
    return this.#listener.port;
  }

  get url(): string {
    return this.#listener.url;
  }

  /** Listens, then stores the first key: whoever asks in between is nobody yet. */
  async start(planned: PlannedKey | undefined): Promise<void> {
    await this.#records.start();
    this.#lastSeen.start();
    try {
      await this.#listener.listen();
      if (planned) await addKey(this.#store, this.#options.random, 'admin', 'admin', planned.secret);
    } catch (error) {
      void this.#listener.leave();
      this.#listener.closeAllConnections();
      this.#records.close();
      await this.#lastSeen.close();
      throw error;
    }
  }

  reloadTls(tls: TlsPair): void {
    this.#listener.reloadTls(tls);
  }

  async mintKey(name: string, role: Role): Promise<string> {
    const { random } = this.#options;
    const [old] = (await this.#store.listKeys({ limit: 1_000 })).filter(
      key => key.name === name && key.revokedAt === null,
    );
    if (old) {
      await this.#store.revokeKey(old.id, GATEWAY_ACTOR, { allowLastAdmin: true });
      this.#authenticator.keyChanged(old.id);
    }
    const key = formatSecret('sk_', random.bytes(TOKEN_SECRET_BYTES));
    await addKey(this.#store, random, name, role, key);
    return key;
  }

  async close(gracePeriodMs: number): Promise<void> {
    this.#accepting = false;
    const listenerClosed = this.#listener.leave();
    this.#sessions.announceLeaving();
    const idle = new AbortController();
    await Promise.race([
      this.#dispatcher.idle().then(() => idle.abort()),
      this.#options.clock.sleep(gracePeriodMs, idle.signal),
    ]);
    idle.abort();
    this.#dispatcher.failAll(
      new AppError('runner_failed', { message: 'the gateway was shut down', retryable: true }),
    );
    this.#sessions.goAway();
    this.#endpoint.goAway();
    this.#records.close();
    await this.#lastSeen.close();
    // Answers that ended with the last job go out before their connections do.
    await new Promise<void>(resolve => setImmediate(resolve));
    this.#listener.closeAllConnections();
    await listenerClosed;
    await this.#store.close();
  }

  #upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void {
    this.#guard.check(request);
    const path = (request.url ?? '').split('?', 1)[0];
    if (path !== '/connect' || request.headers.upgrade?.toLowerCase() !== 'websocket') {
      throw new AppError('not_found', { message: 'there is no WebSocket at this path' });
    }
    void this.#endpoint.upgrade(request, socket, head);
  }

  #baseUrlFor(request: IncomingMessage): string {
    // The guard has seen the Host by now: it is one that is ours.
    return this.#options.publicUrl ?? `${this.#options.tls ? 'https' : 'http'}://${request.headers.host}`;
  }
}

function causeOf(error: unknown): unknown {
  return error instanceof Error && error.cause !== undefined ? error.cause : error;
}
