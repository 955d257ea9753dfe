/** Rows as lines: as they arrive, and never more of them than came whole. */
import type { IncomingMessage } from 'node:http';
import type { AppError } from '../errors.ts';
import { cancelledError, incompleteError, streamError } from './api-error.ts';

const ERROR_LINE = '{"$error":';

/** Lines as they arrive. A line that looks like the failure's is one only if the connection then ends uncleanly. */
export async function* linesOf(
  response: IncomingMessage,
  signal: AbortSignal | undefined,
): AsyncGenerator<string[], void, undefined> {
  response.setEncoding('utf8');
  let rest = '';
  let held: string | undefined;
  try {
    for await (const chunk of chunksOf(response)) {
      const lines = (rest + chunk).split('\n');
      rest = lines.pop() as string;
      const batch = lines.filter(line => line !== '');
      if (batch.length === 0) continue;
      if (held !== undefined) batch.unshift(held);
      held = batch[batch.length - 1]?.startsWith(ERROR_LINE) ? batch.pop() : undefined;
      if (batch.length > 0) yield batch;
    }
  } catch (error) {
    if (signal?.aborted) throw cancelledError();
    throw failureOf(held ?? rest) ?? incompleteError(error);
  }
  if (!response.complete) throw failureOf(held ?? rest) ?? incompleteError();
  if (held !== undefined) yield [held];
  // A last line without its newline was cut, unless it is whole by itself.
  if (rest === '') return;
  if (!isJson(rest)) throw incompleteError();
  yield [rest];
}

/**
 * What came in, to its last byte. A stream's own iterator drops what it holds when the connection is cut, and over TLS
 * the cut may overtake what a slow reader has not taken yet: the service's last word among it.
 */
async function* chunksOf(response: IncomingMessage): AsyncGenerator<string, void, undefined> {
  let failure: Error | undefined;
  let closed = response.closed;
  let wake = (): void => {};
  const look = (): void => wake();
  response.on('readable', look);
  response.on('end', look);
  response.on('error', error => {
    failure = error;
    wake();
  });
  response.once('close', () => {
    closed = true;
    wake();
  });
  try {
    for (;;) {
      const chunk = response.read() as string | null;
      if (chunk !== null) {
        yield chunk;
      } else if (failure) {
        throw failure;
      } else if (closed || response.readableEnded) {
        return;
      } else {
        await new Promise<void>(resolve => {
          wake = resolve;
        });
      }
    }
  } finally {
    response.destroy();
  }
}

function failureOf(line: string): AppError | undefined {
  if (!line.startsWith(ERROR_LINE)) return undefined;
  try {
    return streamError((JSON.parse(line) as { $error: unknown }).$error);
  } catch {
    return undefined;
  }
}

function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}
