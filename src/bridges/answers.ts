/** What a bridge of somebody's answered, made sure of: the interface is public, and anything may come back. */
import type { Page, Row, Target, TargetSchema } from './bridge.ts';
import { toJsonValue } from './json-value.ts';

/** An answer that is none; the message says what was missing. */
export class BridgeAnswerError extends Error {
  override readonly name = 'BridgeAnswerError';
}

/** A page as the interface has it, or as some bridges of the interface have it: rows alone. */
export function pageOf(answer: unknown): Page {
  const { rows, nextCursor, total } = Array.isArray(answer) ? { rows: answer } : fieldsOf(answer, 'a page');
  if (!Array.isArray(rows))
    throw new BridgeAnswerError('the bridge returned a page without an array of rows');
  const cursor = cursorOf(nextCursor);
  const counted = integerOf(total);
  return {
    rows,
    ...(cursor === undefined ? {} : { nextCursor: cursor }),
    ...(counted === undefined ? {} : { total: counted }),
  };
}

/** A row in the values that JSON carries. */
export function rowOf(value: unknown): Row {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw new BridgeAnswerError('the bridge returned something that is not a row');
  }
  const row = toJsonValue(value);
  if (typeof row !== 'object' || row === null || Array.isArray(row)) {
    throw new BridgeAnswerError('the bridge returned something that is not a row');
  }
  return row as Row;
}

/** A number, whichever type the driver counts in. */
export function countOf(answer: unknown): { total: number; approximate?: boolean } {
  const { total, approximate } =
    typeof answer === 'object' && answer !== null ? fieldsOf(answer, 'a count') : { total: answer };
  const counted = integerOf(total);
  if (counted === undefined) throw new BridgeAnswerError('the bridge returned no count');
  return { total: counted, ...(typeof approximate === 'boolean' ? { approximate } : {}) };
}

export function targetsOf(answer: unknown): Target[] {
  if (!Array.isArray(answer)) throw new BridgeAnswerError('the bridge returned no array of targets');
  return answer.map(one => {
    if (typeof one === 'string') return { name: one };
    const target = rowOf(one);
    if (typeof target.name !== 'string')
      throw new BridgeAnswerError('the bridge returned a target without a name');
    return target as Row & Target;
  });
}

export function schemaOf(answer: unknown): TargetSchema {
  const schema = rowOf(answer);
  if (!Array.isArray(schema.columns))
    throw new BridgeAnswerError('the bridge returned a schema without columns');
  return schema as unknown as TargetSchema;
}

function fieldsOf(answer: unknown, what: string): Record<string, unknown> {
  if (typeof answer !== 'object' || answer === null)
    throw new BridgeAnswerError(`the bridge did not return ${what}`);
  return answer as Record<string, unknown>;
}

/** Some bridges give the number that their cursor is, and null where there is none. */
function cursorOf(value: unknown): string | undefined {
  if (value === undefined || value === null) return undefined;
  if (typeof value === 'string') return value;
  if (typeof value === 'number' || typeof value === 'bigint') return String(value);
  throw new BridgeAnswerError('the bridge returned a nextCursor that is not a string');
}

function integerOf(value: unknown): number | undefined {
  const number =
    typeof value === 'bigint' || (typeof value === 'string' && /^\d+$/.test(value)) ? Number(value) : value;
  return typeof number === 'number' && Number.isFinite(number) && number >= 0 ? number : undefined;
}
