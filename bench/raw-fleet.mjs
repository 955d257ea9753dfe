/** Runner records made through the API, and a bare WebSocket client connected for each. */

const ASKING_AT_ONCE = 16;

/** @returns `[{id, token, name}]`, in the order of their numbers; assigned to `sources` where there are any. */
export async function createRecords({ ask }, count, prefix, sources = []) {
  const runners = new Array(count);
  let next = 0;
  const asker = async () => {
    for (let at = next++; at < count; at = next++) {
      const name = `${prefix}-${at}`;
      const { id, token } = await ask('/v1/runners', { name });
      if (sources.length > 0) await ask(`/v1/runners/${name}/sources`, { sources });
      runners[at] = { id, token, name };
    }
  };
  await Promise.all(Array.from({ length: ASKING_AT_ONCE }, asker));
  return runners;
}

/** Connects them, in so many processes. */
export async function connectRaw(processes, url, runners, workers) {
  const clients = Array.from({ length: workers }, () => processes.worker('peers/raw-runners.mjs', []));
  const started = performance.now();
  await Promise.all(
    clients.map((client, at) =>
      client.ask({ url, runners: runners.filter((_, number) => number % workers === at) }),
    ),
  );
  const connectMs = performance.now() - started;
  return {
    connectMs,
    /** What was exchanged so far, over all of them. */
    async seen() {
      const parts = await Promise.all(clients.map(client => client.ask({})));
      const sum = key => parts.reduce((total, part) => total + part[key], 0);
      return Object.fromEntries(Object.keys(parts[0]).map(key => [key, sum(key)]));
    },
  };
}
