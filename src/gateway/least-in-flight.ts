/** Which of the sessions that could take a job gets it. */
import type { Random } from '../platform/random.ts';
import { MAX_CONCURRENCY } from '../protocol/features.ts';
import type { RunnerSession } from './runner-session.ts';

/**
 * The session with room and the fewest jobs; among equals by lot, so that replicas share the load. One that does not
 * answer is the last resort.
 */
export function leastInFlight(
  sessions: readonly RunnerSession[],
  sourceId: string,
  random: Random,
): RunnerSession | undefined {
  let best: RunnerSession | undefined;
  let least = Number.POSITIVE_INFINITY;
  let ties = 0;
  for (const session of sessions) {
    if (!session.hasRoom(sourceId)) continue;
    const load = session.inFlight + (session.answering ? 0 : MAX_CONCURRENCY);
    if (load < least) {
      best = session;
      least = load;
      ties = 1;
    } else if (load === least && random.fraction() * ++ties < 1) {
      best = session;
    }
  }
  return best;
}
