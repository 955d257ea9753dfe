/**
 * Short questions in one process, each way in turn: `bridge.mjs ENGINE`, the database in DATABASE_URL. Answers with the
 * microseconds that each took.
 */
import { clientOf } from '../engines/index.mjs';
import { answerQuestions } from '../processes.mjs';
import { builtModule } from '../program.mjs';
import { seededRandom } from '../random.mjs';

/** What a job has by default; the bridge turns it into the server's own time limit. */
const TIMEOUT_MS = 30_000;

const { resolveBridge } = await builtModule('runner.js');
const [engine] = process.argv.slice(2);
const url = process.env.DATABASE_URL;
const database = await (await clientOf(engine)).open(url);
const Bridge = await resolveBridge(engine);
// One each: a job has a deadline that a plain `query` has not, and a connection is told of every other one.
const [streaming, plain] = [new Bridge({ url }), new Bridge({ url })];
await Promise.all([streaming.connect(), plain.connect()]);

/** Rows as the runner sends them: as lines, where the bridge makes lines. */
async function lines(options) {
  const batches = streaming.stream('query', 'people', options, new AbortController().signal, TIMEOUT_MS);
  let rows = 0;
  for await (const batch of batches) rows += batch.count ?? batch.length;
  return rows;
}

const WAYS = {
  byKey: id => ({
    prepared: async () => (await database.byKey(id)).length,
    lines: () => lines({ where: { id } }),
    decoded: async () => (await plain.query('people', { where: { id } })).rows.length,
    public: async () => (await database.public.byKey(id)).length,
  }),
  first: (_id, limit) => ({
    prepared: async () => (await database.first(limit)).length,
    lines: () => lines({ orderBy: [{ field: 'id' }], limit }),
    decoded: async () => (await plain.query('people', { orderBy: [{ field: 'id' }], limit })).rows.length,
    public: async () => (await database.public.first(limit)).length,
  }),
};

answerQuestions(async ({ question, ways, times, rows, limit, seed }) => {
  const random = seededRandom(seed);
  const samples = Object.fromEntries(ways.map(way => [way, []]));
  for (let time = 0; time < times; time++) {
    const asked = WAYS[question](1 + Math.floor(random() * rows), limit);
    for (const way of ways) {
      const started = performance.now();
      const delivered = await asked[way]();
      samples[way].push((performance.now() - started) * 1000);
      if (delivered !== limit) throw new Error(`${way} delivered ${delivered} rows, not ${limit}`);
    }
  }
  return samples;
});
