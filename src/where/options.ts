/** The options of the row questions, checked: gateway and bridges read them through this one file. */
import { type Condition, checkField, parseWhere, WhereError } from './where.ts';

export interface Order {
  field: string;
  dir: 'asc' | 'desc';
}

export interface ParsedQuery {
  where: Condition;
  orderBy: Order[];
  /** Undefined is every column. */
  select: string[] | undefined;
  limit: number | undefined;
  offset: number | undefined;
}

export interface ParsedRead {
  limit: number | undefined;
  cursor: string | undefined;
  fields: string[] | undefined;
  changedSince: string | number | undefined;
  changeTrackingColumn: string | undefined;
}

/**
 * @param options undefined asks for everything, as a caller of the public bridge interface may.
 * @throws WhereError for an option of the wrong type or range; keys it does not know are ignored.
 */
export function parseQueryOptions(options: unknown): ParsedQuery {
  const given = optional(options);
  return { ...parseBatchReadOptions(given), offset: count(given.offset, 'offset') };
}

export function parseBatchReadOptions(options: unknown): Omit<ParsedQuery, 'offset'> {
  const { where, orderBy, select, limit } = optional(options);
  return {
    where: parseWhere(where),
    orderBy: orders(orderBy),
    // Some callers of the public interface say every column so.
    select: select === '*' ? undefined : fields(select, 'select'),
    limit: count(limit, 'limit'),
  };
}

export function parseCountOptions(options: unknown): Condition {
  return parseWhere(optional(options).where);
}

export function parseReadOptions(options: unknown): ParsedRead {
  const { limit, cursor, fields: wanted, changedSince, changeTrackingColumn } = optional(options);
  if (cursor !== undefined && typeof cursor !== 'string') throw invalid('cursor is not a string');
  if (changedSince !== undefined && typeof changedSince !== 'string' && typeof changedSince !== 'number') {
    throw invalid('changedSince is neither a string nor a number');
  }
  if (changeTrackingColumn !== undefined && typeof changeTrackingColumn !== 'string') {
    throw invalid('changeTrackingColumn is not a string');
  }
  if (changedSince !== undefined && changeTrackingColumn === undefined) {
    throw invalid('changedSince needs changeTrackingColumn: the column that tells when a row changed');
  }
  return {
    limit: count(limit, 'limit'),
    cursor,
    fields: fields(wanted, 'fields'),
    changedSince,
    changeTrackingColumn:
      changeTrackingColumn === undefined
        ? undefined
        : checkField(changeTrackingColumn, 'changeTrackingColumn'),
  };
}

/** A list of `{field, dir}`, or one of them alone. */
function orders(value: unknown): Order[] {
  if (value === undefined) return [];
  if (!Array.isArray(value)) return [order(value, 'orderBy')];
  return value.map((one, index) => order(one, `orderBy[${index}]`));
}

function order(value: unknown, what: string): Order {
  const { field, dir = 'asc' } = object(value, what);
  if (typeof field !== 'string') throw invalid(`${what}.field is not a string`);
  if (dir !== 'asc' && dir !== 'desc') throw invalid(`${what}.dir is neither asc nor desc`);
  return { field: checkField(field, what), dir };
}

function fields(value: unknown, what: string): string[] | undefined {
  if (value === undefined) return undefined;
  if (!Array.isArray(value) || value.length === 0) throw invalid(`${what} is not an array of field names`);
  const names = value.map((one, index) => {
    if (typeof one !== 'string') throw invalid(`${what}[${index}] is not a string`);
    return checkField(one, `${what}[${index}]`);
  });
  return [...new Set(names)];
}

function count(value: unknown, what: string): number | undefined {
  if (value === undefined) return undefined;
  if (typeof value !== 'number' || !Number.isSafeInteger(value) || value < 0) {
    throw invalid(`${what} is not a whole number of 0 or more`);
  }
  return value;
}

function optional(options: unknown): Record<string, unknown> {
  return options === undefined ? {} : object(options, 'options');
}

function object(value: unknown, what: string): Record<string, unknown> {
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw invalid(`${what} is not an object`);
  return value as Record<string, unknown>;
}

function invalid(message: string): WhereError {
  return new WhereError('invalid', message);
}
