/** One row of `people` by its key, any key, again and again by one caller, each answer checked. */
import { setTimeout as delay } from 'node:timers/promises';
import { seededRandom } from './random.mjs';

const SEED = 20_260_102;

/** @param ask as of `asker`; @returns what asks for the row of a key over HTTP. */
export function byKey(ask) {
  return async id => JSON.parse(await ask(JSON.stringify({ target: 'people', where: { id } }))).rows;
}

/**
 * Asks until the promise is settled, `everyMs` after each answer.
 *
 * @returns the milliseconds of each question.
 * @throws when an answer is not the row that was asked for.
 */
export async function questionsUntil(end, { label, ask, rowCount, everyMs = 0 }) {
  const random = seededRandom(SEED);
  const latencies = [];
  let isOver = false;
  const over = () => {
    isOver = true;
  };
  end.then(over, over);
  while (!isOver) {
    const id = 1 + Math.floor(random() * rowCount);
    const asked = performance.now();
    const rows = await ask(id);
    latencies.push(performance.now() - asked);
    if (rows?.length !== 1 || Number(rows[0].id) !== id)
      throw new Error(`${label} answered ${JSON.stringify(rows)} for ${id}`);
    if (everyMs > 0) await delay(everyMs);
  }
  return latencies;
}
