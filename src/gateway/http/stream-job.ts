/** A job's rows on their way to an HTTP caller: all at once as JSON, or a line each as they arrive. */
import type { ServerResponse } from 'node:http';
import { AppError } from '../../errors.ts';
import { jsonTooDeep } from '../../protocol/json-depth.ts';
import { MAX_JSON_DEPTH } from '../../protocol/limits.ts';
import { batchSize, type ChunkBatch, type Job, type JobBatch, type JobMeta } from '../job.ts';
import { type Answering, writeHead } from './head.ts';
import { apiCodeOf, asAppError } from './problem.ts';

/** What one JSON answer may hold; beyond it a caller has to stream. */
const MAX_JSON_BYTES = 256 * 1_048_576;

/** Cancels the job when its caller hangs up; returns what ends the watch. */
export function cancelWithCaller(job: Job, response: ServerResponse): () => void {
  const gone = (): void => {
    if (!response.writableFinished) job.cancel();
  };
  if (response.destroyed) job.cancel();
  response.on('close', gone);
  return () => response.off('close', gone);
}

/**
 * Every row of the job, whose batches are never empty, as JSON texts joined by commas, and its meta.
 *
 * @throws AppError the job's own ending, or `invalid_request` when the answer would be too large.
 */
export async function collectRows(job: Job): Promise<{ text: string; meta: JobMeta }> {
  let pieces: string[] = [];
  let size = 0;
  let attempt = 0;
  for (let batch = await job.next(); batch; batch = await job.next()) {
    // It has begun again: what it gave before does not count.
    if (attempt !== job.batchAttempt) {
      pieces = [];
      size = 0;
    }
    attempt = job.batchAttempt;
    const text = listed(batch);
    size += text.length;
    if (size > MAX_JSON_BYTES) {
      job.cancel();
      throw new AppError('invalid_request', {
        message: `the answer is larger than ${MAX_JSON_BYTES} bytes`,
        hint: 'ask for application/x-ndjson (--ndjson), a smaller limit or fewer fields',
      });
    }
    pieces.push(text);
  }
  return { text: isOfLastAttempt(job) ? pieces.join(',') : '', meta: metaOf(job) };
}

/** The batches of a job that answers with a number or a few rows. */
export async function collectBatches(job: Job): Promise<ChunkBatch[]> {
  let batches: ChunkBatch[] = [];
  let attempt = 0;
  for (let batch = await job.next(); batch; batch = await job.next()) {
    if (attempt !== job.batchAttempt) batches = [];
    attempt = job.batchAttempt;
    batches.push('lines' in batch ? { rows: JSON.parse(`[${listed(batch)}]`) } : batch);
  }
  return isOfLastAttempt(job) ? batches : [];
}

/** Whether the last batch was of the attempt that won, which may have had nothing to say where an earlier one had. */
function isOfLastAttempt(job: Job): boolean {
  return job.batchAttempt === job.attempts;
}

/**
 * A batch as JSON texts joined by commas. Lines are parsed once, to see that they are what they say: here, unlike in a
 * stream of lines, one that is not would break the answer around it.
 */
function listed(batch: JobBatch): string {
  if (!('lines' in batch)) return JSON.stringify(batch.agg ?? batch.rows).slice(1, -1);
  const text = batch.lines.toString('utf8', 0, batch.lines.length - 1).replaceAll('\n', ',');
  const list = `[${text}]`;
  let rows: unknown;
  try {
    rows = jsonTooDeep(list, MAX_JSON_DEPTH) ? undefined : JSON.parse(list);
  } catch {
    // Reported below: the parser's own message quotes the row.
  }
  if (Array.isArray(rows) && rows.length === batch.count) return text;
  throw new AppError('INTERNAL', { message: 'the runner sent a row that is not JSON' });
}

export function metaOf(job: Job): JobMeta {
  if (job.meta) return job.meta;
  throw new AppError('internal', { message: 'the job ended without its meta' });
}

/**
 * Rows as NDJSON while they arrive. The headers wait for the first rows or the ending, so that whatever fails before
 * them is thrown here and gets its status; a later failure becomes the last line and an unclean end.
 */
export async function streamRows(job: Job, answering: Answering): Promise<void> {
  const { response } = answering;
  let batch = await job.next();
  let rows = 0;
  writeHead(answering, 200, {
    'content-type': 'application/x-ndjson; charset=utf-8',
    'cache-control': 'no-store',
  });
  try {
    for (; batch; batch = await job.next()) {
      rows += batchSize(batch);
      if (!response.write(linesOf(batch))) await drained(response);
    }
    response.end();
  } catch (thrown) {
    const error = asAppError(thrown);
    const failure = { $error: { code: apiCodeOf(error), message: error.message, rows } };
    // The line must be out before the connection ends, and the terminating chunk must not.
    response.write(`${JSON.stringify(failure)}\n`, () => response.socket?.destroySoon());
  }
}

function linesOf(batch: JobBatch): string | Buffer {
  if ('lines' in batch) return batch.lines;
  let text = '';
  for (const item of batch.agg ?? batch.rows) text += `${JSON.stringify(item)}\n`;
  return text;
}

function drained(response: ServerResponse): Promise<void> {
  return new Promise(resolve => {
    const done = (): void => {
      response.off('drain', done);
      response.off('close', done);
      resolve();
    };
    if (response.destroyed) return resolve();
    response.on('drain', done);
    response.on('close', done);
  });
}
