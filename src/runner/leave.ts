/** How a connection is left in good order: no further job, those under way ended, and their endings known to have come. */
import type { Clock } from '../platform/clock.ts';
import type { Connection } from './connection.ts';

/** A gateway that is there acknowledges in a round trip; one that is not would keep an orchestrator waiting. */
const ACKNOWLEDGE_MS = 2_000;

export interface LeaveOptions {
  clock: Clock;
  /** How long jobs may take to end; undefined for as long as they do. */
  gracePeriodMs?: number;
  /** Ends the wait. */
  signal: AbortSignal;
}

/**
 * Announces that nothing more is taken, and waits. The caller cancels what is left, and closes.
 *
 * @returns whether every job ended by itself, and whether the gateway said that it has all the endings.
 */
export async function leave(
  connection: Connection,
  { clock, gracePeriodMs, signal }: LeaveOptions,
): Promise<{ drained: boolean; acknowledged: boolean }> {
  const { jobs } = connection;
  if (!jobs) return { drained: true, acknowledged: true };
  connection.announceDrain();
  const until = async (event: Promise<unknown>, limitMs: number | undefined): Promise<void> => {
    const over = new AbortController();
    const limit = limitMs === undefined ? [] : [clock.sleep(limitMs, over.signal)];
    await Promise.race([event, connection.ended, aborted(signal), ...limit]);
    over.abort();
  };
  await until(jobs.idle(), gracePeriodMs);
  if (jobs.activeJobs > 0) return { drained: false, acknowledged: true };
  let acknowledged = false;
  const arrived = connection.endingsArrived().then(() => {
    acknowledged = true;
  });
  await until(arrived, ACKNOWLEDGE_MS);
  return { drained: true, acknowledged };
}

function aborted(signal: AbortSignal): Promise<void> {
  if (signal.aborted) return Promise.resolve();
  return new Promise(resolve => signal.addEventListener('abort', () => resolve(), { once: true }));
}
