/** Reads the JSON body of a request, within bounds. */
import type { IncomingMessage } from 'node:http';
import { AppError } from '../../errors.ts';
import { parseExactJson } from '../../platform/exact-json.ts';
import { jsonTooDeep } from '../../protocol/json-depth.ts';
import { MAX_JSON_DEPTH } from '../../protocol/limits.ts';

/** Far beyond any filter a person or a program writes. */
const MAX_BODY_BYTES = 1_048_576;

const utf8 = new TextDecoder('utf-8', { fatal: true });

/**
 * The parsed body; an empty one is an empty object.
 *
 * @throws AppError `body_too_large`, `unsupported_media_type`, `invalid_request`.
 */
export function readJsonBody(request: IncomingMessage): Promise<unknown> {
  return readBytes(request).then(bytes => parse(request, bytes));
}

function parse(request: IncomingMessage, bytes: Buffer): unknown {
  if (bytes.length === 0) return {};
  const type = (request.headers['content-type'] ?? '').split(';', 1)[0]?.trim().toLowerCase();
  if (type !== 'application/json') {
    throw new AppError('unsupported_media_type', {
      message: 'the body must be JSON',
      hint: 'send it with Content-Type: application/json',
    });
  }
  let text: string;
  try {
    text = utf8.decode(bytes);
  } catch {
    throw new AppError('invalid_request', { message: 'the body is not UTF-8' });
  }
  if (jsonTooDeep(text, MAX_JSON_DEPTH)) {
    throw new AppError('invalid_request', { message: `the body nests deeper than ${MAX_JSON_DEPTH}` });
  }
  try {
    return parseExactJson(text);
  } catch {
    throw new AppError('invalid_request', { message: 'the body is not JSON' });
  }
}

/** By events: iterating a stream costs more than everything else that is done with a body of the usual size. */
function readBytes(request: IncomingMessage): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    let size = 0;
    const fail = (error: Error): void => {
      request.off('data', take);
      request.pause();
      reject(error);
    };
    const take = (chunk: Buffer): void => {
      size += chunk.length;
      if (size > MAX_BODY_BYTES)
        return fail(
          new AppError('body_too_large', { message: `the body is larger than ${MAX_BODY_BYTES} bytes` }),
        );
      chunks.push(chunk);
    };
    request.on('data', take);
    request.on('end', () => resolve(chunks.length === 1 ? (chunks[0] as Buffer) : Buffer.concat(chunks)));
    request.on('error', fail);
    request.on('close', () => {
      if (!request.complete)
        fail(new AppError('invalid_request', { message: 'the body did not come to its end' }));
    });
  });
}
