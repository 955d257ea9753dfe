/**
 * Everything that a table holds, read in this process and without us: `reader.mjs ENGINE floor|all`, the database in
 * DATABASE_URL. Answers each question with what was read and how long it took.
 */
import { clientOf } from '../engines/index.mjs';
import { answerQuestions } from '../processes.mjs';
import { Tally } from '../tally.mjs';

const [engine, way] = process.argv.slice(2);
const database = await (await clientOf(engine)).open(process.env.DATABASE_URL);

answerQuestions(async () => {
  const tally = new Tally();
  const started = performance.now();
  let firstRowMs;
  const onFirstRow = () => {
    firstRowMs ??= performance.now() - started;
  };
  if (way === 'floor') await database.floor(tally, onFirstRow);
  else {
    const rows = await database.all();
    onFirstRow();
    for (const row of rows) tally.id(Number(row.id));
  }
  const { rows, checksum, bytes } = tally;
  return { rows, checksum, bytes, firstRowMs, durationMs: performance.now() - started };
});
