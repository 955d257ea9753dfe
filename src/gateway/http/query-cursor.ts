/**
 * Pages of `query`: a cursor that holds the offset and a digest of the question it belongs to. It lives in the
 * gateway, because the bridge interface pages `query` by offset, whoever wrote the bridge.
 */
import { crc32 } from 'node:zlib';
import { AppError } from '../../errors.ts';

/** The parts of a question that a page must share with the page before. */
export interface Question {
  target: string;
  where?: unknown;
  orderBy?: unknown;
  select?: unknown;
}

export function encodeQueryCursor(question: Question, offset: number): string {
  return Buffer.from(JSON.stringify([offset, digest(question)])).toString('base64url');
}

/** @throws AppError `invalid_request` for a cursor that is not ours, or of another question. */
export function decodeQueryCursor(cursor: string, question: Question): number {
  let parts: unknown;
  try {
    parts = JSON.parse(Buffer.from(cursor, 'base64url').toString());
  } catch {
    parts = undefined;
  }
  const [offset, of] = Array.isArray(parts) ? (parts as unknown[]) : [];
  if (typeof offset !== 'number' || !Number.isSafeInteger(offset) || offset < 0) {
    throw new AppError('invalid_request', { message: 'cursor is not one that a page gave' });
  }
  if (of !== digest(question)) {
    throw new AppError('invalid_request', {
      message: 'cursor belongs to another question',
      hint: 'ask for the next page with the same target, where, orderBy and select',
    });
  }
  return offset;
}

function digest({ target, where, orderBy, select }: Question): string {
  const text = JSON.stringify([target, where ?? null, orderBy ?? null, select ?? null]);
  // Against a mistake, not an attack: whoever has the cursor may ask the question anyway.
  return `${text.length.toString(36)}.${crc32(text).toString(36)}`;
}
