/**
 * An HTTP caller that takes rows as NDJSON, as fast as they come or at a rate of its own, and looks at nothing but
 * their ids. Answers each question with what came and how long it took.
 */
import { request } from 'node:http';
import { setTimeout as delay } from 'node:timers/promises';
import { answerQuestions } from '../processes.mjs';
import { Tally } from '../tally.mjs';

/** A slow reader stops this far ahead of its rate, and starts again when the clock has caught up. */
const AHEAD_MS = 20;

answerQuestions(async ({ url, headers, body, bytesPerSecond }) => {
  const tally = new Tally('{"id":');
  const started = performance.now();
  const response = await answerOf(url, headers, JSON.stringify(body));
  let firstRowMs;
  if (response.statusCode !== 200) {
    let text = '';
    for await (const chunk of response) text += chunk;
    throw new Error(`the answer was ${response.statusCode}: ${text.slice(0, 500)}`);
  }
  const take = chunk => {
    firstRowMs ??= performance.now() - started;
    tally.lines(chunk);
  };
  if (bytesPerSecond === undefined) {
    response.on('data', take);
    await new Promise((resolve, reject) => response.on('end', resolve).on('error', reject));
  } else {
    for await (const chunk of response) {
      take(chunk);
      const aheadMs = (tally.bytes / bytesPerSecond) * 1000 - (performance.now() - started);
      if (aheadMs > AHEAD_MS) await delay(aheadMs);
    }
  }
  const { rows, checksum, bytes } = tally;
  return { rows, checksum, bytes, firstRowMs, durationMs: performance.now() - started };
});

function answerOf(url, headers, text) {
  return new Promise((resolve, reject) => {
    const asked = request(
      url,
      { method: 'POST', headers: { ...headers, 'content-length': Buffer.byteLength(text) } },
      resolve,
    );
    asked.on('error', reject);
    asked.end(text);
  });
}
