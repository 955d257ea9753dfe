/** Callers that each ask again as soon as they are answered, and what a round of them cost. */
import { processorMs, quantile } from './figures.ts';

/** What every side is to answer, up to where a time begins: the same work, or no figure at all. */
const ANSWER = '{"rows":[{"id":1,"name":"one row"}],"meta":{"count":1,';

/**
 * One round of a side, `{open, body, pids}`: `open(connections)` gives `ask` and `close`, `pids` are gateway and runner.
 *
 * @returns latencies in microseconds, answers a second, and microseconds of each process's time that an answer took.
 */
export async function roundOf({ open, body, pids }, callers, durationMs, isRight = isTheRow) {
  const { ask, close } = await open(callers);
  const latencies = [];
  const before = pids.map(processorMs);
  const started = performance.now();
  const caller = async () => {
    while (performance.now() - started < durationMs) {
      const asked = performance.now();
      const text = await ask(body);
      latencies.push((performance.now() - asked) * 1000);
      if (!isRight(text)) throw new Error(`unexpected answer: ${text.slice(0, 200)}`);
    }
  };
  await Promise.all(Array.from({ length: callers }, caller));
  const elapsedMs = performance.now() - started;
  const used = pids.map((pid, at) => (processorMs(pid) - before[at]) * 1000);
  await close();
  return {
    p50: quantile(latencies, 0.5),
    p99: quantile(latencies, 0.99),
    rate: (latencies.length / elapsedMs) * 1000,
    gateway: used[0] / latencies.length,
    runner: used[1] / latencies.length,
  };
}

function isTheRow(text) {
  return text.startsWith(ANSWER);
}
