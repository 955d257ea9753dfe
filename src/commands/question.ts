/** What `query` and `count` ask, out of their flags. */
import { AppError } from '../errors.ts';
import { parseDuration } from '../platform/duration.ts';
import { parseExactJson } from '../platform/exact-json.ts';
import { integer } from './run-settings.ts';

/** As the service takes them: 1 ms to a day, 30 s unless told otherwise. */
const MAX_DEADLINE_MS = 86_400_000;
export const DEFAULT_DEADLINE_MS = 30_000;

export interface QuestionFlags {
  where?: string;
  orderBy?: string;
  select?: string;
  limit?: string;
  offset?: string;
  timeout?: string;
}

export interface Question {
  target: string;
  where?: unknown;
  orderBy?: { field: string; dir: 'asc' | 'desc' }[];
  select?: string[];
  limit?: number;
  offset?: number;
  deadlineMs?: number;
}

/** @throws AppError `usage` naming the flag that cannot be read. */
export function questionOf(target: string, flags: QuestionFlags): Question {
  const { where, orderBy, select, limit, offset, timeout } = flags;
  return {
    target,
    ...(where === undefined ? {} : { where: parseWhere(where) }),
    ...(orderBy === undefined ? {} : { orderBy: fieldsOf(orderBy, '--order-by').map(parseOrder) }),
    ...(select === undefined ? {} : { select: fieldsOf(select, '--select') }),
    ...(limit === undefined ? {} : { limit: integer(limit, '--limit', 0, Number.MAX_SAFE_INTEGER) }),
    ...(offset === undefined ? {} : { offset: integer(offset, '--offset', 0, Number.MAX_SAFE_INTEGER) }),
    ...(timeout === undefined
      ? {}
      : { deadlineMs: parseDuration(timeout, '--timeout', { minMs: 1, maxMs: MAX_DEADLINE_MS }) }),
  };
}

function parseWhere(text: string): unknown {
  const hint = 'for example --where \'{"status":"shipped","total":{"$gte":500}}\'';
  let where: unknown;
  try {
    where = parseExactJson(text);
  } catch {
    throw new AppError('usage', { message: '--where is not JSON', hint });
  }
  if (typeof where === 'object' && where !== null && !Array.isArray(where)) return where;
  throw new AppError('usage', { message: '--where is not a JSON object', hint });
}

function parseOrder(text: string): { field: string; dir: 'asc' | 'desc' } {
  const colon = text.lastIndexOf(':');
  if (colon < 0) return { field: text, dir: 'asc' };
  const dir = text.slice(colon + 1);
  if (colon > 0 && (dir === 'asc' || dir === 'desc')) return { field: text.slice(0, colon), dir };
  throw new AppError('usage', { message: `--order-by: "${text}" is not field, field:asc or field:desc` });
}

function fieldsOf(text: string, flag: string): string[] {
  const fields = text.split(',').map(field => field.trim());
  if (fields.every(field => field !== '')) return fields;
  throw new AppError('usage', { message: `${flag} has an empty field in it` });
}
