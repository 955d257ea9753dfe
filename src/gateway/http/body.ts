/** Reads the JSON body of a request, within bounds. */
import type { IncomingMessage } from 'node:http';
import { AppError } from '../../errors.ts';
import { jsonTooDeep } from '../../protocol/json-depth.ts';
import { MAX_JSON_DEPTH } from '../../protocol/limits.ts';

/** Far beyond any filter a person or a program writes. */
const MAX_BODY_BYTES = 1_048_576;

/**
 * The parsed body; an empty one is an empty object.
 *
 * @throws AppError `body_too_large`, `unsupported_media_type`, `invalid_request`.
 */
export async function readJsonBody(request: IncomingMessage): Promise<unknown> {
  const type = (request.headers['content-type'] ?? '').split(';', 1)[0]?.trim().toLowerCase();
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of request) {
    size += (chunk as Buffer).length;
    if (size > MAX_BODY_BYTES) {
      throw new AppError('body_too_large', { message: `the body is larger than ${MAX_BODY_BYTES} bytes` });
    }
    chunks.push(chunk as Buffer);
  }
  if (size === 0) return {};
  if (type !== 'application/json') {
    throw new AppError('unsupported_media_type', {
      message: 'the body must be JSON',
      hint: 'send it with Content-Type: application/json',
    });
  }
  let text: string;
  try {
    text = new TextDecoder('utf-8', { fatal: true }).decode(Buffer.concat(chunks));
  } catch {
    throw new AppError('invalid_request', { message: 'the body is not UTF-8' });
  }
  if (jsonTooDeep(text, MAX_JSON_DEPTH)) {
    throw new AppError('invalid_request', { message: `the body nests deeper than ${MAX_JSON_DEPTH}` });
  }
  try {
    return JSON.parse(text);
  } catch {
    throw new AppError('invalid_request', { message: 'the body is not JSON' });
  }
}
