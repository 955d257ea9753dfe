/** Server-sent events, as they arrive. Loaded when something is watched. */
import type { IncomingMessage } from 'node:http';
import { createParser } from 'eventsource-parser';
import { AppError } from '../errors.ts';
import { cancelledError, incompleteError } from './api-error.ts';

export interface ServiceEvent {
  id: string | undefined;
  /** `runner.changed`, `source.removed` and the like. */
  type: string;
  data: unknown;
}

/** @throws AppError `incomplete_response` when the stream ends: it has no end of its own. `CANCELLED` after an abort. */
export async function* eventsOf(
  response: IncomingMessage,
  signal: AbortSignal | undefined,
): AsyncGenerator<ServiceEvent[], void, undefined> {
  let events: ServiceEvent[] = [];
  const parser = createParser({
    onEvent: ({ id, event = 'message', data }) => events.push({ id, type: event, data: parsed(data) }),
  });
  response.setEncoding('utf8');
  try {
    for await (const text of response) {
      parser.feed(text as string);
      if (events.length === 0) continue;
      const batch = events;
      events = [];
      yield batch;
    }
  } catch (error) {
    if (error instanceof AppError) throw error;
    throw signal?.aborted ? cancelledError() : incompleteError(error);
  }
  throw incompleteError();
}

function parsed(data: string): unknown {
  try {
    return JSON.parse(data);
  } catch {
    return undefined;
  }
}
