/** `sources test`: the same question through every online runner of a source, each hop timed. */
import type { AppError } from '../../errors.ts';
import type { JobCaller } from '../../protocol/frames.ts';
import type { SourceRecord } from '../../store/store.ts';
import type { SessionView } from '../services.ts';
import { apiCodeOf, asAppError, DetailedError } from './problem.ts';
import type { Call, HttpServices } from './route.ts';
import { callerOf } from './routes/actor.ts';
import { collectBatches } from './stream-job.ts';

/** A database that has not said a word by then is not one to rely on. */
const TEST_DEADLINE_MS = 15_000;

interface Hop {
  name: 'gateway' | 'runner' | 'connect' | 'query';
  ok: boolean;
  /** Null where the hop was not reached, or its runner does not measure it. */
  durationMs: number | null;
}

interface RunnerTest {
  runnerId: string;
  runner: string;
  sessionId: string;
  instance: string | null;
  ok: boolean;
  hops: Hop[];
  error: { code: string; message: string } | null;
}

/**
 * @throws AppError `source_not_assigned` or `no_runners_online`; DetailedError, with every runner's hops, when none
 * reached the database.
 */
export async function testSource(call: Call): Promise<{ ok: boolean; runners: RunnerTest[] }> {
  const { services } = call;
  const started = services.clock.monotonic();
  const source = await services.catalog.source(call.params.source as string);
  const sessions = await services.dispatcher.candidates(source);
  const names = new Map<string, string>();
  for (const { runnerId } of sessions) names.set(runnerId, (await services.store.findRunner(runnerId)).name);
  const gatewayMs = services.clock.monotonic() - started;
  const tests = await Promise.all(
    sessions.map(session =>
      testThrough(services, callerOf(call), source, session, names.get(session.runnerId) ?? '', gatewayMs),
    ),
  );
  const runners = tests.map(({ result }) => result);
  const [failure] = tests.flatMap(({ error }) => (error ? [error] : []));
  if (failure && runners.every(one => !one.ok)) throw new DetailedError(failure, { ok: false, runners });
  return { ok: runners.every(one => one.ok), runners };
}

async function testThrough(
  services: HttpServices,
  caller: JobCaller,
  source: SourceRecord,
  session: SessionView,
  runner: string,
  gatewayMs: number,
): Promise<{ result: RunnerTest; error: AppError | undefined }> {
  const { clock, dispatcher } = services;
  const { runnerId, id: sessionId, instance } = session;
  const started = clock.monotonic();
  const gateway: Hop = { name: 'gateway', ok: true, durationMs: round(gatewayMs) };
  const base = { runnerId, runner, sessionId, instance };
  try {
    const job = await dispatcher.submit({
      source,
      kind: 'test',
      target: '',
      options: {},
      deadlineMs: TEST_DEADLINE_MS,
      sessionId,
      caller,
    });
    const [batch] = await collectBatches(job);
    const roundTripMs = clock.monotonic() - started;
    const { durationMs, connectMs, queryMs } = (batch?.rows[0] ?? {}) as Record<string, unknown>;
    const there = typeof durationMs === 'number' ? durationMs : 0;
    const hops: Hop[] = [
      gateway,
      { name: 'runner', ok: true, durationMs: round(Math.max(0, roundTripMs - there)) },
      // A runner that does not tell them apart says how long both took.
      {
        name: 'connect',
        ok: true,
        durationMs: typeof connectMs === 'number' ? round(connectMs) : round(there),
      },
      { name: 'query', ok: true, durationMs: typeof queryMs === 'number' ? round(queryMs) : null },
    ];
    return { result: { ...base, ok: true, hops, error: null }, error: undefined };
  } catch (thrown) {
    const error = asAppError(thrown);
    const lost = error.code === 'runner_failed' || error.code === 'no_runners_online';
    const failedHop = lost ? 'runner' : error.code === 'SOURCE_QUERY_FAILED' ? 'query' : 'connect';
    const order: Hop['name'][] = ['runner', 'connect', 'query'];
    const hops: Hop[] = [gateway];
    for (const name of order) {
      const failed = name === failedHop;
      hops.push({ name, ok: !failed, durationMs: failed ? round(clock.monotonic() - started) : null });
      if (failed) break;
    }
    const { message } = error;
    return { result: { ...base, ok: false, hops, error: { code: apiCodeOf(error), message } }, error };
  }
}

function round(durationMs: number): number {
  return Math.round(durationMs * 10) / 10;
}
