/** A real gateway on a free port, with its key and a way to ask it. */
import { join } from 'node:path';
import { bridgeManifests } from '../../src/bridges/manifests.ts';
import { writeSampleDatabase } from '../../src/bridges/sample-data.ts';
import { type GatewayHandle, type GatewayOptions, startGateway } from '../../src/gateway/gateway.ts';
import { systemClock } from '../../src/platform/clock.ts';
import { systemRandom } from '../../src/platform/random.ts';
import { type RunnerHandle, type StartRunnerOptions, startRunner } from '../../src/runner/index.ts';
import { FakeClock } from './fake-clock.ts';
import { type Cleanup, temporaryDirectory } from './temporary.ts';

/** JSON of the service, with a type for the keys that tests go on with; the rest is compared as it is. */
export interface Json {
  [key: string]: unknown;
  id: string;
  token: string;
  key: string;
  code: string;
  detail: string;
  nextCursor: string;
  items: Json[];
  rows: Record<string, unknown>[];
  meta: Record<string, unknown>;
  sessions: Json[];
  runners: Json[];
}

export interface Answer {
  status: number;
  headers: Headers;
  text: string;
  /** What was answered, for assertions to look into; an empty object when it is not JSON. */
  json: Json;
}

export interface TestGateway {
  gateway: GatewayHandle;
  directory: string;
  dataDir: string;
  key: string;
  connectUrl: string;
  warnings: string[];
  ask(method: string, path: string, body?: unknown, headers?: Record<string, string>): Promise<Answer>;
  /** A source on a sample database of `rows` orders, and a runner assigned to it; returns the runner's token. */
  shop(options?: { rows?: number; runner?: string }): Promise<{ token: string; runnerId: string }>;
  close(): Promise<void>;
}

export async function openGateway(t: Cleanup, options: Partial<GatewayOptions> = {}): Promise<TestGateway> {
  const directory = await temporaryDirectory(t);
  const dataDir = options.dataDir ?? join(directory, 'data');
  const warnings: string[] = [];
  const gateway = await startGateway({
    host: '127.0.0.1',
    port: 0,
    dataDir,
    publicUrl: undefined,
    allowedHosts: [],
    tls: undefined,
    trustedProxies: undefined,
    metricsOpen: false,
    offeredKey: undefined,
    version: '0.0.0-test',
    bridges: bridgeManifests,
    clock: systemClock,
    random: systemRandom,
    onWarning: message => warnings.push(message),
    ...options,
  });
  let open = true;
  const close = async (): Promise<void> => {
    if (!open) return;
    open = false;
    const closed = gateway.close({ gracePeriodMs: 0 });
    // A job that never ended would hold a clock that nobody turns any more.
    if (options.clock instanceof FakeClock) await options.clock.advance(0);
    await closed;
  };
  t.after(close);
  const key = gateway.firstKey?.from === 'made' ? gateway.firstKey.secret : (options.offeredKey ?? '');
  const ask: TestGateway['ask'] = async (method, path, body, headers = {}) => {
    const response = await fetch(gateway.url + path, {
      method,
      headers: {
        authorization: `Bearer ${key}`,
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
        ...headers,
      },
      ...(body === undefined ? {} : { body: typeof body === 'string' ? body : JSON.stringify(body) }),
    });
    const text = await response.text();
    return { status: response.status, headers: response.headers, text, json: parsed(text) };
  };
  return {
    gateway,
    directory,
    dataDir,
    key,
    connectUrl: `${gateway.url.replace('http', 'ws')}/connect`,
    warnings,
    ask,
    close,
    async shop({ rows = 200, runner = 'edge' } = {}) {
      const file = join(directory, 'shop.db');
      await writeSampleDatabase(file, { rows });
      await ask('POST', '/v1/sources', { name: 'shop', bridge: 'sqlite', config: { url: `file:${file}` } });
      const created = await ask('POST', '/v1/runners', { name: runner });
      await ask('POST', `/v1/runners/${runner}/sources`, { sources: ['shop'] });
      const { token, id } = created.json;
      return { token, runnerId: id };
    },
  };
}

/** Our own runtime, connected; stopped with the test. */
export async function connectRunner(
  t: Cleanup,
  options: Omit<StartRunnerOptions, 'onConnected'>,
): Promise<RunnerHandle> {
  let runner: RunnerHandle | undefined;
  await new Promise<void>((resolve, reject) => {
    runner = startRunner({ env: {}, ...options, onConnected: resolve });
    runner.closed.then(({ reason }) => reject(new Error(`the runner stopped: ${reason}`)));
  });
  const connected = runner as RunnerHandle;
  t.after(() => connected.cancel());
  return connected;
}

function parsed(text: string): Json {
  try {
    return JSON.parse(text) as Json;
  } catch {
    return {} as Json;
  }
}
